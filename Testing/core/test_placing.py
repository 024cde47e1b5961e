"""Where a label map lies on an image's lattice, and the reason where it does not: grids alone."""

from __future__ import annotations

import numpy as np
import pytest
from slab_exporter.core.errors import InputError, RequestError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.index_map import IndexMap
from slab_exporter.core.options import LabelOptions
from slab_exporter.core.placing.lattice import placement_on
from slab_exporter.core.placing.placed import Named, place_on, placed_volume
from slab_exporter.core.placing.reasons import reason_for
from slab_exporter.core.text import command_words, in_words
from slab_exporter.core.volume import SourceVolume
from support.phantoms import SIGNED_PERMUTATIONS, affine, index_phantom

SHAPE = (10, 12, 14)
IMAGE = VolumeGeometry(SHAPE, affine(oblique=17.0))
STRAIGHT = VolumeGeometry(SHAPE, affine())


def moved(grid: VolumeGeometry, shift, shape=None, scale=(1, 1, 1)) -> VolumeGeometry:
    """A grid whose first voxel lies at a place in ``grid``, with voxels so many times as large."""
    step = np.diag([*map(float, scale), 1.0])
    step[:3, 3] = shift
    return VolumeGeometry(shape or grid.shape_ijk, grid.affine_ras @ step)


@pytest.mark.parametrize(("axes", "signs"), SIGNED_PERMUTATIONS)
def test_a_part_is_found_in_each_of_48_orders(axes, signs):
    part = IMAGE.cropped(Box((2, 1, 3), (9, 14, 8)))  # reaches beyond the second axis
    found = placement_on(IMAGE, IndexMap.reordering(axes, signs, part.shape_ijk).reordered(part))
    assert found.covered == Box((2, 1, 3), (9, 12, 8))
    assert found.is_extended
    assert found.is_cut
    assert found.is_reordered == ((axes, signs) != ((0, 1, 2), (1, 1, 1)))
    np.testing.assert_allclose(found.geometry.affine_ras, IMAGE.affine_ras, rtol=0, atol=1e-9)


def test_what_has_no_voxel_in_common_or_lies_between_voxels_is_not_placed():
    assert placement_on(IMAGE, moved(IMAGE, (0, 0, 14), (10, 12, 3))) is None
    assert placement_on(IMAGE, moved(IMAGE, (0, 0.02, 1), (10, 12, 3))) is None
    assert placement_on(IMAGE, moved(IMAGE, (0, 0.005, 1), (10, 12, 3))) is not None
    assert placement_on(IMAGE, moved(IMAGE, (1, 0, 0))) is None  # as many voxels, counted wrongly


def test_a_flat_image_takes_a_label_map_whose_slice_is_said_to_be_thicker():
    flat = moved(IMAGE, (0, 0, 0), (10, 12, 1))
    assert placement_on(flat, moved(flat, (0, 0, 0), scale=(1, 1, 3))).keeps_all


def label(geometry, values=None) -> SourceVolume:
    voxels = np.ones(geometry.shape_ijk[::-1], np.uint8) if values is None else values
    return SourceVolume("seg.nii", None, "", geometry, voxels)


def test_what_was_cut_off_is_counted_and_the_rest_is_background():
    part = moved(IMAGE, (2, 2, 10), (3, 4, 6))
    place = place_on(Named("ct.nii", IMAGE), Named("seg.nii", part), "labels", LabelOptions())
    found = placed_volume(label(part), place)
    assert found.voxels_kji.shape == (14, 12, 10)
    assert np.argwhere(found.voxels_kji).min(axis=0).tolist() == [10, 2, 2]
    assert int(found.voxels_kji.sum()) == 3 * 4 * 4
    assert found.record["placed"] == {"done": ["extended", "cut"], "labelled_outside": 24}
    assert "24 labelled voxels outside are left out" in " ".join(found.warnings)
    assert "covers 3 x 4 x 4 of the image's 10 x 12 x 14 voxels" in " ".join(found.warnings)


def test_the_images_geometry_is_given_to_a_label_map_of_its_shape_alone():
    options = LabelOptions("image")
    lost = VolumeGeometry(SHAPE, np.eye(4))
    found = placed_volume(label(lost), place_on(Named("ct", IMAGE), Named("seg", lost), "labels", options))
    assert found.geometry is IMAGE
    assert found.record["placed"] == {"done": [], "affine": "image"}
    assert "gets the image's geometry" in found.warnings[0] or "image's geometry" in found.warnings[0]
    turned = IndexMap.reordering((2, 0, 1), (-1, 1, 1), SHAPE).reordered(IMAGE)  # lies on it: its own place counts
    assert place_on(Named("ct", IMAGE), Named("seg", turned), "labels", options).affine is None
    with pytest.raises(InputError, match="affine is the identity"):
        place_on(Named("ct", IMAGE), Named("seg", VolumeGeometry((9, 12, 14), np.eye(4))), "labels", options)


