"""Whether a file begins like DICOM, by its first bytes alone."""

from __future__ import annotations

from pathlib import Path

_FIRST_OF_0008 = (0x00, 0x01, 0x05, 0x08, 0x16)


def looks_like_dicom(path: Path) -> bool:
    """Return whether a file begins like DICOM: as it should, or with what follows the prefix, as old files do."""
    head = _head(path)
    if head[128:132] == b"DICM":
        return True
    if len(head) < 132:
        return False
    # File Meta Information; or a first element of group 0008 with a small number, little endian or big
    starts = [f"0800{number:02x}00" for number in _FIRST_OF_0008] + [f"000800{number:02x}" for number in _FIRST_OF_0008]
    return head[:6] == b"\2\0\0\0UL" or head[:4].hex() in starts


def has_prefix(path: Path) -> bool:
    """Return whether a file begins with a preamble and "DICM" (PS3.10 7.1)."""
    return _head(path)[128:132] == b"DICM"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(132)
    except OSError:
        return b""
