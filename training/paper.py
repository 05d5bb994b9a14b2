"""The paper's own figures (Yu et al., 2022): other data, another language model, to compare directions.

AUC, MRR and nDCG@10 in percent, mean of five runs: on MIND-large's test set where there are any, else on the
authors' own Feeds.
"""

from typing import NamedTuple


class Published(NamedTuple):
    data: str
    auc: float
    mrr: float
    ndcg10: float


FIGURES = {
    ("plm-nr-ft", 12): Published("MIND", 69.72, 34.74, 43.71),
    ("plm-nr-dapt", 12): Published("MIND", 69.97, 35.07, 43.98),
    ("plm-nr-tapt", 12): Published("MIND", 69.82, 34.90, 43.83),
    ("plm-nr-dp", 12): Published("MIND", 71.02, 36.05, 45.03),
    ("plm-nr-ft", 4): Published("MIND", 69.49, 34.40, 43.40),
    ("plm-nr-ft", 2): Published("MIND", 68.99, 33.59, 42.61),
    ("plm-nr-ft", 1): Published("MIND", 68.12, 33.20, 42.07),
    ("tinybert", 4): Published("MIND", 70.55, 35.60, 44.47),
    ("tinybert", 2): Published("MIND", 70.24, 34.93, 43.98),
    ("tinybert", 1): Published("MIND", 69.19, 34.35, 43.12),
    ("newsbert", 4): Published("MIND", 70.62, 35.72, 44.65),
    ("newsbert", 2): Published("MIND", 70.41, 35.46, 44.35),
    ("newsbert", 1): Published("MIND", 69.45, 34.75, 43.54),
    ("tiny-newsrec", 4): Published("MIND", 71.19, 36.21, 45.20),
    ("tiny-newsrec", 2): Published("MIND", 70.95, 36.05, 44.93),
    ("tiny-newsrec", 1): Published("MIND", 70.04, 35.16, 44.10),
    ("ensemble-teacher", 12): Published("Feeds", 69.43, 35.81, 46.53),
    ("tinybert-mt", 4): Published("Feeds", 68.87, 35.13, 45.81),
    ("newsbert-mt", 4): Published("Feeds", 68.82, 35.07, 45.80),
    ("mt-bert", 4): Published("Feeds", 68.51, 34.74, 45.45),
}
WHOLE = 12  # layers of the paper's language model


def published(name: str, layers: int, whole: int) -> Published | None:
    """What the paper has for a system of that size; its whole language model stands for any whole one."""
    return FIGURES.get((name, WHOLE if layers == whole else layers))
