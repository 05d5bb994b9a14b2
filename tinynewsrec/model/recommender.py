from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from huggingface_hub import HfApi
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinynewsrec.data.batches import EMPTY, Batch
from tinynewsrec.data.tokens import Tokens, tokenize
from tinynewsrec.model.card import model_card
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.folder import (
    WEIGHTS,
    Blueprint,
    find_folder,
    read_blueprint,
    read_json,
    read_state,
    write_blueprint,
    write_json,
)
from tinynewsrec.model.frozen import FrozenWords
from tinynewsrec.model.heads import Heads, Prediction, Specs, widened
from tinynewsrec.model.language_models import empty_language_model, load_tokenizer
from tinynewsrec.model.news_encoder import NewsEncoder, by_length
from tinynewsrec.model.user_encoder import UserEncoder
from tinynewsrec.model.weights import write_weights


class Recommender(nn.Module):
    """Scores candidate stories for readers, from what they clicked before.

    N stories, B readers, H clicks, C candidates, T tokens, W numbers in a word, D numbers in a news vector.
    """

    def __init__(
        self, config: ModelConfig, language_model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
    ):
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.news_encoder = NewsEncoder(language_model, config)
        self.user_encoder = UserEncoder(config)
        self.heads: Heads | None = None
        self.metrics: dict[str, Any] = {}
        """How it did; saved with it as metrics.json."""
        self.training_record: dict[str, Any] = {}
        """How it came about; saved with it as training.json."""

    def forward(self, batch: Batch) -> Float[Tensor, "B C"]:
        return self.score(self.encode(batch.tokens), batch.history, batch.candidates)

    def encode(self, tokens: Tokens | FrozenWords) -> Float[Tensor, "N D"]:
        return self.news_encoder(tokens)

    def read(self, news: Float[Tensor, "N D"], history: Int[Tensor, "B H"]) -> Float[Tensor, "B D"]:
        """The vector of each reader."""
        return self.user_encoder(news[history], history != EMPTY)

    def score(
        self,
        news: Float[Tensor, "N D"],
        history: Int[Tensor, "B H"],
        candidates: Int[Tensor, "B C"],
    ) -> Float[Tensor, "B C"]:
        """Training passes a batch's stories; evaluation and the app pass all of them, encoded once."""
        return torch.einsum("bd,bcd->bc", self.read(news, history), news[candidates])

    def add_heads(self, specs: Specs) -> None:
        """New ones, in the place of those that were there."""
        width = self.news_encoder.language_model.config.hidden_size
        self.heads = Heads(specs, width, self.config.news_size) if specs else None

    def encode_and_label(
        self, tokens: Tokens | FrozenWords
    ) -> tuple[Float[Tensor, "N D"], dict[str, Float[Tensor, "N ..."]]]:
        """The vectors, and by task the scores of its labels, of each word piece where a head reads them."""

        def encode(part: Tokens | FrozenWords) -> tuple[Tensor, ...]:
            depths = self.news_encoder.depths(part)
            scores = self.heads(depths).values() if self.heads else ()
            return depths.vector, *(widened(found, tokens.mask.shape[1]) for found in scores)

        vectors, *scores = by_length(tokens, encode)
        return vectors, dict(zip(self.heads or (), scores, strict=True))

    @torch.no_grad()
    def predict(self, titles: Sequence[str]) -> dict[str, Prediction]:
        """What each head makes of titles; nothing of a recommender without heads."""
        self.eval()
        tokens = self.tokens(titles).to(next(self.parameters()).device)
        _, scores = self.encode_and_label(tokens)
        return {
            name: Prediction(self.heads.specs[name].labels, found.float().softmax(-1).cpu().numpy())
            for name, found in scores.items()
        }

    def tokens(self, titles: Sequence[str]) -> Tokens:
        return tokenize(titles, self.tokenizer, self.config.title_length)

    @property
    def blueprint(self) -> Blueprint:
        language_model = self.news_encoder.language_model.config.to_diff_dict()
        return Blueprint(self.config, language_model, heads=self.heads.specs if self.heads else {})

    @classmethod
    def from_pretrained(
        cls, name: str | Path, revision: str | None = None, token: str | None = None
    ) -> "Recommender":
        """A saved recommender, ready to score, from a folder or the hub.

        Raises FileNotFoundError or ValueError, saying what is wrong with the folder. Nothing is unpickled.
        """
        folder = find_folder(name, revision, token)
        blueprint = read_blueprint(folder)
        recommender = cls.from_blueprint(blueprint, folder)
        fill(recommender, read_state(folder, blueprint), folder)
        recommender.metrics = read_json(folder / "metrics.json")
        recommender.training_record = read_json(folder / "training.json")
        return recommender.eval()

    @classmethod
    def from_blueprint(cls, blueprint: Blueprint, folder: Path) -> "Recommender":
        """With random weights. Raises ValueError, naming the folder."""
        try:
            language_model = empty_language_model(blueprint.language_model)
            tokenizer = read_tokenizer(folder, language_model.config.vocab_size)
            recommender = cls(blueprint.config, language_model, tokenizer)
            recommender.add_heads(blueprint.heads)
            return recommender
        except ValueError as error:
            raise ValueError(f"{folder / 'config.json'}: {error}") from error

    def save_pretrained(self, folder: str | Path) -> None:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_weights(self.state_dict(), folder / WEIGHTS)
        self.save_description(folder, self.blueprint)

    def save_description(self, folder: Path, blueprint: Blueprint) -> None:
        """All of a checkpoint but its weights."""
        write_blueprint(blueprint, folder)
        self.tokenizer.save_pretrained(folder)
        write_json(self.metrics, folder / "metrics.json")
        write_json(self.training_record, folder / "training.json")
        card = model_card(self.config, parameter_count(self), self.metrics, self.training_record)
        (folder / "README.md").write_text(card, encoding="utf-8")

    def push_to_hub(self, repo_id: str, private: bool = True, token: str | None = None) -> str:
        """Uploads weights and description as one commit and returns their address.

        What training left beside them (adapter, conflicts, projections) is uploaded with its folder.
        """
        api = HfApi(token=token)
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message="Add recommender")


def parameter_count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def read_tokenizer(folder: Path, words: int) -> PreTrainedTokenizerBase:
    """Raises ValueError where there is none, or one with more than `words` ids."""
    try:
        tokenizer = load_tokenizer(str(folder))
    except Exception as error:
        raise ValueError(f"{folder} has no readable tokenizer: expected tokenizer.json. {error}") from error
    if max(tokenizer.get_vocab().values()) >= words:
        raise ValueError(f"{folder} has a tokenizer of more than the {words} words its language model knows.")
    return tokenizer


def fill(recommender: Recommender, weights: dict[str, Tensor], folder: Path) -> None:
    """Sets every parameter and nothing else. Raises ValueError, naming what does not match."""
    expected = recommender.state_dict()
    wrong = [
        *(f"{name} is missing" for name in expected.keys() - weights.keys()),
        *(f"{name} has no place in the model" for name in weights.keys() - expected.keys()),
        *(
            f"{name} has shape {tuple(weights[name].shape)} instead of {tuple(expected[name].shape)}"
            for name in expected.keys() & weights.keys()
            if weights[name].shape != expected[name].shape
        ),
    ]
    if wrong:
        raise ValueError(
            f"{folder / WEIGHTS} does not fit config.json beside it: {len(wrong)} of "
            f"{len(expected)} tensors differ, first {sorted(wrong)[0]}. Save the checkpoint again."
        )
    recommender.load_state_dict(weights)
