"""The comparison of systems as people read it, made from the records that also go to JSON."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from tinynewsrec.data.tables import Split

SHOWN = ("AUC", "MRR", "nDCG@5", "nDCG@10")
UNLABELLED = "no labels"


def heading(split: Split, records: Sequence[dict[str, Any]]) -> str:
    """What was measured on, and everything that was left out of it."""
    first = records[0]
    counts = f"{split.name}: {first['impressions']:,} impressions of {first['readers']:,} readers"
    left_out = [f"{first['skipped']:,} skipped (all or none clicked)"] if first["metrics"] else [UNLABELLED]
    left_out += [f"{count:,} {what} (first in {where})" for what, count, where in split.skipped]
    return "; ".join([counts, *left_out])


def comparison_table(records: Sequence[dict[str, Any]]) -> Table:
    """Each value above its interval, narrow enough for 80 columns."""
    to = next((record["difference"]["to"] for record in records if record["difference"]), "")
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        caption="percent, with 95 % intervals over readers" + (f"; difference to {escape(to)}" if to else ""),
    )
    table.add_column("system", overflow="fold", min_width=10)
    for name in ("layers\nparams", *SHOWN, "difference\nin AUC"):
        table.add_column(name, justify="right", no_wrap=True)
    for record in records:
        table.add_row(*cells(record))
    return table


def cells(record: dict[str, Any]) -> list[str]:
    difference = record["difference"]
    compared = difference is not None and difference["to"] != record["checkpoint"]
    return [
        escape(record["checkpoint"]),
        "" if record["layers"] is None else f"{record['layers']}\n{record['parameters'] / 1e6:.1f}M",
        *(measured(record["metrics"].get(name)) for name in SHOWN),
        gained(difference["AUC"]) if compared else "",
    ]


def measured(interval: dict[str, float] | None) -> str:
    if interval is None:
        return UNLABELLED
    return f"{interval['value']:.2f}\n{interval['low']:.1f}-{interval['high']:.1f}"


def gained(interval: dict[str, float]) -> str:
    return f"{interval['value']:+.2f}\n{interval['low']:+.1f} to {interval['high']:+.1f}"


def log_loss_lines(records: Sequence[dict[str, Any]]) -> list[str]:
    """How likely each model held what was clicked; none where no scores are of a kind that says so."""
    found = {record["checkpoint"]: record["log_loss"] for record in records if "log_loss" in record}
    if not found:
        return []
    even = next(iter(found.values()))["even"]
    lines = [
        f"{name} {loss['value']:.3f} ({loss['low']:.3f} to {loss['high']:.3f})"
        for name, loss in found.items()
    ]
    return [
        f"log loss of a softmax over all candidates, in nats ({even:.3f} guessing evenly): {', '.join(lines)}"
    ]
