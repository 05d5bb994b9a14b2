"""Ensemble-Teacher: the mean of several teachers' raw scores (Yu et al., 2022)."""

from collections.abc import Sequence
from pathlib import Path

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.tables import Split
from tinynewsrec.evaluation.report import evaluate, metrics_record
from tinynewsrec.model.card import metrics_table
from tinynewsrec.model.folder import write_json
from training.measurements import averaged

CARD = """# Ensemble-Teacher

The mean of the raw scores of {count} recommenders: {members}. There are no weights here beside theirs.

## How it did

{metrics}
"""


def write_ensemble(members: Sequence[Path], split: Split, folder: Path) -> None:
    """Measures it, and describes it in a folder of its own."""
    metrics = metrics_record(evaluate(averaged(members, split), split), split)
    folder.mkdir(parents=True, exist_ok=True)
    listed = [{"name": place.name, "sha256": Checkpoint.open(place).content_hash} for place in members]
    write_json(metrics, folder / "metrics.json")
    write_json({"members": listed}, folder / "members.json")
    names = ", ".join(place.name for place in members)
    card = CARD.format(count=len(members), members=names, metrics=metrics_table(metrics))
    (folder / "README.md").write_text(card, encoding="utf-8")
