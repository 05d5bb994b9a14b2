"""Danish stories and encoders that read Danish: tiny ones, made like XLM-R and like multilingual BERT."""

from dataclasses import replace

import numpy as np
import pytest
from ebnerd_files import HISTORIES, VISITS, article, write_ebnerd
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModel,
    BertConfig,
    BertTokenizerFast,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
)

from tinynewsrec.data.entities import bio_labels, token_places
from tinynewsrec.data.labels import TAGS
from tinynewsrec.data.read import read_split
from tinynewsrec.model.config import ModelConfig
from tinynewsrec.model.language_models import load_tokenizer
from tinynewsrec.model.lora import Adapter
from tinynewsrec.model.recommender import Recommender
from training.config import TrainConfig
from training.finetune_mtrec import Arguments, main
from training.lora import LoraConfig
from training.story_labels import HeadsConfig

WORDS = "Bo Berg på Ærø bro åbner hav ##en ##s".split()
LETTERS = "abcdefghijklmnopqrstuvwxyzæøåABCDEFGHIJKLMNOPQRSTUVWXYZÆØÅ0123456789"
SIZES = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
STORIES = [
    article(number, title=f"Bo Bergs havbro {number}: på Ærø", ner_clusters=["Bo Berg", "Ærø"])
    for number in range(8)
]


def xlm_roberta():
    """SentencePiece's unigrams: a space belongs to the word behind it, ids of pads are 1, no token types."""
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -3.0)]
    words = [("\u2581" + word, -2.0) for word in WORDS if not word.startswith("#")]
    tokenizer = Tokenizer(models.Unigram([*special, *words, *((c, -5.0) for c in LETTERS)], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    ends = {"single": "<s> $A </s>", "special_tokens": [("<s>", 0), ("</s>", 2)]}
    tokenizer.post_processor = processors.TemplateProcessing(**ends)
    names = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
    names |= {"unk_token": "<unk>", "pad_token": "<pad>", "model_max_length": 30}
    config = XLMRobertaConfig(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=40, **SIZES)
    return config, PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def multilingual_bert():
    """Word pieces with case and accents."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ":"]
    pieces = [*special, *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    vocabulary = {piece: place for place, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = BertTokenizerFast(
        vocab=vocabulary, do_lower_case=False, strip_accents=False, model_max_length=30
    )
    return BertConfig(vocab_size=len(vocabulary), max_position_embeddings=40, **SIZES), tokenizer


@pytest.fixture(params=[xlm_roberta, multilingual_bert], ids=lambda make: make.__name__)
def language_model(request, tmp_path):
    config, tokenizer = request.param()
    AutoModel.from_config(config).save_pretrained(tmp_path / "lm")
    tokenizer.save_pretrained(tmp_path / "lm")
    return str(tmp_path / "lm")


@pytest.fixture
def arguments(language_model, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNEWSREC_CACHE", str(tmp_path / "cache"))
    small = {"news_size": 8, "query_size": 4, "heads": 2, "title_length": 30, "history_length": 3}
    folder = write_ebnerd(tmp_path / "demo" / "train", articles=STORIES, behaviors=VISITS, history=HISTORIES)
    return Arguments(
        data=folder,
        dev=folder,
        out=tmp_path / "mtrec",
        model=ModelConfig(language_model=language_model, layers=3, **small),
        negatives=2,
        heads=HeadsConfig(("category", "subcategory", "sentiment", "entities")),
        lora=LoraConfig(rank=2),
        training=TrainConfig(epochs=2, batch_size=4, save_every=1),
    )


def test_mtrec_learns_from_ebnerd_with_an_encoder_that_reads_danish(arguments):
    main(arguments)
    loaded = Recommender.from_pretrained(arguments.out)
    assert list(loaded.heads.specs) == ["category", "subcategory", "sentiment", "entities"]
    assert loaded.heads.specs["sentiment"].source == "sentiment_label of articles.parquet"
    found = loaded.predict(["Mette åbner bro på Ærø"])
    assert found["entities"].probabilities.shape[-1] == 3
    assert len(Adapter.load(arguments.out).deltas) == 2 * 2  # queries and values of two layers


def test_without_a_column_danish_is_guessed_by_afinn(arguments):
    write_ebnerd(arguments.data, articles=STORIES, without=("sentiment_label",))
    main(replace(arguments, heads=HeadsConfig(("sentiment",))))
    source = Recommender.from_pretrained(arguments.out).heads.specs["sentiment"].source
    assert source.startswith("afinn ") and "(da)" in source


def test_names_are_tagged_letter_for_letter_whatever_the_pieces(arguments, language_model):
    news, tokenizer = read_split(arguments.data).news, load_tokenizer(language_model)
    tags = bio_labels(news, tokenizer, 30)
    places, _ = token_places(news.texts("title"), tokenizer, 30)
    for title, own, where in zip(news.texts("title"), tags, places, strict=True):
        begins = [*np.flatnonzero(own == TAGS.names.index("B")), len(own)]
        names = []
        for first, following in zip(begins, begins[1:], strict=False):
            inside = [first, *(place for place in range(first + 1, following) if own[place] == 2)]
            names.append(title[where[inside[0], 0] : where[inside[-1], 1]].strip())
        assert names == ["Bo Bergs", "Ærø"]
