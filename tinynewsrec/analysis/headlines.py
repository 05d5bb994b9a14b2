"""Headlines that the data does not have: encoded as they are typed, by every model at once if need be."""

from collections.abc import Sequence
from threading import Lock

import numpy as np
import torch
from jaxtyping import Float

from tinynewsrec.model.recommender import Recommender

TOKENIZING = Lock()  # a fast tokenizer that is set up by two threads at once raises "Already borrowed"


@torch.no_grad()
def encode(recommender: Recommender, titles: Sequence[str]) -> Float[np.ndarray, "N D"]:
    """A vector for each title. Changes nothing of the recommender, so any thread may call it at any time."""
    with TOKENIZING:
        tokens = recommender.tokens(titles)
    device = next(recommender.parameters()).device
    return recommender.encode(tokens.to(device)).float().cpu().numpy()
