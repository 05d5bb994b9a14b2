"""News vectors of a whole split: computed once for a checkpoint, kept on disk, read as a memory map."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from platformdirs import user_cache_path

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.tokens import Tokens
from tinynewsrec.model.recommender import Recommender

Progress = Callable[[int, int], None]  # stories done, stories in all


def unseen(done: int, total: int) -> None:
    """Progress that nobody watches."""


@torch.no_grad()
def encode_news(
    recommender: Recommender, tokens: Tokens, progress: Progress = unseen, batch_size: int = 512
) -> Float[np.ndarray, "N D"]:
    """One vector for each story."""
    recommender.eval()
    device = next(recommender.parameters()).device
    vectors = torch.empty(len(tokens.ids), recommender.config.news_size)
    for start in range(0, len(vectors), batch_size):
        rows = torch.arange(start, min(start + batch_size, len(vectors)))
        vectors[rows] = recommender.encode(tokens.take(rows).to(device)).float().cpu()
        progress(start + len(rows), len(vectors))
    return vectors.numpy()


def news_vectors(
    checkpoint: Checkpoint,
    titles: Sequence[str],
    load: Callable[[], Recommender] | None = None,
    progress: Progress = unseen,
) -> Float[np.ndarray, "N D"]:
    """The vectors of these titles: read from beside the checkpoint or the cache, else computed and kept.

    `load` gives the recommender where a caller already holds it.
    """
    name = file_name(checkpoint, titles)

    def compute() -> Float[np.ndarray, "N D"]:
        recommender = (load or checkpoint.load)()
        return encode_news(recommender, recommender.tokens(titles), progress)

    return kept_or_computed([checkpoint.folder / name, cache_folder() / name], compute)


def keep_beside(checkpoint: Checkpoint, titles: Sequence[str]) -> None:
    """Computes the vectors of these titles and keeps them in the checkpoint's folder, to travel with it.

    They travel as float16, half the size, and are read as float32.
    """
    recommender = checkpoint.load()
    vectors = encode_news(recommender, recommender.tokens(titles))
    keep(vectors.astype(np.float16), checkpoint.folder / file_name(checkpoint, titles))


def keep_in_cache(checkpoint: Checkpoint, titles: Sequence[str], vectors: Float[np.ndarray, "N D"]) -> None:
    """Keeps what was computed before the checkpoint was one, so that nobody computes it again."""
    with suppress(OSError):
        keep(vectors, cache_folder() / file_name(checkpoint, titles))


def unsaved_vectors(
    recommender: Recommender, titles: Sequence[str], progress: Progress = unseen
) -> Float[np.ndarray, "N D"]:
    """The same for a recommender that is no checkpoint: kept by configuration, weights and token ids."""
    tokens = recommender.tokens(titles)
    digest = sha256(repr(recommender.blueprint).encode())
    for tensor in (*recommender.news_encoder.state_dict().values(), *tokens):
        digest.update(tensor.detach().cpu().float().numpy().tobytes())
    path = cache_folder() / f"vectors-{digest.hexdigest()[:20]}.npy"
    return kept_or_computed([path], lambda: encode_news(recommender, tokens, progress))


def kept_or_computed(
    places: Sequence[Path], compute: Callable[[], Float[np.ndarray, "N D"]]
) -> Float[np.ndarray, "N D"]:
    """Read from the first place that has them, else computed and kept in the last."""
    for path in places:
        if path.is_file():
            found = np.load(path, mmap_mode="r", allow_pickle=False)
            return found if found.dtype == np.float32 else found.astype(np.float32)
    vectors = compute()
    with suppress(OSError):  # a cache that cannot be written costs time at the next start, nothing else
        keep(vectors, places[-1])
        return np.load(places[-1], mmap_mode="r", allow_pickle=False)
    return vectors


def file_name(checkpoint: Checkpoint, titles: Sequence[str]) -> str:
    """Changes with the weights, the tokenizer, the configuration, any title and the titles' order."""
    digest = sha256(checkpoint.content_hash.encode())
    for title in titles:
        digest.update(title.encode() + b"\0")
    return f"vectors-{digest.hexdigest()[:20]}.npy"


def cache_folder() -> Path:
    """Where vectors are kept: TINYNEWSREC_CACHE if set, else the user's cache folder."""
    return Path(os.environ.get("TINYNEWSREC_CACHE") or user_cache_path("tinynewsrec"))


def keep(vectors: np.ndarray, path: Path) -> None:
    """Writes under another name first: a killed program leaves no half file to be read later."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with open(partial, "wb") as file:
        np.save(file, vectors)
    os.replace(partial, path)
