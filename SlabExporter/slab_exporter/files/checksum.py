"""Check sums of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .gzip_codec import iter_file


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    for piece in iter_file(path):
        digest.update(piece)
    return digest.hexdigest()
