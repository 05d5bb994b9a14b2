"""The model card of a checkpoint: its README.md."""

import json
import re
from pathlib import Path
from typing import Any

from tinynewsrec.model.config import ModelConfig

SHARES = ("accuracy", "macro_f1", "most_common")  # of a head, in percent
HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)

FRONT = """---
library_name: tinynewsrec
tags: [news-recommendation, mind, tiny-newsrec]
{base}---
"""

BODY = """
# News recommender, {layers}

Ranks candidate stories for a reader from the titles of the stories they clicked before. News encoder: the
first {layers} of {base}, {pooling} pooling over words, {projection} {news_size} numbers. User
encoder: {user}. Score: dot product{scale}. {parameters:,} parameters.

```python
from tinynewsrec.model.recommender import Recommender

recommender = Recommender.from_pretrained("folder or hub id")
```

## How it did

{metrics}

## How it came about

```json
{training}
```

## Limits

Titles only: neither the text of a story nor its age is seen. It was measured on the data named above and
nowhere else. Weights trained on MIND inherit its research-only licence.
"""

USERS = {
    "attention": "attention pooling over the latest {length} clicks",
    "self-attention": "self-attention, then attention pooling, over the latest {length} clicks",
}
SCALES = {
    "none": "",
    "root": ", divided by the square root of the vectors' width",
    "learned": ", times a learnt number",
}


def model_card(
    config: ModelConfig, parameters: int, metrics: dict[str, Any], training: dict[str, Any]
) -> str:
    body = BODY.format(
        layers=f"{config.layers} layer{'s' * (config.layers > 1)}",
        base=language_model_name(config.language_model),
        pooling=config.pooling,
        projection="projection to" if config.projection else "its own",
        news_size=config.news_size,
        scale=SCALES[config.score_scale],
        user=USERS[config.user_encoder].format(length=config.history_length),
        parameters=parameters,
        metrics=metrics_table(metrics),
        training=json.dumps(training, indent=2, ensure_ascii=False),
    )
    return FRONT.format(base=base_model(config.language_model)) + body


def base_model(language_model: str) -> str:
    """The line of the front matter that the hub makes a link of; nothing for what is not on the hub."""
    return f"base_model: {json.dumps(language_model)}\n" if is_hub_id(language_model) else ""


def is_hub_id(language_model: str) -> bool:
    return HUB_ID.fullmatch(language_model) is not None and not Path(language_model).exists()


def language_model_name(language_model: str) -> str:
    """A hub id whole; of a folder its own name, since where it lay says nothing elsewhere."""
    if is_hub_id(language_model):
        return language_model
    return one_line(re.split(r"[/\\]", language_model.rstrip("/\\"))[-1])


def one_line(text: str) -> str:
    """Without line ends, which could begin a heading, a fence or front matter."""
    return " ".join(text.split())


def metrics_table(metrics: dict[str, Any]) -> str:
    """`metrics` as evaluation writes it: of the ranking, and of the heads where there are any."""
    tables = [ranking_table(metrics) if "metrics" in metrics else "Not measured."]
    return "\n\n".join([*tables, heads_table(metrics["heads"])] if "heads" in metrics else tables)


def heads_table(heads: dict[str, Any]) -> str:
    """As evaluation/labelling.py writes it."""
    rows = [
        " | ".join(
            [
                f"| {task}",
                one_line(found["source"]),
                " ".join(f"{found[unit]:,} {unit}" for unit in ("tokens", "stories") if unit in found),
                *(f"{found[name]:.2f}" if name in found else "" for name in SHARES),
            ]
        )
        + " |"
        for task, found in heads["tasks"].items()
    ]
    note = f", {heads['note']}" if "note" in heads else ""
    return "\n".join(
        [
            f"Heads, on the {heads['held_out']:,} stories of {one_line(heads['data'])} that no training "
            f"impression showed{note}:",
            "",
            "| task | labels | labelled | accuracy | macro-F1 | always the most common label |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
        ]
    )


def ranking_table(metrics: dict[str, Any]) -> str:
    """Data, counts, and a value with its interval by metric."""
    rows = [
        f"| {one_line(name)} | {value['value']:.2f} | {value['low']:.2f} to {value['high']:.2f} |"
        for name, value in metrics["metrics"].items()
    ]
    return "\n".join(
        [
            f"On {one_line(metrics['data'])}: {metrics['impressions']:,} impressions of "
            f"{metrics['readers']:,} readers, {metrics['skipped']:,} skipped (all or none clicked).",
            "",
            "| metric | value | 95 % interval over readers |",
            "| --- | --- | --- |",
            *rows,
        ]
    )
