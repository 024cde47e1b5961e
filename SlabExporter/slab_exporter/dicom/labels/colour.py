"""Colours that DICOM states as CIELab values (PS3.3 C.10.7.1.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# From XYZ (D65) to linear sRGB (IEC 61966-2-1).
_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
_WHITE = np.array([0.95047, 1.0, 1.08883])


def rgb_of(stored: Sequence[Any] | None) -> tuple[int, int, int] | None:
    """Return red, green and blue from 0 to 255; None where no colour is stated.

    >>> rgb_of((65535, 32896, 32896)), rgb_of(None)
    ((255, 255, 255), None)
    """
    if stored is None or len(stored) != 3:
        return None
    light, a, b = float(stored[0]) * 100 / 65535, *(float(value) * 255 / 65535 - 128 for value in stored[1:])
    y = (light + 16) / 116
    roots = np.array([y + a / 500, y, y - b / 200])
    xyz = _WHITE * np.where(roots > 6 / 29, roots**3, 3 * (6 / 29) ** 2 * (roots - 4 / 29))
    linear = np.clip(_TO_RGB @ xyz, 0, 1)
    rgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    red, green, blue = (int(value) for value in np.round(rgb * 255))
    return red, green, blue
