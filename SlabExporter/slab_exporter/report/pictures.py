"""Draw small pictures of a case's middle planes while it is in memory; its folder keeps them for the report."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import writing
from ..core.volume import SourceVolume
from .views import VIEW_NAMES, middle_views

PREVIEW_FOLDER = "preview"


# Pixels along a side; a longer side is averaged down.
MOST_PIXELS = 256


# Hounsfield units that show soft tissue, and the value below which an image is taken for a CT.
_SOFT_TISSUE = (-160.0, 240.0)
_LOOKS_LIKE_CT = -500
_GREYS, _SHADES = 64, 24


# Colours of label values that most eyes can distinguish (after Okabe and Ito).
_COLOURS = np.array(
    [(230, 60, 50), (86, 180, 233), (0, 200, 120), (240, 228, 66), (204, 121, 220), (255, 150, 0), (60, 90, 220)]
    + [(160, 240, 60)]
)
_OPACITY = 0.45
# By how many colours equal values of two label sets differ.
_SETS_APART = 3


def preview_paths(folder: Path) -> dict[str, Path]:
    """Return the paths of a case's pictures, by the name of the view."""
    return {name: folder / PREVIEW_FOLDER / f"{name}.png" for name in VIEW_NAMES}


def write_previews(image: SourceVolume, labels: Sequence[SourceVolume], folder: Path, scratch: Path) -> None:
    """Write a picture of each middle plane, label maps in colour over it.

    Args:
        image: the volume.
        labels: label maps on its grid.
        folder: of the case.
        scratch: folder on the same disk for unfinished files.

    Raises:
        OutputError: they could not be written.
    """
    views = middle_views(image.geometry)
    planes = [_reduced(view.plane(image.voxels_kji)) for view in views]
    low, high = _window(planes)
    palette = _palette()
    with writing(f"The pictures in {folder}"):
        (folder / PREVIEW_FOLDER).mkdir(exist_ok=True)
        for view, plane, path in zip(views, planes, preview_paths(folder).values(), strict=True):
            indices = _grey(plane, low, high)
            for number, label in enumerate(labels):
                _colour(indices, _sampled(view.plane(label.voxels_kji)), _SETS_APART * number)
            temporary = scratch / path.name
            temporary.write_bytes(png_bytes(indices, palette))
            os.replace(temporary, path)


def grey_planes(image: SourceVolume) -> list[npt.NDArray[np.float64]]:
    """Return the middle planes as ``middle_views`` has them, from 0 (black) to 1 (white), in the report's window."""
    planes = [_reduced(view.plane(image.voxels_kji)) for view in middle_views(image.geometry)]
    low, high = _window(planes)
    return [_grey(plane, low, high) / (_GREYS - 1) for plane in planes]


def _edges(size: int) -> npt.NDArray[np.intp]:
    """Return the borders of the blocks of pixels that become one."""
    blocks = -(-size // -(-size // MOST_PIXELS))
    return np.round(np.linspace(0, size, blocks + 1)).astype(np.intp)


def _reduced(plane: npt.NDArray) -> npt.NDArray:
    """Return the plane in at most ``MOST_PIXELS`` per side, each pixel the mean of the voxels that it stands for."""
    with np.errstate(over="ignore"):  # numbers beyond float32 are shown as 0, like infinities
        values: npt.NDArray = np.nan_to_num(plane.astype(np.float32), posinf=0, neginf=0)
    for axis in (0, 1):
        edges = _edges(plane.shape[axis])
        if len(edges) <= plane.shape[axis]:
            counts = np.diff(edges).reshape((-1, 1) if axis == 0 else (1, -1))
            values = np.add.reduceat(values, edges[:-1], axis=axis) / counts
    return values


def _sampled(plane: npt.NDArray) -> npt.NDArray:
    """Return the plane in the same pixels, each with the value of the voxel in its middle."""
    rows, columns = (_edges(size) for size in plane.shape)
    return plane[(rows[:-1] + rows[1:]) // 2][:, (columns[:-1] + columns[1:]) // 2]


def _window(planes: Sequence[npt.NDArray[np.float32]]) -> tuple[float, float]:
    """Return the values to show as black and as white."""
    values = np.concatenate([plane.reshape(-1) for plane in planes])
    if values.min() <= _LOOKS_LIKE_CT:
        return _SOFT_TISSUE
    low, high = (float(v) for v in np.percentile(values, (1, 99)))
    # around large numbers 1 is less than their rounding
    margin = max(1.0, abs(low) * 1e-6)
    return (low, high) if high > low else (low - margin, low + margin)


def _grey(plane: npt.NDArray[np.float32], low: float, high: float) -> npt.NDArray[np.uint8]:
    return ((np.clip(plane.astype(np.float64), low, high) - low) * ((_GREYS - 1) / (high - low)) + 0.5).astype(np.uint8)


def _colour(indices: npt.NDArray[np.uint8], labels: npt.NDArray, offset: int) -> None:
    """Give grey pixels that a label covers that label's colour, as bright as they are."""
    covered = (labels != 0) & (indices < _GREYS)
    with np.errstate(invalid="ignore"):  # which colour a number beyond int64 gets does not matter
        values = np.nan_to_num(labels[covered].astype(np.float64)).astype(np.int64)
    shades = indices[covered].astype(np.int64) * _SHADES // _GREYS
    indices[covered] = _GREYS + _colour_index(values, offset) * _SHADES + shades


def label_colour(value: int, number: int) -> tuple[int, int, int]:
    """Return red, green and blue of a label value in the pictures.

    Args:
        value: in the label map.
        number: of the label set, from 0.
    """
    red, green, blue = _COLOURS[_colour_index(value, _SETS_APART * number)].tolist()
    return red, green, blue


def _colour_index(values: Any, offset: int) -> Any:
    return (values - 1 + offset) % len(_COLOURS)


def _palette() -> npt.NDArray[np.uint8]:
    greys = np.repeat(np.linspace(0, 255, _GREYS)[:, None], 3, axis=1)
    shades = np.linspace(0, 255, _SHADES)[None, :, None]
    mixed = _OPACITY * _COLOURS[:, None, :] + (1 - _OPACITY) * shades
    return np.round(np.concatenate([greys, mixed.reshape(-1, 3)])).astype(np.uint8)


def png_bytes(indices: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    """Return a picture as the bytes of a PNG file.

    Args:
        indices: (rows, columns), the first row at the top.
        palette: (up to 256, 3), red, green, blue of each index.
    """
    rows, columns = indices.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    # Each row is preceded by its filter type, 0: none, which suits a palette.
    lines = np.zeros((rows, columns + 1), np.uint8)
    lines[:, 1:] = indices
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", np.ascontiguousarray(palette, np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
