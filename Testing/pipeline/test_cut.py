"""What CropVolume cuts at once and in parts, for a caller who waits: the same files to the last byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from slab_exporter.core.errors import VerificationError
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.export.from_scene import export_nodes
from slab_exporter.pipeline import cut
from support.phantoms import affine, index_phantom
from support.scenes import held

SHAPE = (9, 8, 23)


class Waiting:
    """A caller who is called often."""

    patience_seconds = 0.02

    def __call__(self, event):
        """Do nothing."""


@pytest.fixture
def boxes(monkeypatch):
    """What is cut, at most two planes at a time where it is cut in parts."""
    seen, make = [], cut.cropped_node

    def note(runtime, source, geometry, box, fill):
        seen.append(box)
        return make(runtime, source, geometry, box, fill)

    monkeypatch.setattr(cut, "_CUT_AT_A_TIME", 2 * SHAPE[0] * SHAPE[1])
    monkeypatch.setattr(cut, "cropped_node", note)
    return seen


def files_of(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix in (".gz", ".nrrd", ".json", ".dcm"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}


@pytest.mark.parametrize("format", ["nii.gz", "nrrd", "dicom"])
@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (SlabOptions(thickness=5), 3 + 3 + 3 + 3 + 2),
        (SlabOptions(crop=True), 12),
        (SlabOptions(thickness=10, remainder="pad"), 5 + 5 + 1),  # what reaches outside is cut at once
        (SlabOptions(thickness=3, axis="i"), 3),
    ],
    ids=["slabs", "one piece", "padded", "sagittal"],
)
def test_parts_give_the_same_files(tmp_path, scene, boxes, format, options, parts):
    volume = held(scene, index_phantom(SHAPE), affine(signs=(-1, 1, 1), oblique=13), "ct")
    request = ExportRequest(slabs=options, format=format)
    for name, caller in (("at once", None), ("in parts", Waiting())):
        boxes.clear()
        export_nodes(volume, tmp_path / name, request, progress=caller or (lambda event: None))
    assert len(boxes) == parts
    assert files_of(tmp_path / "at once") == files_of(tmp_path / "in parts")


def test_other_voxels_in_a_later_part_are_found(tmp_path, scene, boxes, monkeypatch):
    real = cut.voxels_kji
    monkeypatch.setattr(cut, "voxels_kji", lambda node: real(node) + np.int16(len(boxes) == 3))
    volume = held(scene, index_phantom(SHAPE), affine(), "ct")
    with pytest.raises(VerificationError, match="CropVolume cut"):
        export_nodes(volume, tmp_path / "out", ExportRequest(slabs=SlabOptions(thickness=8)), progress=Waiting())
    assert not (tmp_path / "out" / "ct").exists()
