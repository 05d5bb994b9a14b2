"""The model card of a checkpoint: its README.md."""

import json
from typing import Any

from tinynewsrec.model.config import ModelConfig

FRONT = """---
library_name: tinynewsrec
tags: [news-recommendation, mind, tiny-newsrec]
base_model: {base}
---
"""

BODY = """
# News recommender, {layers} layers

Ranks candidate stories for a reader from the titles of the stories they clicked before. News encoder: the
first {layers} layers of {base}, {pooling} pooling over words, projection to {news_size} numbers. User
encoder: {user}. Score: dot product. {parameters:,} parameters.

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


def model_card(
    config: ModelConfig, parameters: int, metrics: dict[str, Any], training: dict[str, Any]
) -> str:
    body = BODY.format(
        layers=config.layers,
        base=config.language_model,
        pooling=config.pooling,
        news_size=config.news_size,
        user=USERS[config.user_encoder].format(length=config.history_length),
        parameters=parameters,
        metrics=metrics_table(metrics),
        training=json.dumps(training, indent=2, ensure_ascii=False),
    )
    return FRONT.format(base=config.language_model) + body


def metrics_table(metrics: dict[str, Any]) -> str:
    """`metrics` as evaluation writes it: data, counts, and a value with its interval by metric."""
    if not metrics:
        return "Not measured."
    rows = [
        f"| {name} | {value['value']:.2f} | {value['low']:.2f} to {value['high']:.2f} |"
        for name, value in metrics["metrics"].items()
    ]
    return "\n".join(
        [
            f"On {metrics['data']}: {metrics['impressions']:,} impressions of {metrics['readers']:,} "
            f"readers, {metrics['skipped']:,} skipped (all or none clicked).",
            "",
            "| metric | value | 95 % interval over readers |",
            "| --- | --- | --- |",
            *rows,
        ]
    )
