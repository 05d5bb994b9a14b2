"""A miniature of everything: readers, stories, a language model of three layers and its tokenizer."""

from pathlib import Path

import hypothesis
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from tinynewsrec.data.read import read_split
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.recommender import Recommender

pytest_plugins = ["browser_app"]
hypothesis.settings.register_profile("patient", deadline=None)  # a busy machine may need longer
hypothesis.settings.load_profile("patient")

WORDS = "the a of in on mayor river storm opens closes wins loses team school bridge garden vote plan".split()


def title(story: int) -> str:
    return " ".join(WORDS[(story * step + step) % len(WORDS)] for step in range(1, 3 + story % 4))


def write_mind(parent: Path) -> Path:
    """Four readers, one without history, twelve stories in two categories."""
    folder = parent / "mind" / "dev"
    folder.mkdir(parents=True)
    news = [
        f"N{i}\t{('sports', 'finance')[i % 2]}\tsub{i % 3}\t{title(i)}\tAbstract {i}\turl\t[]\t[]"
        for i in range(12)
    ]
    behaviors = [
        "1\tU1\t11/15/2019 8:00:00 AM\tN0 N1 N2\tN3-0 N4-1 N5-0",
        "2\tU2\t11/15/2019 9:00:00 AM\t\tN1-1 N5-0 N0-0",
        "3\tU3\t11/16/2019 1:30:00 PM\tN6\tN7-0 N8-0 N9-1 N10-1",
        "4\tU1\t11/16/2019 11:59:59 PM\tN0 N1 N2\tN11-0 N10-1",
        "5\tU4\t11/16/2019 12:00:01 AM\tN2 N4 N6 N8\tN1-0 N3-0 N5-0 N7-1 N9-0",
    ]
    (folder / "news.tsv").write_text("\n".join(news) + "\n")
    (folder / "behaviors.tsv").write_text("\n".join(behaviors) + "\n")
    return folder


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """No test reads or fills the cache of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYNEWSREC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def mind_folder(tmp_path):
    return write_mind(tmp_path)


@pytest.fixture
def split(mind_folder):
    return read_split(mind_folder)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory):
    vocabulary = tmp_path_factory.mktemp("tokenizer") / "vocab.txt"
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters, *(f"##{c}" for c in letters)]
    vocabulary.write_text("\n".join(dict.fromkeys(pieces)))
    return BertTokenizerFast(str(vocabulary))


def make_recommender(tokenizer, seed: int = 0, **settings) -> Recommender:
    torch.manual_seed(seed)
    bert = BertModel(
        add_pooling_layer=False,
        config=BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            num_hidden_layers=3,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=40,
        ),
    )
    defaults = {
        "layers": 2,
        "news_size": 8,
        "query_size": 4,
        "heads": 2,
        "title_length": 12,
        "history_length": 3,
    }
    config = ModelConfig(language_model="tiny-random-bert", **(defaults | settings))
    recommender = Recommender(config, bert, tokenizer)
    # A fresh recommender pools by the mean and scales by 1; random numbers show what both do.
    for name, parameter in recommender.named_parameters():
        if any(part in name for part in ("query", "newcomer", "factor")):
            torch.nn.init.normal_(parameter)
    return recommender.eval()


@pytest.fixture
def recommender(tokenizer):
    return make_recommender(tokenizer)


@pytest.fixture
def tokens(recommender, split):
    return recommender.tokens(split.news.texts("title"))