def test_a_tolerance_takes_the_nearest_voxels_and_the_images_place():
    half = moved(IMAGE, (0.5, 0.5, 0.5))
    options = LabelOptions(label_tolerance=0.51)
    found = placed_volume(label(half), place_on(Named("ct", IMAGE), Named("seg", half), "labels", options))
    assert found.geometry is IMAGE
    assert found.record["placed"] == {"done": [], "tolerance": 0.51}
    part = moved(IMAGE, (2.2, 3, 4), (4, 4, 4))
    place = place_on(Named("ct", IMAGE), Named("seg", part), "labels", LabelOptions(label_tolerance=0.3))
    assert place.placement.covered == Box((2, 3, 4), (6, 7, 8))
    for wrong in (0, -1, 1.5, float("nan")):
        with pytest.raises(RequestError, match="label_tolerance"):
            LabelOptions(label_tolerance=wrong)


def negated(grid, *signs) -> VolumeGeometry:
    return VolumeGeometry(grid.shape_ijk, np.diag([*signs, 1.0]) @ grid.affine_ras)


def steps_only(grid) -> VolumeGeometry:
    matrix = np.eye(4)
    matrix[:3, :3] = grid.affine_ras[:3, :3]
    return VolumeGeometry(grid.shape_ijk, matrix)


CASES = {
    "affine-lost": (VolumeGeometry(SHAPE, np.eye(4)), "affine is the identity", "--label-affine image"),
    "affine-lost, LPS": (VolumeGeometry(SHAPE, np.diag([-1.0, -1, 1, 1])), "lost the real one", "--label-affine image"),
    "affine-lost, kji": (VolumeGeometry(SHAPE[::-1], np.eye(4)), "14 x 12 x 10 voxels where", "numpy's order"),
    "origin-lost": (steps_only(STRAIGHT), "origin is (0, 0, 0)", "--label-affine image"),
    "mirrored": (negated(STRAIGHT, -1, 1, 1), "mirrored left-right", "would keep it mirrored"),
    "mirrored, LPS": (negated(STRAIGHT, -1, -1, 1), "LPS numbers", "--label-affine image"),
    "other-order": (VolumeGeometry(SHAPE, affine(signs=(-1, 1, 1))), "axes run LAS, the image's RAS", "its order"),
    "half-voxel": (moved(STRAIGHT, (0.5, 0.5, 0.5)), "half a voxel (0.5, 0.5, 0.5 voxels)", "--label-affine image"),
    "half-voxel, part": (moved(STRAIGHT, (2.5, 3, 4), (4, 4, 4)), "half a voxel", "--label-tolerance 0.51"),
    "shifted, whole": (moved(STRAIGHT, (0, 0, -1)), "shifted by (0, 0, -1) voxels", "--label-affine image"),
    "shifted, a part": (moved(STRAIGHT, (0.2, 0, 0)), "a part of a voxel", "--label-tolerance 0.21"),
    "shifted, between": (moved(STRAIGHT, (2.3, 0, 0)), "between the image's voxels", "Resample it"),
    "other-spacing": (
        moved(STRAIGHT, (0.5, 0.5, 0.5), (5, 6, 7), (2, 2, 2)),
        "1.4 x 1.8 x 5 mm, the",
        "Resample",
    ),
    "rotated": (VolumeGeometry(SHAPE, affine(oblique=10)), "degrees askew", "Resample"),
    "elsewhere": (moved(STRAIGHT, (0, 0, 400)), "no place in common", "another patient"),
    "elsewhere, shape": (moved(STRAIGHT, (0, 0, 400), (9, 9, 9)), "no place in common", "the one it was drawn on"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_reason_has_its_sentence_and_its_remedy(name):
    other, what, remedy = CASES[name]
    assert placement_on(STRAIGHT, other) is None
    found = reason_for(STRAIGHT, other)
    assert found.kind == name.split(",")[0]
    text = in_words(found.sentence, command_words)
    assert what in text
    assert remedy in in_words(found.remedy, command_words)
    assert "Resample it" not in text or found.kind in ("other-spacing", "rotated", "shifted")


def test_a_label_map_that_fits_by_its_other_transform_says_which():
    forms = {"sform": STRAIGHT, "qform": moved(STRAIGHT, (0, 0, 40))}
    found = reason_for(STRAIGHT, forms["qform"], label_forms=forms)
    assert found.kind == "other-transform"
    assert "by its sform it lies on the image" in found.what
    assert "--nifti-transform sform" in in_words(found.remedy, command_words)
    found = reason_for(forms["qform"], STRAIGHT, image_forms=forms)
    assert found.kind == "other-transform"
    assert "where the image's sform says" in found.what


def test_voxels_of_micrometres_keep_their_digits():
    micro = VolumeGeometry((5, 6, 8), np.diag([0.005, 0.005, 0.005, 1]))
    assert "0.005 mm (1.00 voxels)" in reason_for(micro, moved(micro, (1, 0, 0))).what


def test_placed_voxels_are_copied_without_a_change():
    values = index_phantom((4, 5, 6), "int32")
    grid = moved(IMAGE, (1, 2, 3), (4, 5, 6))
    turned = label(grid, np.ascontiguousarray(values.T)).rearranged(
        IndexMap.reordering((1, 2, 0), (-1, 1, -1), (4, 5, 6))
    )
    place = place_on(Named("ct", IMAGE), Named("seg", turned.geometry), "labels", LabelOptions())
    found = placed_volume(turned, place).voxels_kji.T
    np.testing.assert_array_equal(found[1:5, 2:7, 3:9], values)
    assert found.dtype == np.int32
    assert np.count_nonzero(found) == np.count_nonzero(values)
