"""Data elements into bytes, Explicit VR Little Endian (PS3.5 7.1.2), fast: what stays is encoded once."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

TRANSFER_SYNTAX = "1.2.840.10008.1.2.1"
PIXEL_DATA = 0x7FE00010
LONGEST_DECIMAL = 16

Encoded = dict[int, bytes]


def decimal_string(value: float) -> str:
    """The decimal string nearest to a number that fits into 16 characters (PS3.5 6.2, DS)."""
    text = repr(float(value))
    if text.endswith(".0"):
        text = text[:-2]
    if len(text) <= LONGEST_DECIMAL:
        return text
    return next(shorter for digits in range(16, 0, -1) if len(shorter := f"{value:.{digits}g}") <= LONGEST_DECIMAL)


def shortened(text: str, most_bytes: int) -> str:
    """The beginning of a text that fits into so many bytes: some readers count those, not characters."""
    return text.encode("utf-8")[:most_bytes].decode("utf-8", "ignore")


def text_element(tag: int, vr: str, text: str) -> bytes:
    """One element of a VR with a two-byte length; UIDs are padded with NUL, texts with a space."""
    value = text.encode("utf-8")
    if len(value) % 2:
        value += b"\0" if vr == "UI" else b" "
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def pixel_element(size: int) -> bytes:
    """Return the bytes before ``size`` bytes (an even number) of native pixel data."""
    return struct.pack("<HH2sHI", PIXEL_DATA >> 16, PIXEL_DATA & 0xFFFF, b"OW", 0, size)


def encoded(dataset: Any) -> Encoded:
    """Each element of a pydicom dataset as bytes, by tag; texts in UTF-8."""
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_data_element

    result: Encoded = {}
    for element in dataset:
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        write_data_element(buffer, element, ["utf-8"])
        result[int(element.tag)] = buffer.getvalue()
    return result


def file_meta(sop_class: str, sop_instance: str, implementation: str, version: str) -> bytes:
    """Preamble, "DICM" and File Meta Information (PS3.10 7.1)."""
    version_element = struct.pack("<HH2sHI", 2, 1, b"OB", 0, 2) + b"\0\1"
    elements = version_element + b"".join(
        text_element(tag, vr, text)
        for tag, vr, text in (
            (0x00020002, "UI", sop_class),
            (0x00020003, "UI", sop_instance),
            (0x00020010, "UI", TRANSFER_SYNTAX),
            (0x00020012, "UI", implementation),
            (0x00020013, "SH", version),
        )
    )
    return b"\0" * 128 + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(elements)) + elements


def joined(parts: Iterable[Encoded]) -> bytes:
    """Elements in order of tag; of the same tag the last one counts."""
    merged: Encoded = {}
    for part in parts:
        merged.update(part)
    return b"".join(merged[tag] for tag in sorted(merged))
