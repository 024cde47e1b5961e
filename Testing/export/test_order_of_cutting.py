"""The plan that is shown beforehand is that of the export, whichever order Slicer holds a volume in."""

from __future__ import annotations

import shutil

import numpy as np
import pydicom
import pytest
import slab_exporter as se
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.core.planning import plan_slabs
from slab_exporter.export.from_scene import export_nodes
from slab_exporter.mrml.nodes import node_geometry, voxels_kji
from slab_exporter.mrml.sequences import held_frames
from slab_exporter.volumes.held.headers import geometry_to_cut
from support.dicom_phantoms import voxels, write_series
from support.frames import frames_phantom, save_frames
from support.phantoms import affine
from support.scene_series import Database, loaded
from support.scenes import held
from support.sequences import browsed, load_sequence

SHAPE = (10, 9, 7)
UNEVEN = SlabOptions(cut_at=(3, 4))


def assert_shown_is_cut(shown, manifest) -> None:
    """The boxes of a plan, made of the geometry that is shown, are those of the manifest."""
    plan = plan_slabs(shown, UNEVEN)
    assert [slab.box for slab in plan.slabs] == [slab.box for slab in manifest.slabs]
    assert shown.difference(manifest.geometry).is_within(1e-4)


@pytest.fixture
def series(tmp_path):
    return write_series(tmp_path / "in" / "ct", voxels(SHAPE), Exposure=lambda n: 100 + n)


def turned(scene, node, planes: slice = slice(None), added: int = 0):
    """The node with k against the normal of its images, as no loader of Slicer's but a script may hold it."""
    geometry = node_geometry(node).k_reversed()
    start = planes.indices(geometry.shape_ijk[2])[0]
    place = geometry.affine_ras.copy()
    place[:3, 3] = geometry.ras((0, 0, start))
    other = held(scene, (voxels_kji(node)[::-1][planes] + np.int16(added)).T, place, "turned")
    other.SetAttribute("DICOM.instanceUIDs", node.GetAttribute("DICOM.instanceUIDs"))
    assert not node_geometry(other).is_right_handed
    return other


@pytest.mark.parametrize("how", ["same", "cropped", "changed", "lost"])
def test_dicom_images_that_are_held_against_their_normal(tmp_path, scene, series, how):
    planes = slice(2, 8) if how == "cropped" else slice(None)
    node = turned(scene, loaded(scene, series), planes, added=how == "changed")
    database, shown = Database(series), geometry_to_cut(node)
    if how == "lost":
        next(series.iterdir()).unlink()
    request = ExportRequest(slabs=UNEVEN, format="dicom")
    manifest = export_nodes(node, tmp_path / "out", request, case="case", database=database)
    assert_shown_is_cut(shown, manifest)
    assert shown.is_right_handed
    images = [pydicom.dcmread(path) for path in sorted((tmp_path / "out").rglob("*.dcm"))]
    truth = {float(one.ImagePositionPatient[2]): one for one in map(pydicom.dcmread, series.iterdir())}
    for image in images:
        source = truth.get(float(image.ImagePositionPatient[2]))
        assert how == "lost" or source is not None
        if how in ("same", "cropped"):
            assert image.Exposure == source.Exposure
        if source is not None:
            np.testing.assert_array_equal(image.pixel_array, source.pixel_array + (how == "changed"))


@pytest.mark.parametrize("how", ["as kept", "edited", "shown alone"])
@pytest.mark.parametrize("frames", ["all", None])
def test_a_sequence_whose_file_is_left_handed(tmp_path, scene, how, frames):
    source = save_frames(tmp_path / "in.nii.gz", frames_phantom(3), affine(signs=(-1, 1, 1)))
    (made,) = se.export(source, tmp_path / "made", frames="all", format="nrrd", thickness=99).manifests
    path = shutil.copy(tmp_path / "made" / "in" / made.slabs[0].image, tmp_path / "bold.seq.nrrd")
    node = browsed(scene, load_sequence(scene, path))[1]
    if how == "edited":
        voxels_kji(held_frames(node).node(1))[0, 0, 0] += 500
    elif how == "shown alone":
        voxels_kji(node)[0, 0, 0] += 500
    shown = geometry_to_cut(node)
    manifest = export_nodes(node, tmp_path / "out", ExportRequest(slabs=UNEVEN, frames=frames), case="case")
    assert_shown_is_cut(shown, manifest)
    assert shown.orientation == "LAS"
    files = se.SlabDataset(tmp_path / "out")
    found = np.concatenate([np.asarray(files[n]["image"]) for n in range(len(files))], axis=-1)
    expected = np.moveaxis(frames_phantom(3), -1, 0) if frames else frames_phantom(3)[None, ..., 1]
    differs = np.argwhere(np.asarray(found).reshape(expected.shape) != expected)
    is_changed = how == ("edited" if frames else "shown alone")  # one frame is the one that is shown
    # the voxel that was changed is the last one along k in the file's order
    assert differs.tolist() == ([[1 if frames else 0, 0, 0, expected.shape[-1] - 1]] if is_changed else [])
