"""Volumes whose voxel value tells its index, in every orientation, and files made of them."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np

SIGNED_PERMUTATIONS = [(axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)]


def rotation(degrees: float, axis: tuple[float, float, float] = (1.0, 2.0, 3.0)) -> np.ndarray:
    """3x3 rotation about an axis (Rodrigues' formula)."""
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def affine(
    axes: tuple[int, ...] = (0, 1, 2),
    signs: tuple[int, ...] = (1, 1, 1),
    spacing: tuple[float, ...] = (0.7, 0.9, 2.5),
    origin: tuple[float, ...] = (-91.5, 37.25, -412.0),
    oblique: float = 0.0,
) -> np.ndarray:
    """IJK -> RAS: index axis n runs along RAS axis ``axes[n]`` in direction ``signs[n]``, then turned."""
    result = np.eye(4)
    directions = np.zeros((3, 3))
    for index, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        directions[axis, index] = sign
    result[:3, :3] = rotation(oblique) @ directions * np.array(spacing)
    result[:3, 3] = origin
    return result


def index_phantom(shape_ijk: tuple[int, int, int], dtype: str = "int16") -> np.ndarray:
    """IJK array whose values are all different as far as the type allows, and not symmetric."""
    count = int(np.prod(shape_ijk))
    values = np.arange(count, dtype=np.int64).reshape(shape_ijk)
    if np.dtype(dtype).kind == "f":
        return (values * 0.37 - 11).astype(dtype)
    limits = np.iinfo(dtype)
    return (values % (int(limits.max) - int(limits.min) + 1) + int(limits.min)).astype(dtype)


def save_nifti(path: Path, array_ijk: np.ndarray, affine_ras: np.ndarray) -> Path:
    """Write a NIfTI-1 with both transforms, in scanner coordinates."""
    image = nib.Nifti1Image(array_ijk, affine_ras, dtype=array_ijk.dtype)
    image.set_sform(affine_ras, 1)
    image.set_qform(affine_ras, 1)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


def lopsided_phantom(shape_ijk: tuple[int, int, int] = (40, 36, 30)) -> np.ndarray:
    """Anatomy-like int16 values without any symmetry: a body with organs, in air."""
    u, v, w = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape_ijk), indexing="ij")
    result = np.full(shape_ijk, -1000.0)
    result[(u / 0.9) ** 2 + (v / 0.75) ** 2 < 1] = 30
    for (a, b, c), (ra, rb, rc), value in (
        ((-0.4, 0.1, 0.5), (0.3, 0.45, 0.6), -820),
        ((0.45, 0.05, 0.55), (0.26, 0.4, 0.55), -800),
        ((-0.35, 0.05, -0.3), (0.45, 0.4, 0.35), 110),
        ((0.4, 0.2, -0.35), (0.25, 0.25, 0.3), 15),
        ((0.0, -0.5, 0.0), (0.12, 0.12, 2.0), 700),
        ((0.1, 0.3, -0.8), (0.2, 0.15, 0.2), 60),
    ):
        result[((u - a) / ra) ** 2 + ((v - b) / rb) ** 2 + ((w - c) / rc) ** 2 < 1] = value
    result[result > -900] += 20 * np.sin(7 * u + 3 * w)[result > -900] + 25 * v[result > -900]
    return np.round(result).astype(np.int16)
