"""Damaged volume files: header bytes flipped, sizes changed, data cut short, bytes scattered."""

from __future__ import annotations

import gzip
import random
import re
import struct
from pathlib import Path

MAGIC_NUMBERS = (0, 1, -1, 2, 127, 255, 256, 32767, -32768)


def mutate(rng: random.Random, content: bytes, header: int) -> tuple[str, bytes]:
    """(what was done, the damaged content); ``header`` is the length of the part that describes the voxels."""
    data = bytearray(content)
    kind = rng.choice(["flip", "flip", "flip", "short", "truncate", "float", "scatter", "grow", "word"])
    if kind == "flip":
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(header)] ^= 1 << rng.randrange(8)
    elif kind == "short":
        struct.pack_into("<h", data, rng.randrange(header - 2), rng.choice(MAGIC_NUMBERS))
    elif kind == "float":
        value = rng.choice([float("nan"), float("inf"), -1.0, 0.0, 1e30, 1e-30])
        struct.pack_into("<f", data, rng.randrange(header - 4), value)
    elif kind == "word":
        numbers = list(re.finditer(rb"-?\d[\d.e-]*", bytes(data[:header])))
        if numbers:
            number = rng.choice(numbers)
            data[number.start() : number.end()] = rng.choice([b"nan", b"inf", b"1e400", b"0", b"-3", b"99999999999"])
    elif kind == "truncate":
        del data[rng.randrange(len(data)) :]
    elif kind == "scatter":
        for _ in range(20):
            data[rng.randrange(len(data))] = rng.randrange(256)
    else:
        data += rng.randbytes(rng.randint(1, 500))
    return kind, bytes(data)


def write_mutant(rng: random.Random, seed: Path, folder: Path, stem: str) -> tuple[str, Path]:
    """(what was done, path of a damaged copy of ``seed``, called ``stem``).

    For .gz the content or the compressed bytes are damaged.
    """
    raw = seed.read_bytes()
    header = 348 if ".nii" in seed.name else min(len(raw), 300)
    target = folder / f"{stem}{''.join(seed.suffixes)}"
    if seed.suffix == ".gz" and rng.random() < 0.6:
        kind, data = mutate(rng, gzip.decompress(raw), header)
        target.write_bytes(gzip.compress(data, 1))
    else:
        kind, data = mutate(rng, raw, min(header, len(raw)))
        target.write_bytes(data)
    return kind, target
