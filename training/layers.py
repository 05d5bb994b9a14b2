"""What the last layers of a student take over from those of its teachers (NewsBERT: Wu et al., 2021)."""

from collections.abc import Iterable
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.frozen import FrozenWords, words_of
from tinynewsrec.model.language_models import layers_of
from tinynewsrec.model.news_encoder import NewsEncoder
from training.joint import word_distances

COPIED = 2  # last layers of the language model whose words are copied


def refuse_misfit(student: NewsEncoder, teacher: NewsEncoder, folder: Path) -> None:
    """Raises ValueError where a teacher's layers cannot be laid beside the student's, one by one."""
    own, theirs = layers_of(student.language_model), layers_of(teacher.language_model)
    if len(theirs) < max(COPIED, len(own)) or shapes(own[-1]) != shapes(theirs[-1]):
        raise ValueError(
            f"{folder} cannot teach here: expected {max(COPIED, len(own))} layers or more of the student's "
            f"family and width, found {len(theirs)}. finetune_mtbert takes teachers of any family."
        )


def shapes(layer: nn.Module) -> dict[str, torch.Size]:
    return {name: parameter.shape for name, parameter in layer.named_parameters()}


@torch.no_grad()
def blend_gradients(student: NewsEncoder, teachers: Iterable[NewsEncoder], momentum: float) -> None:
    """Momentum distillation: (1 - momentum) of the gradient of each trained layer of the student stays.

    The rest is the mean of the gradients of the teachers' matching layers, all teachers alike.
    """
    for learnt, taught in matching_layers(student, teachers):
        for name, parameter in learnt.named_parameters():
            theirs = torch.stack([layer.get_parameter(name).grad for layer in taught]).mean(0)
            parameter.grad.mul_(1 - momentum).add_(theirs, alpha=momentum)


def matching_layers(
    student: NewsEncoder, teachers: Iterable[NewsEncoder]
) -> list[tuple[nn.Module, list[nn.Module]]]:
    """The student's trained layers and what each follows: the teachers' as far from the end.

    One layer alone follows the teachers' last two.
    """
    own, theirs = layers_of(student.language_model), [layers_of(t.language_model) for t in teachers]
    if len(own) == 1:
        return [(own[0], [layer for layers in theirs for layer in layers[-COPIED:]])]
    trained = range(student.frozen_layers - len(own), 0)
    return [(own[place], [layers[place] for layers in theirs]) for place in trained]


def last_layers(encoder: NewsEncoder, tokens: Tokens | FrozenWords) -> list[Float[Tensor, "N T W"]]:
    """The words after each of the last two layers, or the one that there is."""
    caught: list[Tensor] = []
    layers = layers_of(encoder.language_model)[-COPIED:-1]
    hooks = [
        layer.register_forward_hook(lambda _, given, made: caught.append(words_of(made))) for layer in layers
    ]
    try:
        words = encoder.words(tokens)
    finally:
        for hook in hooks:
            hook.remove()
    return [*caught, words]


def layer_distances(
    taught: list[Float[Tensor, "N T W"]], learnt: list[Float[Tensor, "N T W"]], mask: Bool[Tensor, "N T"]
) -> Float[Tensor, " N"]:
    """Layer by layer, on average; one layer alone is compared with the mean of the teacher's two."""
    goals = torch.stack(taught).detach()
    goals = goals.mean(0, keepdim=True) if len(learnt) == 1 else goals
    pairs = zip(goals, learnt, strict=True)
    return torch.stack([word_distances(goal, words, mask) for goal, words in pairs]).mean(0)
