"""Contours of a structure set as voxels: against volumes that are known, and against SimpleITK's resampled shapes."""

from __future__ import annotations

import numpy as np
import pytest
from slab_exporter.core.errors import InputError
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.dicom.labels.references import label_object
from slab_exporter.dicom.labels.segmentation import read_segmentation
from slab_exporter.dicom.labels.structures import read_structures
from support.dicom_phantoms import uid, voxels, write_series
from support.phantoms import affine, rotation
from support.segment_files import LPS, write_rtstruct, write_seg

GRID = VolumeGeometry((60, 56, 52), affine(spacing=(1, 1, 1), origin=(-30.3, 12.2, 80.4)))


def lps(points_ijk, grid=GRID) -> np.ndarray:
    return grid.ras(np.asarray(points_ijk, float)) @ LPS[:3, :3]


def ball(centre, radius, grid=GRID, points=720) -> list[np.ndarray]:
    """Circles of a ball in each slice of a grid of 1 mm, as a treatment planning system draws them."""
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    found = []
    for k in range(grid.shape_ijk[2]):
        inner = radius**2 - (k - centre[2]) ** 2
        if inner > 0:
            r = np.sqrt(inner)
            circle = [centre[0] + r * np.cos(angles), centre[1] + r * np.sin(angles), np.full(points, float(k))]
            found.append(lps(np.transpose(circle), grid))
    return found


def read(tmp_path, contours, grid=GRID, **options):
    found = read_structures(write_rtstruct(tmp_path / "rt.dcm", contours, **options), grid)
    masks = [mask.copy() for mask in found.masks()]
    return masks, found


@pytest.mark.parametrize("centre", [(30.0, 28.0, 26.0), (29.7, 28.4, 25.9)])
@pytest.mark.parametrize("radius", [16.3, 20.0])
def test_a_ball_has_its_volume_and_its_voxels(tmp_path, centre, radius):
    (mask,), found = read(tmp_path, {"ball": ball(centre, radius)})
    assert mask.sum() == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)
    k, j, i = np.indices(mask.shape)
    distance = np.sqrt((i - centre[0]) ** 2 + (j - centre[1]) ** 2 + (k - centre[2]) ** 2)
    assert mask[distance < radius - 0.01].all()
    assert not mask[distance > radius + 0.01].any()
    assert found.notes() == ()


def square(low, high, k) -> np.ndarray:
    return np.array([(low, low, k), (high, low, k), (high, high, k), (low, high, k)], float)


def test_a_cube_is_exact_and_holes_are_cut_by_keyhole_and_by_exclusive_or(tmp_path):
    outer = [square(9.5, 29.5, k) for k in range(10, 30)]
    inner = [square(14.5, 24.5, k) for k in range(15, 25)]
    keyhole = [
        np.array([(9.5, 9.5, k), (29.5, 9.5, k), (29.5, 29.5, k), (19.5, 29.5, k), (19.5, 24.5, k), (24.5, 24.5, k),
                  (24.5, 14.5, k), (14.5, 14.5, k), (14.5, 24.5, k), (19.5, 24.5, k), (19.5, 29.5, k), (9.5, 29.5, k)])
        for k in range(15, 25)
    ]  # fmt: skip
    with_keyhole = [*keyhole, *outer[:5], *outer[15:]]
    (cube, xor, key), found = read(
        tmp_path,
        {"cube": list(map(lps, outer)), "xor": list(map(lps, outer + inner)), "key": list(map(lps, with_keyhole))},
    )
    expected = np.zeros_like(cube)
    expected[10:30, 10:30, 10:30] = True
    np.testing.assert_array_equal(cube, expected)
    expected[15:25, 15:25, 15:25] = False
    np.testing.assert_array_equal(xor, expected)
    np.testing.assert_array_equal(key, expected)
    assert [one.name for one in found.stated] == ["cube", "xor", "key"]
    assert [one.rgb for one in found.stated] == [(255, 10, 0), (255, 20, 0), (255, 30, 0)]


def test_a_contour_that_is_listed_twice_does_not_cancel_itself(tmp_path):
    outer = lps(square(9.5, 29.5, 12))
    (mask,), _ = read(tmp_path, {"twice": [outer, outer]})
    assert mask.sum() == 400


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_contours_are_found_in_whatever_axis_the_image_is_sliced(tmp_path, axes):
    """The same axial contours on an image whose k axis is another one, and oblique."""
    turned = affine(axes, (-1, 1, 1), spacing=(1, 1, 1), origin=(-20, 30, 10), oblique=25.0)
    shape = (50, 52, 54)
    grid = VolumeGeometry(shape, turned)
    slice_axis = axes.index(2)
    across = [n for n in range(3) if n != slice_axis]
    contours = []
    for number in range(10, 20):
        points = np.zeros((4, 3))
        points[:, slice_axis] = number
        points[:, across[0]], points[:, across[1]] = (4.5, 24.5, 24.5, 4.5), (8.5, 8.5, 18.5, 18.5)
        contours.append(lps(points, grid))
    (mask,), _ = read(tmp_path, {"box": contours}, grid)
    ijk = np.argwhere(mask.T)
    assert mask.sum() == 20 * 10 * 10
    assert ijk.min(axis=0)[slice_axis] == 10
    assert (ijk.min(axis=0)[across[0]], ijk.max(axis=0)[across[0]]) == (5, 24)
    assert (ijk.min(axis=0)[across[1]], ijk.max(axis=0)[across[1]]) == (9, 18)


