"""Choosing without looking at dev: the last day of the training data is held back instead."""

from dataclasses import replace

import numpy as np

from tinynewsrec.data.tables import Split


def hold_out_last_day(split: Split) -> tuple[Split, Split]:
    """The impressions before the last day, and those of it; without a known time they count as before.

    Raises ValueError where there is only one day.
    """
    days = split.impressions.times.astype("datetime64[D]")
    known = ~np.isnat(days)
    if len(np.unique(days[known])) < 2:
        raise ValueError(
            f"{split.name} has impressions of one day only; holding out the last leaves nothing to train on."
        )
    last = days[known].max()
    held = known & (days == last)
    return (
        part(split, f"{split.name}, before {last}", ~held),
        part(split, f"{split.name}, {last} held out", held),
    )


def part(split: Split, name: str, kept: np.ndarray) -> Split:
    return replace(split, name=name, impressions=split.impressions.take(np.flatnonzero(kept)))
