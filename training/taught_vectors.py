"""Teachers' news vectors: computed once, kept on disk, looked up by story id and by what was encoded."""

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from rich import print
from safetensors.torch import load_file, save_file
from torch import Tensor

from tinynewsrec.checkpoints import Checkpoint
from tinynewsrec.data.tokens import tokenize
from tinynewsrec.evaluation.report import device
from tinynewsrec.evaluation.vectors import cache_folder, encode_news

KEY = 16  # bytes of a hash


def taught_vectors(
    teacher: Checkpoint, ids: Sequence[str], texts: Sequence[str], length: int
) -> Float[Tensor, "N D"]:
    """The teacher's vectors of these texts, cut to `length` tokens, whatever their order and neighbours.

    A story whose text changed is another story. What is not there yet is computed and added.
    """
    path = cache_folder() / f"taught-{teacher.content_hash[:20]}.safetensors"
    known, vectors = read(path)
    keys = [key_of(id, text, length) for id, text in zip(ids, texts, strict=True)]
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        print(f"{teacher.name} reads {len(missing):,} texts")
        found = encode(teacher, list(missing.values()), length)
        vectors = torch.cat([vectors, found]) if len(vectors) else found
        known |= {key: len(known) + place for place, key in enumerate(missing)}
        write(path, list(known), vectors)
    return vectors[torch.tensor([known[key] for key in keys], dtype=torch.long)]


def encode(teacher: Checkpoint, texts: list[str], length: int) -> Float[Tensor, "N D"]:
    recommender = teacher.load().to(device())
    return torch.from_numpy(encode_news(recommender, tokenize(texts, recommender.tokenizer, length)))


def key_of(id: str, text: str, length: int) -> bytes:
    return sha256(f"{id}\0{length}\0{text}".encode()).digest()[:KEY]


def read(path: Path) -> tuple[dict[bytes, int], Float[Tensor, "N D"]]:
    if not path.is_file():
        return {}, torch.empty(0, 0)
    stored = load_file(path)
    keys: UInt8[np.ndarray, "N K"] = stored["keys"].numpy()
    return {key.tobytes(): row for row, key in enumerate(keys)}, stored["vectors"]


def write(path: Path, keys: list[bytes], vectors: Float[Tensor, "N D"]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    rows = torch.from_numpy(np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, KEY).copy())
    save_file({"keys": rows, "vectors": vectors.contiguous()}, partial)
    os.replace(partial, path)
