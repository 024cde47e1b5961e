"""compare: every arrangement named exactly, never a wrong certain answer."""

from __future__ import annotations

from itertools import product

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import apply_orientation, inv_ornt_aff
from slab_exporter.compare.comparison import compare_volumes
from slab_exporter.compare.cross_correlation import area_edges, averaged
from slab_exporter.compare.matching import match_voxels
from slab_exporter.compare.words import comparison_json, comparison_lines
from slab_exporter.core.geometry import VolumeGeometry
from support.phantoms import SIGNED_PERMUTATIONS, affine, lopsided_phantom, rotation

NOISE = 0.1  # of the image's standard deviation
VARIANTS = ("equal", "noise", "rescaled", "rescaled with noise", "clipped")
# index ranges of OTHER in REFERENCE, as parts of the length
RANGES = {
    "whole": ((0, 1), (0, 1), (0, 1)),
    "slab": ((0, 1), (0, 1), (0.35, 0.7)),
    "block": ((0.2, 0.8), (0.15, 0.9), (0.1, 0.75)),
}


def varied(array, variant, rng):
    spread = float(array.std())
    if variant == "noise":
        return array + rng.normal(0, NOISE * spread, array.shape)
    if variant == "rescaled":
        return np.round(array * 0.5 + 300).astype(np.int16)
    if variant == "rescaled with noise":
        return (array * 2.5 - 7 + rng.normal(0, 2 * NOISE * spread, array.shape)).astype(np.float32)
    if variant == "clipped":
        return np.clip(array, np.quantile(array, 0.2), np.quantile(array, 0.9))
    return array.copy()


def rearranged(array, affine_ras, orientation, part):
    """(array, affine) of a part in another storage order, by nibabel; the place in the patient stays."""
    cut = tuple(slice(round(a * n), round(b * n)) for (a, b), n in zip(RANGES[part], array.shape, strict=True))
    start = [s.start for s in cut]
    moved = affine_ras @ nib.affines.from_matvec(np.eye(3), start)
    axes, signs = orientation
    ornt = np.array([[axes.index(n), signs[axes.index(n)]] for n in range(3)], float)
    return apply_orientation(array[cut], ornt), moved @ inv_ornt_aff(ornt, array[cut].shape)


def wrong_affines(true, copied, n):
    """Affines that do not fit: the reference's own, one flipped, one turned, one shifted, the identity."""
    flip = np.diag([1.0, 1.0, 1.0, 1.0])
    flip[n % 3, n % 3] = -1
    turned = np.eye(4)
    turned[:3, :3] = rotation(90.0, (0.0, 0.0, 1.0))
    shifted = np.eye(4)
    shifted[:3, 3] = (0.0, 359.2, 0.0)
    return {
        "copied": copied,
        "flipped": flip @ true,
        "turned": turned @ true,
        "shifted": shifted @ true,
        "lost": np.eye(4),
    }


def assert_named_exactly(found, reference, other, true, stated):
    """The placement against the matrices that nibabel made of the same story."""
    place = found.placements[0]
    displacement = stated @ np.linalg.inv(true)
    centre = np.array([*((np.array(other.shape) - 1) / 2), 1.0])
    np.testing.assert_allclose(place.shift, ((stated - true) @ centre)[:3], atol=1e-6)
    directions = [a[:3, :3] / np.linalg.norm(a[:3, :3], axis=0) for a in (stated, true)]
    turn = directions[0] @ directions[1].T
    assert (place.mirrored is not None) == (np.linalg.det(displacement[:3, :3]) < 0)
    if place.mirrored is None:
        assert place.degrees == pytest.approx(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))), abs=1e-3)
    same = np.abs((stated - true) @ np.array([[0, 0, 0, 1], [*np.array(other.shape) - 1, 1]]).T).max() < 1e-3
    if found.verdict == "same-place":
        assert np.allclose(displacement, np.eye(4), atol=0.2)
    else:
        assert not same
        assert found.verdict == ("mirrored" if place.mirrored else "rotated" if place.is_rotated else "displaced")


