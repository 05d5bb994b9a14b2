"""How alike the layers of two models are."""

import numpy as np
from jaxtyping import Float


def linear_cka(one: Float[np.ndarray, "N D"], other: Float[np.ndarray, "N E"]) -> float:
    """Centred kernel alignment of two models' vectors of N stories (Kornblith et al., 2019): from 0 to 1.

    Rotations, shifts and a common scale change nothing. Of few stories it is high by chance: hold it against
    `shuffled_cka`. Raises ValueError where a model gives every story the same vector.
    """
    one, other = (table - table.mean(0) for table in (one.astype(np.float64), other.astype(np.float64)))
    spread = np.linalg.norm(one.T @ one) * np.linalg.norm(other.T @ other)
    if not spread:
        raise ValueError("Expected vectors that differ between stories, found the same one for all of them.")
    return float(np.square(np.linalg.norm(one.T @ other)) / spread)


def shuffled_cka(one: Float[np.ndarray, "N D"], other: Float[np.ndarray, "N E"], seed: int = 0) -> float:
    """The same where the stories of one are dealt out anew: what chance gives."""
    return linear_cka(one[np.random.default_rng(seed).permutation(len(one))], other)
