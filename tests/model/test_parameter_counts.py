import pytest
import torch

from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.recommender import Recommender, parameter_count
from tinynewsrec.model.unilm import UniLMv2Config, UniLMv2Model

PUBLISHED = {12: 109_886_884, 4: 53_183_908, 2: 39_008_164, 1: 31_920_292}


def unused_parameters(config: UniLMv2Config) -> int:
    """What the authors' module counts beyond this one and never uses.

    Those are BERT's pooler, a classifier of two classes, and the key biases, which softmax does not see.
    """
    width = config.hidden_size
    pooler = width * width + width
    classifier = 2 * width + 2
    return pooler + classifier + config.num_hidden_layers * width


@pytest.mark.parametrize("layers", PUBLISHED)
def test_sizes_are_the_papers_when_parts_that_nothing_reads_are_counted(layers, tokenizer):
    """Yu et al. (2022) count UniLMv2's pooler, a classifier and key biases, all of them without effect."""
    settings = UniLMv2Config()
    with torch.device("meta"):
        recommender = Recommender(
            ModelConfig(language_model="unilmv2", layers=layers), UniLMv2Model(settings), tokenizer
        )
    assert parameter_count(recommender) + unused_parameters(settings) == PUBLISHED[layers]