@pytest.mark.parametrize("part", RANGES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_all_48_arrangements_with_right_and_wrong_affines_are_named_exactly(variant, part):
    rng = np.random.default_rng(0)
    reference = lopsided_phantom((22, 20, 18))
    geometry = VolumeGeometry(reference.shape, affine(signs=(-1, 1, 1), oblique=8.0))
    for n, orientation in enumerate(SIGNED_PERMUTATIONS):
        other, true = rearranged(reference, geometry.affine_ras, orientation, part)
        other = varied(other, variant, rng)
        affines = {"adjusted": true, **wrong_affines(true, geometry.affine_ras, n)}
        match = None
        for name, stated in affines.items():
            stated_geometry = VolumeGeometry(other.shape, stated)
            if match is None:
                found = compare_volumes(reference, geometry, other, stated_geometry)
                match = found.match
            else:
                found = _again(found, stated_geometry)
            if not found.is_certain:
                # allowed only where clipping takes away what tells; never for exact or noisy copies
                assert variant == "clipped", (variant, part, orientation, found.match)
                continue
            np.testing.assert_allclose(found.true_geometry().affine_ras, true, atol=1e-9)
            assert_named_exactly(found, reference, other, true, stated)
            if variant == "equal":
                expression = comparison_json(found)["relations"][0]["numpy"].removeprefix("other == ")
                np.testing.assert_array_equal(eval(expression, {"reference": reference}), other)
            if name == "adjusted":
                assert found.verdict == "same-place"
                assert found.is_same_place


def _again(found, other):
    """The same comparison for another affine, without matching the voxels again."""
    from dataclasses import replace

    from slab_exporter.compare.comparison import true_geometry
    from slab_exporter.compare.displacement import judge_displacement

    places = tuple(
        judge_displacement(true_geometry(found.reference, m, other.shape_ijk), other) for m in found.match.maps
    )
    return replace(found, other=other, placements=places)


REAL = {
    "nifti/ct_totalseg/example_ct.nii.gz": (slice(10, 100, 4), slice(None, None, 4), slice(20, 90, 3)),
    "nifti/ct_totalseg/example_mr_sm.nii.gz": (slice(None, None, 4), slice(None, None, 3), slice(None)),
    "nifti/avg152_pair/avg152T1_LR_nifti.nii.gz": (slice(None, None, 4),) * 3,
    "nifti/ct_totalseg/example_ct_labels.nii.gz": (slice(None, None, 4),) * 3,
}


@pytest.mark.parametrize("name", REAL)
def test_all_48_arrangements_of_real_images(real_data, name):
    image = nib.load(real_data / name)
    reference = np.asanyarray(image.dataobj)[REAL[name]]
    geometry = VolumeGeometry(reference.shape, image.affine)
    rng = np.random.default_rng(1)
    for n, orientation in enumerate(SIGNED_PERMUTATIONS):
        part = ("whole", "slab", "block")[n % 3]
        for variant in ("equal", ("noise", "rescaled with noise")[n % 2]):
            other, true = rearranged(reference, geometry.affine_ras, orientation, part)
            other = varied(other, variant, rng)
            found = compare_volumes(reference, geometry, other, VolumeGeometry(other.shape, geometry.affine_ras))
            assert variant != "equal" or found.is_certain, (orientation, part, found.match)
            if found.is_certain:
                np.testing.assert_allclose(found.true_geometry().affine_ras, true, atol=1e-9)
                assert_named_exactly(found, reference, other, true, geometry.affine_ras)


def symmetric():
    half = lopsided_phantom((24, 20, 18))
    return np.maximum(half, half[::-1])


def test_left_right_symmetric_content_is_called_ambiguous():
    volume = symmetric()
    rng = np.random.default_rng(2)
    noisy = [volume + rng.normal(0, 30, volume.shape) for _ in range(2)]
    for reference, other in ((volume, volume), (volume, volume[::-1]), (volume, noisy[0]), noisy):
        match = match_voxels(reference, other)
        assert match.status == "ambiguous"
        assert {m.signs for m in match.maps} == {(1, 1, 1), (-1, 1, 1)}
    geometry = VolumeGeometry(volume.shape, affine())
    found = compare_volumes(volume, geometry, volume, geometry)
    text = "\n".join(comparison_lines(found))
    assert "AMBIGUOUS" in text
    assert "the same place in the patient" in text
    assert "MIRRORED left-right" in text
    assert not found.is_same_place
    # the same noise in both tells them apart again
    assert match_voxels(noisy[0], noisy[0][::-1]).maps[0].signs == (-1, 1, 1)


@pytest.mark.parametrize(
    "array",
    [np.zeros((5, 6, 7), np.int16), np.full((5, 6, 7), np.nan), np.full((4, 4, 4), -1000.0, np.float32)],
    ids=["zeros", "nan", "air"],
)
def test_what_holds_a_single_value_tells_nothing(array):
    for pair in ((array, lopsided_phantom((9, 9, 9))), (lopsided_phantom((9, 9, 9)), array), (array, array)):
        match = match_voxels(*pair)
        assert match.status == "none"
        assert "single value" in match.reason


def test_a_single_blob_in_a_label_map_tells_no_direction():
    reference, other = np.zeros((2, 20, 18, 16), np.uint8)
    reference[4:9, 5:9, 6:9] = 1
    other[10:15, 8:12, 2:5] = 1
    match = match_voxels(reference, other)
    assert match.status != "certain"


def test_a_tile_that_occurs_twice_is_ambiguous():
    tile = lopsided_phantom((90, 70, 60))
    volume = np.concatenate([tile, tile[:, ::-1], tile], axis=0)
    found = match_voxels(volume, tile[7:80, 6:60, 11:50])
    assert found.status == "ambiguous"
    assert {m.origin[0] for m in found.maps} >= {7, 187}


def test_repeating_content_is_ambiguous_about_the_position():
    prism = np.repeat(lopsided_phantom((20, 18, 9))[:, :, 4:5], 30, axis=2)
    assert match_voxels(prism, prism[:, :, 5:12]).status == "ambiguous"


def test_unrelated_volumes_get_no_relation():
    rng = np.random.default_rng(3)
    volume = lopsided_phantom((20, 18, 16))
    for other in (rng.normal(size=volume.shape), rng.normal(size=(9, 9, 9)), rng.normal(size=(40, 3, 50))):
        assert match_voxels(volume, other).status == "none"


def test_moved_content_is_never_certain_unless_exact():
    volume = lopsided_phantom((24, 20, 18))
    for axis, step in product(range(3), (1, 2, 5)):
        match = match_voxels(volume, np.roll(volume, step, axis))
        if match.status == "certain" and not match.intensity.structured:
            # what came in on the other side was air, as a border would be
            assert match.border
            assert match.maps[0].origin == tuple(-step if a == axis else 0 for a in range(3))
        # shifted with padding: an exact part is still there, and found
        index = [slice(None)] * 3
        index[axis] = slice(step, None)
        short = [slice(None)] * 3
        short[axis] = slice(None, -step)
        moved = np.full_like(volume, -1000)
        moved[tuple(index)] = volume[tuple(short)]
        match = match_voxels(volume, moved)
        assert match.status == "certain"
        assert match.maps[0].origin == tuple(-step if a == axis else 0 for a in range(3))


def test_a_padded_slab_is_recognised():
    volume = lopsided_phantom((24, 20, 18))
    padded = np.pad(volume[:, :, 12:], ((0, 0), (0, 0), (0, 4)), constant_values=-1024)[:, ::-1]
    match = match_voxels(volume, padded)
    assert match.status == "certain"
    assert match.border
    assert (match.maps[0].signs, match.maps[0].origin) == ((1, -1, 1), (0, 19, 12))


def test_reference_may_be_the_smaller_one():
    volume = lopsided_phantom((24, 20, 18))
    part = volume[3:20, 2:15, 4:16]
    match = match_voxels(part, volume.transpose(2, 0, 1))
    assert match.status == "certain"
    assert match.maps[0].axes == (2, 0, 1)
    assert match.maps[0].origin == (-3, -2, -4)
    geometry = VolumeGeometry(part.shape, affine())
    stated = VolumeGeometry((18, 24, 20), geometry.affine_ras @ match.maps[0].matrix)
    assert compare_volumes(part, geometry, volume.transpose(2, 0, 1), stated).is_same_place


def resampled(array, shape):
    for axis, count in enumerate(shape):
        array = averaged(array, axis, area_edges(count, array.shape[axis]))
    return array


def test_resampled_volumes_are_placed_to_about_a_voxel_and_never_certain():
    volume = lopsided_phantom((48, 44, 40)).astype(float)
    geometry = VolumeGeometry(volume.shape, affine(spacing=(1.0, 1.0, 1.0)))
    small = resampled(volume, (31, 29, 27))
    scale = np.diag([48 / 31, 44 / 29, 40 / 27, 1.0])
    scale[:3, 3] = (np.diag(scale)[:3] - 1) / 2
    true = geometry.affine_ras @ scale
    found = compare_volumes(volume, geometry, small, VolumeGeometry(small.shape, true))
    assert (found.verdict, found.is_certain) == ("same-place", False)
    found = compare_volumes(volume, geometry, small[::-1].copy(), VolumeGeometry(small.shape, true))
    assert (found.verdict, found.is_certain) == ("mirrored", False)
    assert found.placements[0].mirrored == "left-right"
    whole = resampled(symmetric().astype(float), (17, 15, 13))
    flat = VolumeGeometry((24, 20, 18), np.diag([1.0, 1, 1, 1]))
    found = compare_volumes(symmetric(), flat, whole, VolumeGeometry(whole.shape, np.diag([2.0, 2, 2, 1])))
    assert found.verdict == "ambiguous"


def test_the_words_of_the_original_story():
    """Rows and columns swapped, columns reversed, the affine copied from elsewhere."""
    volume = lopsided_phantom((24, 24, 18))
    geometry = VolumeGeometry(volume.shape, affine(signs=(-1, 1, 1), spacing=(0.75, 0.75, 2.0)))
    other = np.rot90(volume, axes=(0, 1))
    stated = geometry.affine_ras.copy()
    stated[1, 3] += 359.2
    found = compare_volumes(volume, geometry, other, VolumeGeometry(other.shape, stated))
    text = "\n".join(comparison_lines(found))
    assert "rows and columns swapped, then columns reversed (a rotation by 90 degrees about I)" in text
    assert "does not account for it" in text
    assert "rotated by 90 degrees about I, not mirrored, and shifted by (0, 359.2, 0) mm" in text
    mirrored = compare_volumes(volume, geometry, volume[::-1], geometry)
    assert "MIRRORED left-right: right and left are exchanged" in "\n".join(comparison_lines(mirrored))
    _, true = rearranged(volume, geometry.affine_ras, ((0, 1, 2), (-1, 1, 1)), "whole")
    harmless = compare_volumes(volume, geometry, volume[::-1], VolumeGeometry(volume.shape, true))
    assert "only the storage order differs" in "\n".join(comparison_lines(harmless))
