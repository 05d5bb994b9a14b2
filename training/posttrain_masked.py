"""Teaches a language model a domain's words before finetuning: masked language modelling.

On the bodies of a domain's stories it is DAPT, on the titles of the task itself TAPT (Gururangan et al.,
2020). The head that guesses the hidden words is new, begins with how often each is in the texts, has a rate
of its own, and is not kept. What stands on top of the language model,
pooling, projection and user encoder, stays untrained.

python -m training.posttrain_masked --data MINDsmall_train --out checkpoints/dapt
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase

from tinynewsrec.commands import readable_errors
from tinynewsrec.data.tokens import Tokens, tokenize
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.news_encoder import NewsEncoder
from training.config import TrainConfig, refuse_below
from training.loop import Losses, this_process
from training.pairs import read_pairs
from training.record import training_record
from training.samples import Dealt, refuse_uneven, share
from training.stage import finish, learn, refuse_finished, start

TRAINING = TrainConfig(epochs=8, batch_size=128, learning_rate=5e-5, head_learning_rate=5e-4, save_every=25)
HEAD = ("dense.", "norm.", "bias")  # how the names of the guessing head's parameters begin
UNASKED = -100  # the label of a word piece that is not to be guessed


@dataclass(frozen=True, kw_only=True)
class Arguments:
    data: Path
    """Folder of a split, whose abstracts are the bodies, or a file of titles and bodies."""
    out: Path
    """Where to write the checkpoint; a killed run started again with the same settings goes on from here."""
    texts: Literal["bodies", "titles"] = "bodies"
    """What to read: the domain's bodies (DAPT), or the task's titles (TAPT), cut as the model cuts them."""
    body_length: int = 128
    """Tokens of a body, the special ones included; the rest is cut off."""
    trained_layers: int = 3
    """Layers of the language model that are trained, from the last; others and embeddings are frozen."""
    mask_rate: float = 0.15
    """Share of a batch's word pieces that are to be guessed."""
    guesser_learning_rate: float = 3e-3
    """Peak rate of the head that guesses them."""
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainConfig = TRAINING

    def __post_init__(self):
        refuse_below(self, trained_layers=0, body_length=3, guesser_learning_rate=0)
        if not 0 < self.mask_rate < 1:
            raise ValueError(f"mask_rate is a share, above 0 and below 1; got {self.mask_rate}.")


def main(arguments: Arguments) -> None:
    refuse_finished(arguments.out)
    on_titles = arguments.texts == "titles"
    pairs = read_pairs(arguments.data, needed=("title" if on_titles else "body",))
    refuse_uneven(arguments.training, len(pairs), this_process().num_processes, pairs.name)
    recommender = start(arguments.model, arguments.trained_layers, arguments.training.seed)
    tokenizer = recommender.tokenizer
    sampler = MaskedSampler(
        recommender.tokens(pairs.titles)
        if on_titles
        else tokenize(pairs.bodies, tokenizer, arguments.body_length),
        masking(tokenizer, arguments.mask_rate),
        arguments.training.batch_size,
        arguments.training.seed,
    )
    record = training_record(
        arguments, pairs.name, parents=[arguments.model.language_model], texts=len(pairs)
    )
    learner = Guesser(recommender.news_encoder, sampler.word_counts)
    rates = {name: arguments.guesser_learning_rate for name in HEAD}
    learn(learner, sampler, arguments, record, rates=rates)
    finish(recommender, record, arguments.out)


class Masking(NamedTuple):
    """How word pieces are hidden: of those chosen 80 % by the mask, 10 % by any word; 10 % are left."""

    rate: float
    mask: int
    words: Int[np.ndarray, " V"]
    """All ids but those of special tokens: only these are chosen, and only these stand in for others."""

    def __call__(
        self, ids: Int[np.ndarray, "N T"], draw: np.random.Generator
    ) -> tuple[Int[np.ndarray, "N T"], Bool[np.ndarray, "N T"]]:
        """The ids with some hidden, and which were chosen: the share of the whole batch, to the piece."""
        open_to_choice = np.flatnonzero(np.isin(ids, self.words))
        count = min(len(open_to_choice), max(1, round(self.rate * len(open_to_choice))))
        chosen = draw.choice(open_to_choice, size=count, replace=False)
        lots, others = draw.random(count), draw.choice(self.words, size=count)
        hidden = ids.copy()
        hidden.flat[chosen[lots < 0.8]] = self.mask
        swapped = (lots >= 0.8) & (lots < 0.9)
        hidden.flat[chosen[swapped]] = others[swapped]
        asked = np.zeros(ids.shape, dtype=bool)
        asked.flat[chosen] = True
        return hidden, asked