def test_what_lies_between_slices_outside_and_open_is_said(tmp_path):
    contours = [square(9.5, 29.5, k) for k in (10, 12.3, 13, 60)]
    (mask, points), found = read(
        tmp_path, {"a": list(map(lps, contours)), "b": [lps(square(9.5, 29.5, 9)), lps([(1, 1, 1)])], "c": []}
    )
    assert [int(plane.sum()) for plane in mask[9:15]] == [0, 400, 0, 400, 400, 0]
    assert points.sum() == 400
    said = " ".join((*found.warnings, *found.notes()))
    assert "'a': 1 contour between the image's slices are taken for the nearest slice" in said
    assert "'a': 1 contour outside the image are left out" in said
    assert "'a': 1 slice between others hold no contour" in said
    assert "1 contour that are points or open lines are left out" in said
    assert "without closed contours, and left out: c" in said


def test_contours_that_are_not_in_slices_of_the_image_are_refused(tmp_path):
    tilted = lps(square(9.5, 29.5, 12)) @ rotation(20, (1, 0, 0)).T
    with pytest.raises(InputError, match="not drawn in slices of the image"):
        read(tmp_path, {"a": [tilted]})
    with pytest.raises(InputError, match="holds no closed contours"):
        read(tmp_path, {"a": []})


def test_references_are_read(tmp_path):
    path = write_rtstruct(tmp_path / "rt.dcm", {"a": [lps(square(9.5, 29.5, 12))]}, series_uid="1.2.3")
    found = label_object(path)
    assert found.kind == "rtstruct"
    assert found.suit("1.2.3", "")
    assert not found.suit("1.2.4", uid("frame"))  # a series is named: another one of the same frame is not meant
    assert label_object(write_series(tmp_path / "ct", voxels()) / "000") is None


def test_a_sparse_segmentation_is_highdicoms_own_reading(tmp_path):
    """Planes without labels are left out of the file; highdicom puts each frame where we do."""
    import highdicom as hd

    series = write_series(tmp_path / "ct", voxels((9, 12, 10)))
    mask = np.zeros((9, 12, 10), np.uint8)
    mask[2, 3:7, 2:5], mask[6, 1:4, 5:9] = 1, 1
    path = write_seg(tmp_path / "seg.dcm", sorted(series.iterdir()), {"lesion": mask})
    image = VolumeGeometry((10, 12, 9), LPS @ np.eye(4))
    found = read_segmentation(path, image)
    (ours,) = found.masks()
    theirs = hd.seg.segread(path).get_volume(combine_segments=True, relabel=False)
    assert ours.sum() == mask.sum()
    points = found.geometry.ras(np.argwhere(ours.T)) @ LPS[:3, :3]
    index = np.argwhere(np.asarray(theirs.array) > 0)
    world = np.c_[index, np.ones(len(index))] @ theirs.affine.T
    assert np.allclose(
        sorted(map(tuple, np.round(points, 3))), sorted(map(tuple, np.round(world[:, :3], 3))), atol=0.002
    )


@pytest.mark.parametrize("seed", range(4))
def test_damaged_label_objects_are_refused_with_a_sentence(tmp_path, seed):
    """Attributes removed, emptied or of another kind: never anything but an InputError."""
    series = write_series(tmp_path / "ct", voxels((4, 9, 10)))
    mask = np.zeros((4, 9, 10), np.uint8)
    mask[1:3, 2:6, 3:7] = 1
    seg = write_seg(tmp_path / "seg.dcm", sorted(series.iterdir()), {"a": mask, "b": np.roll(mask, 1, 1)})
    rt = write_rtstruct(tmp_path / "rt.dcm", {"a": [lps(square(9.5, 29.5, 12))], "b": [lps(square(9.5, 29.5, 13))]})
    rng, refused = np.random.default_rng(seed), 0
    for path in (seg, rt):
        for _ in range(25):
            content = bytearray(path.read_bytes())
            for place in rng.integers(132, len(content), 6):
                content[place] = rng.integers(0, 256)
            harmed = tmp_path / "harmed.dcm"
            harmed.write_bytes(content)
            try:
                found = label_object(harmed)
                if found is not None:
                    read = read_segmentation if found.kind == "dicom-seg" else read_structures
                    for one in read(harmed, GRID).masks():
                        assert one.dtype == bool
            except InputError:
                refused += 1
    assert refused > 5


def test_an_attribute_that_is_missing_is_said(tmp_path):
    import pydicom

    series = write_series(tmp_path / "ct", voxels((4, 9, 10)))
    mask = np.ones((4, 9, 10), np.uint8)
    path = write_seg(tmp_path / "seg.dcm", sorted(series.iterdir()), {"a": mask})
    dataset = pydicom.dcmread(path)
    for group in dataset.PerFrameFunctionalGroupsSequence:
        del group.PlanePositionSequence
    dataset.save_as(path)
    with pytest.raises(InputError, match="do not state ImagePositionPatient: they cannot be placed"):
        read_segmentation(path, GRID)
