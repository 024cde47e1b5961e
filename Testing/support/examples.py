"""The files that examples in docstrings and in README name: a small CT, label maps, an export, predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from support.phantoms import lopsided_phantom, save_nifti

SHAPE_IJK = (16, 14, 150)
# LAS, 1 x 1 x 2.5 mm
AFFINE = np.array([[-1, 0, 0, 8], [0, 1, 0, -7], [0, 0, 2.5, -100], [0, 0, 0, 1]], float)


def lay_out(folder: Path) -> None:
    """ct.nii.gz, ct_seg.nii.gz, mirrored.nii.gz, scans/, masks/, slabs/ (of the CT, overlap 8) and predictions/."""
    import slab_exporter as se

    image = lopsided_phantom(SHAPE_IJK)
    organs = np.select([image < -500, image > 300], [1, 2], 0).astype(np.uint8)
    save_nifti(folder / "ct.nii.gz", image, AFFINE)
    save_nifti(folder / "ct_seg.nii.gz", organs, AFFINE)
    save_nifti(folder / "mirrored.nii.gz", image, np.diag([-1.0, 1, 1, 1]) @ AFFINE)
    for name in ("scans", "masks", "predictions"):
        (folder / name).mkdir()
    for n, case in enumerate("ab"):
        save_nifti(folder / "scans" / f"{case}.nii.gz", image + np.int16(n), AFFINE)
        save_nifti(folder / "masks" / f"{case}.nii.gz", organs, AFFINE)
    result = se.export(folder / "ct.nii.gz", folder / "slabs", overlap=8, labels=folder / "ct_seg.nii.gz")
    (manifest,) = result.manifests
    for slab in manifest.slabs:
        label = folder / "slabs" / "ct" / slab.labels["labels"]
        (folder / "predictions" / label.name).write_bytes(label.read_bytes())
