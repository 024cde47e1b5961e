"""Parsing by pydicom, within bounds: what it raises over damaged bytes becomes one sentence.

Deflated files (PS3.5 A.5) are inflated no further than their own headers promise.
"""

from __future__ import annotations

import logging
import os
import traceback
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from ...core.errors import InputError

DEFLATED = "1.2.840.10008.1.2.1.99"
AGAIN = "Copy or download the file again."
# What may stand before and after the pixels: attributes, functional groups, overlays.
_MOST_BESIDE_PIXELS = 64 << 20
_META_WITHIN = 1 << 16
_LIBRARY = f"{__name__.split('.', 1)[0]}."


class InflatesTooFarError(ValueError):
    """A file inflates to more than it promises; the caller knows its name."""


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Without the warnings that pydicom both raises and logs about values that break a rule."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def parsing(path: str | Path) -> Iterator[None]:
    """Turn whatever pydicom raises over a damaged file into an ``InputError``.

    pydicom parses lazily and raises nearly every built-in exception over damaged data, so that the kind of an
    exception tells nothing. What this library's own code raises is a fault of it, and is left as it is.
    """
    with quiet_pydicom():
        try:
            yield
        except InputError:
            raise
        except MemoryError as error:
            raise InputError(f"{path} does not fit into this machine's memory.") from error
        except InflatesTooFarError as error:
            raise InputError(f"{path} is damaged: it inflates to far more ({error}). {AGAIN}") from error
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
        except Exception as error:
            if not isinstance(error, zlib.error) and _raised_here(error):
                raise
            raise InputError(f"{path} is not DICOM or is damaged ({type(error).__name__}). {AGAIN}") from error


def _raised_here(error: BaseException) -> bool:
    """Return whether an exception comes from a line of this library, not from what it calls."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__", "")).startswith(_LIBRARY)


def read_dataset(
    content: bytes | Path | IO[bytes], pixels: bool = True, tags: Sequence[str | int] | None = None
) -> Any:
    """A pydicom dataset; call within ``parsing``."""
    import pydicom

    wanted = None if tags is None else list(tags)
    deflated = _deflated_dataset(content, pixels, wanted)
    if deflated is not None:
        return deflated
    source = BytesIO(content) if isinstance(content, bytes) else str(content) if isinstance(content, Path) else content
    return pydicom.dcmread(source, force=True, stop_before_pixels=not pixels, specific_tags=wanted)


def _deflated_dataset(source: Path | bytes | IO[bytes], pixels: bool, tags: Sequence[str | int] | None) -> Any | None:
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
            return _deflated_dataset(opened, pixels, tags)
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
