"""compare says no more than it checked: every voxel, motion block by block, and chance."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from endurance.compare_matrix import LEAST_HONEST, count_pairs, honest_share
from slab_exporter.compare.certainty.chance import bits_needed, content_bits
from slab_exporter.compare.comparison import compare_volumes
from slab_exporter.compare.grids import relate_grids
from slab_exporter.compare.matching import match_voxels
from slab_exporter.compare.words import comparison_lines
from slab_exporter.core.geometry import Box, VolumeGeometry
from support.compare_false_friends import linear
from support.compare_pairs import body, moved_by
from support.phantoms import affine, lopsided_phantom, rotation, save_nifti

SPACING = 1.5


def grainy(shape=(64, 60, 50)):
    return body(np.random.default_rng(5), shape)


def geometry(array):
    return VolumeGeometry(array.shape, affine(signs=(-1, 1, 1), spacing=(SPACING,) * 3))


def compared(reference, other):
    return compare_volumes(reference, geometry(reference), other, geometry(other))


def test_a_sample_of_the_matrix_holds_no_wrong_certain_answer():
    data = os.environ.get("SLABEXPORTER_TEST_DATA")
    counts = count_pairs(every=37, data=Path(data) if data else None)
    examples = [text for count in counts.values() for text in count.examples]
    assert sum(count.wrong for count in counts.values()) == 0, examples
    assert honest_share(counts) >= LEAST_HONEST, examples
    assert len(counts) > 15


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("noise", [0, 20])
def test_a_small_lesion_is_counted_and_located(noise, reverse):
    reference = grainy()
    other = reference + np.round(np.random.default_rng(1).normal(0, noise, reference.shape)).astype(np.int16)
    assert compared(reference, other).is_same_place
    other[30:34, 21:25, 17:21] = 1500
    expected = Box((30, 21, 17), (34, 25, 21))
    largest = (1500.0 - reference[30:34, 21:25, 17:21]).max()
    differing = compared(reference, other[::-1] if reverse else other).match.intensity.differing
    assert (differing.count, differing.box) == (64, expected)
    assert differing.largest == pytest.approx(largest, rel=0.01 if noise else 0)


def test_a_lesion_of_a_part_is_located_in_the_indices_of_the_reference():
    reference = grainy()
    part = reference[10:60, 5:55, 8:44].copy()
    part[20, 30, 9] += 700
    for one, two in ((reference, part.transpose(2, 0, 1)), (part, reference)):
        found = match_voxels(one, two)
        assert found.status == "certain"
        start = (30, 35, 17) if one is reference else (20, 30, 9)
        assert found.intensity.differing.box == Box(start, tuple(a + 1 for a in start))
        assert (found.intensity.differing.count, found.intensity.differing.largest) == (1, 700)


def test_a_slice_set_to_zero_is_said(tmp_path, run_cli):
    reference = grainy()
    other = reference.copy()
    other[:, :, 23] = 0
    paths = [save_nifti(tmp_path / f"{n}.nii", a, geometry(a).affine_ras) for n, a in enumerate((reference, other))]
    code, out, _ = run_cli("compare", *paths)
    count = int(np.count_nonzero(reference[:, :, 23]))
    assert code == 0
    assert f"equal, but {count} voxels differ, in REFERENCE's i = 0 to 63, j = 0 to 59, k = 23 to 23" in out
    found = json.loads(run_cli("compare", *paths, "--json")[1])
    assert found["intensity"]["kind"] == "edited"
    assert found["intensity"]["differing"]["count"] == count
    assert found["intensity"]["differing"]["box_ijk"] == {"start": [0, 0, 23], "stop": [64, 60, 24]}


@pytest.mark.parametrize("degrees", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("nearest", [False, True])
def test_a_rotation_is_never_the_same_place_and_is_stated_in_mm(degrees, nearest):
    reference = grainy()
    other, far = moved_by(reference, linear(rotation(degrees, (0, 0, 1))), nearest)
    found = compared(reference, other)
    assert not found.is_certain
    if nearest and degrees == 1:
        # most voxels have not moved by half a voxel, and are equal
        return
    assert found.verdict == "displaced"
    assert found.moved_mm == pytest.approx(far.max() * SPACING, rel=0.35)
    assert "NOT the same place" in "\n".join(comparison_lines(found))
    if degrees > 1:
        assert found.rotated_degrees == pytest.approx(degrees, rel=0.35)


@pytest.mark.parametrize("step", [0.3, 0.6])
def test_a_shift_by_part_of_a_voxel_is_never_certain(step):
    reference = lopsided_phantom((40, 36, 30)).astype(float)
    other, _ = moved_by(reference, lambda index: np.full(index.shape, step))
    found = compared(reference, other + np.random.default_rng(0).normal(0, 5, other.shape))
    assert not found.is_certain
    if found.match.status == "uncertain":
        assert found.moved_mm == pytest.approx(step * SPACING * np.sqrt(3), rel=0.3)


def test_noise_leaves_a_bound_on_motion_and_the_bound_holds():
    reference = grainy().astype(float)
    found = compared(reference, reference + np.random.default_rng(0).normal(0, 40, reference.shape))
    assert found.is_same_place
    assert 0 < found.bound_mm < 0.5 * SPACING
    assert f"no content moved by more than {found.bound_mm:.2g} mm" in "\n".join(comparison_lines(found))


def test_a_slice_that_is_missing_moves_the_rest():
    reference = grainy()
    other = np.concatenate([reference[:, :, :25], reference[:, :, 26:], reference[:, :, -1:]], axis=2)
    assert not compared(reference, other).is_certain


def test_an_organ_and_a_lesion_have_nothing_in_common():
    organ, lesion = np.zeros((2, 60, 50, 40), np.uint8)
    grid = np.indices(organ.shape)
    organ[((grid - np.array([25, 22, 18])[:, None, None, None]) ** 2 / 90).sum(axis=0) < 1] = 1
    lesion[40:42, 30:32, 20:22] = 1
    lesion[41, 31, 21] = 0
    for pair in ((organ, lesion), (lesion, organ)):
        found = compared(*pair)
        assert not found.is_certain
    assert compared(organ, organ[::-1, :, :]).match.status != "none"


def test_what_content_is_worth_and_what_chance_asks():
    rng = np.random.default_rng(0)
    assert bits_needed((64, 64, 64), (64, 64, 64)) == pytest.approx(np.log2(48) + 10)
    assert bits_needed((64, 32, 16), (3, 2, 2)) > np.log2(8 * 62 * 31 * 15) + 10
    assert content_bits(rng.integers(0, 2, (20, 20, 20)), 1e9) == pytest.approx(19**3, rel=0.1)
    step = np.zeros((20, 20, 20), np.uint8)
    step[10:] = 1
    assert content_bits(step, 1e9) < 25
    lesion = np.ones((2, 2, 2), np.uint8)
    lesion[1, 1, 1] = 0
    assert content_bits(lesion, 1e9) < bits_needed((60, 50, 40), (2, 2, 2))


@pytest.mark.parametrize("thick", [1, 6])
def test_neighbouring_slices_are_not_an_affine_at_fault(thick):
    volume, rng = grainy(), np.random.default_rng(2)
    one, two = (volume[:, :, a : a + thick] for a in (20, 21))
    two = two + rng.normal(0, 0.1 * volume.std(), two.shape)
    places = [geometry(volume).cropped(Box((0, 0, a), (64, 60, a + thick))) for a in (20, 21)]
    found = compare_volumes(one, places[0], two, places[1])
    assert not found.is_certain
    text = "\n".join(comparison_lines(found))
    assert "NOT CERTAIN" in text or "AMBIGUOUS" in text or "no relation" in text


def test_a_texture_that_repeats_itself_lies_where_its_affine_says_or_not():
    tile = np.round(np.random.default_rng(3).normal(0, 100, (6, 20, 18))).astype(np.int16)
    volume = np.tile(tile, (5, 1, 1))
    place = geometry(volume)
    moved = VolumeGeometry(
        volume.shape, place.affine_ras @ np.array([[1, 0, 0, 6], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    )
    assert compare_volumes(volume, place, volume, place).is_same_place
    found = compare_volumes(volume, place, volume, moved)
    assert found.match.status == "ambiguous"
    assert {m.origin for m in found.match.maps} == {(0, 0, 0), (6, 0, 0)}


def test_an_image_and_its_label_map_are_compared_by_their_grids():
    image = VolumeGeometry((12, 13, 14), np.array([[2.0, 0, 0, -50], [0, 3, 0, -60], [0, 0, 4, 70], [0, 0, 0, 1]]))
    turn = np.diag([-1.0, -1, 1, 1])
    turn[:3, 3] = (11, 12, 0)
    lps = VolumeGeometry((12, 13, 14), image.affine_ras @ turn)
    lost = VolumeGeometry((12, 13, 14), np.eye(4))
    part = image.cropped(Box((0, 0, 3), (12, 13, 9)))
    other = VolumeGeometry((12, 13, 15), np.eye(4) * [3, 3, 3, 1])
    found = [relate_grids(image, g) for g in (image, lps, lost, part, other)]
    kinds = [relation.kind for relation in found]
    assert kinds == ["same", "same-other-order", "affine-lost", "part", "different"]
    assert "axes run LPS" in found[1].sentence
    assert "give it REFERENCE's" in found[2].sentence
    rng = np.random.default_rng(0)
    values = rng.normal(0, 100, image.shape_ijk).astype(np.int16)
    labels = (rng.random(image.shape_ijk) < 0.3).astype(np.uint8)
    for stated, words in ((image, "the same grid"), (lps, "axes run LPS"), (lost, "the identity (lost)")):
        text = "\n".join(comparison_lines(compare_volumes(values, image, labels, stated)))
        assert "grid: " in text
        assert words in text
