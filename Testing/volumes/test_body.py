"""The body in an image, against an Otsu threshold and components of other hands."""

from __future__ import annotations

import doctest
import threading

import numpy as np
import pytest
import slab_exporter as se
from scipy import ndimage
from slab_exporter.core.errors import Cancelled
from slab_exporter.interrupts import abandonable
from slab_exporter.volumes import body
from slab_exporter.volumes.body import body_mask
from support.phantoms import affine, lopsided_phantom, save_nifti


def otsu(values: np.ndarray, bins: int = 128) -> float:
    """Otsu's threshold (IEEE Trans. SMC 9, 1979) by its definition: the largest variance between two classes."""
    counts, edges = np.histogram(values, bins)
    middles = (edges[1:] + edges[:-1]) / 2
    best = max(
        range(1, bins),
        key=lambda n: (
            counts[:n].sum()
            * counts[n:].sum()
            * (
                np.average(middles[:n], weights=counts[:n] + 1e-12)
                - np.average(middles[n:], weights=counts[n:] + 1e-12)
            )
            ** 2
        ),
    )
    return float(edges[best])


def largest_above(values: np.ndarray, threshold: float) -> np.ndarray:
    parts, _ = ndimage.label(values > threshold, np.ones((3, 3, 3)))
    return parts == np.bincount(parts.ravel())[1:].argmax() + 1


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64"])
def test_the_body_of_a_ct_is_the_largest_part_above_otsus_threshold(dtype):
    voxels = lopsided_phantom().T.copy()
    voxels[0, 0, :3] = 300  # a marker beside the patient
    mask = body_mask(voxels.astype(dtype))
    np.testing.assert_array_equal(mask, largest_above(voxels, otsu(voxels)))
    assert not mask[0, 0, 0]


def test_what_a_scanner_stores_outside_its_field_of_view_is_air():
    voxels = lopsided_phantom().T.copy()
    expected = body_mask(voxels)
    padded = voxels.copy()
    padded[:, :3], padded[:, -3:] = -3024, -3024  # most of what differs in such an image is the padding
    np.testing.assert_array_equal(body_mask(padded)[:, 4:-4], expected[:, 4:-4])


def test_an_mr_is_judged_by_its_own_values_and_nan_is_air():
    voxels = np.abs(np.random.default_rng(0).normal(0, 6, (12, 14, 16))).astype(np.float32)
    voxels[3:9, 4:10, 4:12] += 200
    voxels[0, 0, 0], voxels[0, 0, 1] = np.nan, -np.inf
    expected = np.zeros(voxels.shape, bool)
    expected[3:9, 4:10, 4:12] = True
    np.testing.assert_array_equal(body_mask(voxels), expected)


@pytest.mark.parametrize("value", [0, -1000, np.nan])
def test_an_even_image_has_no_body(value):
    assert not body_mask(np.full((3, 4, 5), value, np.float32)).any()


def test_the_examples_are_right():
    result = doctest.testmod(body)
    assert result.attempted > 0
    assert result.failed == 0


def test_a_body_is_found_once_where_it_is_both_cropped_to_and_kept(tmp_path, monkeypatch):
    """When it is exported, and when that is verified."""
    searched, find = [], body._body
    monkeypatch.setattr(body, "_body", lambda voxels: (searched.append(voxels.shape), find(voxels))[1])
    path = save_nifti(tmp_path / "ct.nii.gz", lopsided_phantom(), affine())
    options = {"thickness": 8, "crop_to": "body", "keep": "body", "min_fraction": 0.65}
    assert not se.export(path, tmp_path / "out", jobs=1, **options).failures
    assert se.read_manifest(tmp_path / "out" / "ct").plan.left_out is not None
    assert searched == [lopsided_phantom().T.shape]
    assert not [report.differences for report in se.verify(tmp_path / "out") if report.differences]
    assert len(searched) == 2
    body_mask(lopsided_phantom())
    body_mask(lopsided_phantom())
    assert len(searched) == 4


def test_a_search_that_nobody_wants_any_more_is_left_alone(monkeypatch):
    """SimpleITK's filter of connected parts cannot be told to stop."""
    event, ended = threading.Event(), threading.Event()
    monkeypatch.setattr(body, "_body", lambda voxels: event.set() or ended.wait(30))
    with abandonable(event), pytest.raises(Cancelled):
        body_mask(lopsided_phantom())
    assert event.is_set()
    ended.set()
    event.clear()
    with abandonable(event):
        assert body_mask(lopsided_phantom())