def masking(tokenizer: PreTrainedTokenizerBase, rate: float) -> Masking:
    """Raises ValueError for a tokenizer without a mask token."""
    if tokenizer.mask_token_id is None:
        raise ValueError(
            "Masked language modelling needs a tokenizer with a mask token, this one has none. "
            "Choose another --model.language-model."
        )
    words = np.setdiff1d(list(tokenizer.get_vocab().values()), tokenizer.all_special_ids)
    return Masking(rate, tokenizer.mask_token_id, words)


class MaskedBatch(NamedTuple):
    """N texts with hidden words; `labels` are the words to be guessed, UNASKED elsewhere."""

    tokens: Tokens
    labels: Int[Tensor, "N T"]
    weight: Float[Tensor, ""]  # of each guess, so that the mean over parts is the mean over the whole batch


@dataclass(frozen=True, eq=False)
class MaskedSampler(Dealt):
    tokens: Tokens
    masking: Masking
    batch_size: int
    seed: int

    @property
    def cases(self) -> int:
        return len(self.tokens.ids)

    @property
    def word_counts(self) -> Int[Tensor, " V"]:
        """How often each id is in the texts, 0 for those that are never asked for."""
        ids = self.tokens.ids.numpy()
        asked = torch.from_numpy(ids[np.isin(ids, self.masking.words)])
        return asked.long().bincount(minlength=int(self.masking.words.max()) + 1)

    def batch(self, step: int, part: int = 0, parts: int = 1) -> MaskedBatch:
        """The batch of a step, or one of its equal parts: words are hidden before it is dealt out."""
        chosen, draw = self.chosen(step)
        ids, mask = self.tokens.take(torch.from_numpy(chosen))
        hidden, asked = map(torch.from_numpy, self.masking(ids.numpy(), draw))
        mine = torch.arange(len(chosen))[share(len(chosen), part, parts)]
        tokens = Tokens(hidden, mask).take(mine)
        labels = ids.where(asked, UNASKED)[mine, : tokens.ids.shape[1]]
        return MaskedBatch(tokens, labels, torch.tensor(parts / max(1, int(asked.sum()))))


class Guesser(nn.Module):
    """A language model and a new head that guesses hidden words; gives the loss of a batch.

    It is the mean cross-entropy over all word pieces asked for in the whole batch, however that is dealt out.
    The head begins with how often each word is in the texts, one more for each, and with words as they come
    out of the layers, so that it has not to learn from a few batches which words there are.
    """

    def __init__(self, news_encoder: NewsEncoder, word_counts: Int[Tensor, " V"]):
        super().__init__()
        self.news_encoder = news_encoder
        for unread in (news_encoder.pool, news_encoder.project):
            unread.requires_grad_(False)
        words, size = news_encoder.language_model.get_input_embeddings().weight.shape
        self.dense = nn.Linear(news_encoder.language_model.config.hidden_size, size)
        nn.init.eye_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        self.norm = nn.LayerNorm(size)
        counts = F.pad(word_counts, (0, words - len(word_counts))) + 1
        self.bias = nn.Parameter((counts / counts.sum()).log())

    def forward(self, batch: MaskedBatch) -> Losses:
        asked = batch.labels != UNASKED
        scores = self.guess(self.news_encoder.words(batch.tokens)[asked])
        return {"masked": F.cross_entropy(scores, batch.labels[asked], reduction="sum") * batch.weight}

    def guess(self, words: Float[Tensor, "M W"]) -> Float[Tensor, "M V"]:
        """The score of each of V words for M places; the frozen embeddings say what a word looks like."""
        embeddings = self.news_encoder.language_model.get_input_embeddings().weight
        return F.linear(self.norm(F.gelu(self.dense(words))), embeddings, self.bias)


if __name__ == "__main__":
    with readable_errors():
        main(tyro.cli(Arguments, description=__doc__))
