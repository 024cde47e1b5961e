"""A phantom torso whose left and right, front and back, top and bottom can be told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import writing
from ..core.geometry import VolumeGeometry
from ..mrml.nodes import add_volume_node, temporary_nodes
from ..mrml.runtime import open_runtime
from ..mrml.volume_files import write_uncompressed

SHAPE_IJK = (160, 120, 150)
SPACING_MM = (2.5, 2.5, 3.0)

# Ellipsoids in RAS mm: name, label value, centre, half axes, Hounsfield units.
ORGANS = (
    ("lung, right", 1, (75, 10, 110), (55, 70, 100), -820),
    ("lung, left", 2, (-75, 10, 115), (48, 66, 90), -820),
    ("heart", 3, (-25, 25, 75), (45, 40, 48), 45),
    ("liver", 4, (75, 15, -25), (75, 65, 55), 60),
    ("stomach", 5, (-70, 20, -30), (45, 40, 40), 15),
    ("spine", 6, (0, -80, 0), (18, 18, 260), 450),
    ("bladder", 7, (0, 20, -185), (35, 30, 28), 5),
)


def make_demo(folder: Path) -> tuple[Path, Path]:
    """Write the phantom and its label map into ``folder``.

    The heart and the stomach are on the patient's left, the liver is on the right, the spine at
    the back. It is stored left-handed (LAS), as most CT NIfTIs are.

    Returns:
        Paths of the image and of the label map (uncompressed NIfTI).

    Raises:
        OutputError: the folder cannot be written.
    """
    geometry = demo_geometry()
    image, labels = paint_torso(geometry)
    paths = folder / "torso.nii", folder / "torso_organs.nii"
    arrays: tuple[npt.NDArray, npt.NDArray] = (image, labels)
    with writing(f"The folder {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            path.unlink(missing_ok=True)
    with open_runtime() as runtime, temporary_nodes(runtime.scene) as nodes:
        for path, voxels in zip(paths, arrays, strict=True):
            nodes.append(add_volume_node(runtime, voxels, geometry, path.stem))
            write_uncompressed(runtime, nodes[-1], path)
    return paths


def demo_geometry() -> VolumeGeometry:
    """Return the phantom's grid: LAS, centred on the patient's origin."""
    affine = np.diag([-SPACING_MM[0], SPACING_MM[1], SPACING_MM[2], 1.0])
    centre = (np.array(SHAPE_IJK) - 1) / 2
    affine[:3, 3] = -(affine[:3, :3] @ centre)
    return VolumeGeometry(SHAPE_IJK, affine)


def paint_torso(geometry: VolumeGeometry) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """Return CT-like values (int16, HU) and organ labels (uint8) on a grid, both KJI."""
    k, j, i = np.indices(geometry.shape_ijk[::-1])
    r, a, s = np.moveaxis(geometry.ras(np.stack([i, j, k], axis=-1)), -1, 0)
    body = (r / 165) ** 2 + ((a + 10) / 115) ** 2 < 1
    image = np.where(body, 30, -1000).astype(np.float32)
    labels = np.zeros(image.shape, np.uint8)
    for _, value, (x, y, z), (rx, ry, rz), hounsfield in ORGANS:
        inside = body & (((r - x) / rx) ** 2 + ((a - y) / ry) ** 2 + ((s - z) / rz) ** 2 < 1)
        image[inside] = hounsfield
        labels[inside] = value
    noise = np.random.default_rng(0).normal(0, 12, image.shape)
    return np.round(image + noise).clip(-1024, 3071).astype(np.int16), labels
