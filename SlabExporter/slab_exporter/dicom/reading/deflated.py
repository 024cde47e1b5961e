"""Deflated files (PS3.5 A.5), inflated no further than their own headers promise."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, Any

DEFLATED = "1.2.840.10008.1.2.1.99"
# What may stand before and after the pixels: attributes, functional groups, overlays.
_MOST_BESIDE_PIXELS = 64 << 20
_META_WITHIN = 1 << 16


class InflatesTooFarError(ValueError):
    """A file inflates to more than it promises; the caller knows its name."""


def read_deflated(source: Path | bytes | IO[bytes], pixels: bool, tags: Sequence[str | int] | None) -> Any | None:
    """Return the dataset of a file that is deflated; None for any other, of which nothing has been read then.

    Args:
        source: a path, a file's bytes, or an open file at its beginning.
        pixels: read these, too. Without them, what is inflated is bounded whatever the file promises.
        tags: attributes that are wanted; None for all.

    Raises:
        InflatesTooFarError: there are more bytes than pixels and header can be.
        zlib.error: damaged or truncated.
    """
    if isinstance(source, Path):
        with source.open("rb") as opened:
            return read_deflated(opened, pixels, tags)
    file: IO[bytes] = BytesIO(source) if isinstance(source, bytes) else source
    head = file.read(_META_WITHIN)
    file.seek(0)
    if head[128:132] != b"DICM" or DEFLATED.encode() not in head:
        return None
    meta = _meta(file)
    if meta is None:
        file.seek(0)
        return None
    packed = file.read()
    content, goes_on = _inflated(packed, _MOST_BESIDE_PIXELS)
    dataset = _parsed(content, meta, False, tags)
    if pixels:
        promised = _pixel_bytes(_parsed(content, meta, False, None))
        if goes_on:
            content, goes_on = _inflated(packed, _MOST_BESIDE_PIXELS + promised)
        if goes_on:
            raise InflatesTooFarError(f"its header promises {promised} bytes of pixels")
        dataset = _parsed(content, meta, True, tags)
    return dataset


def _meta(file: IO[bytes]) -> Any | None:
    """The file meta information, ``file`` being left behind it; None where the dataset is not deflated."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filereader import read_dataset

    file.seek(132, os.SEEK_SET)
    meta = FileMetaDataset(read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2))
    return meta if meta.get("TransferSyntaxUID", "") == DEFLATED else None


def _inflated(packed: bytes, most: int) -> tuple[bytes, bool]:
    """(up to ``most`` bytes of content, whether there are more)."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflate.decompress(packed, most + 1)
    if len(content) > most:
        return content[:most], True
    if not inflate.eof:
        raise zlib.error("incomplete or truncated stream")
    return content, False


def _parsed(content: bytes, meta: Any, pixels: bool, tags: Sequence[str | int] | None) -> Any:
    import pydicom

    dataset = pydicom.dcmread(
        BytesIO(content), force=True, stop_before_pixels=not pixels, specific_tags=None if tags is None else list(tags)
    )
    dataset.file_meta = meta
    return dataset


def _pixel_bytes(dataset: Any) -> int:
    """Bytes of all pixels, by the header."""
    bits = int(dataset.get("BitsAllocated") or 16)
    count = int(dataset.get("Rows") or 0) * int(dataset.get("Columns") or 0) * int(dataset.get("SamplesPerPixel") or 1)
    return count * max(1, int(dataset.get("NumberOfFrames") or 1)) * bits // 8
