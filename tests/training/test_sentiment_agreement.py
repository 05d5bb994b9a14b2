"""How far a lexicon agrees with stated sentiment."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from tinynewsrec.data.gold import LABELS
from tinynewsrec.data.labels import IGNORE
from training.sentiment_agreement import Arguments, agreement, main


def test_the_figures_are_those_of_scikit_learn_on_the_stories_with_both_labels():
    draw = np.random.default_rng(0)
    stated, guessed = draw.integers(0, 3, (2, 200))
    stated[:20] = IGNORE
    found = agreement(stated, guessed)
    known = (stated[20:], guessed[20:])
    assert found.n == 180
    assert found.accuracy == pytest.approx(100 * accuracy_score(*known))
    assert found.macro_f1 == pytest.approx(100 * f1_score(*known, average="macro"))
    np.testing.assert_array_equal(found.confusion, confusion_matrix(*known))


def test_the_command_prints_what_was_measured_against_what(mind_folder, capsys):
    (mind_folder / LABELS).write_text(
        '{"id": "N0", "sentiment": "neutral"}\n{"id": "N1", "sentiment": "neutral"}\n'
    )
    main(Arguments(mind_folder))
    out = capsys.readouterr().out
    assert out.startswith("vader ") and "gold labels of labels.jsonl: 2 stories" in out
    assert "always the commonest class: accuracy 100.0 %" in out


def test_data_without_sentiment_have_nothing_to_agree_with(mind_folder):
    with pytest.raises(ValueError, match="found none in this data set"):
        main(Arguments(mind_folder))
