"""Other voxel sizes and other volumes' grids: values stay where they are in the patient, judged by peers."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage
from slab_exporter.core.errors import InputError, RequestError
from slab_exporter.core.geometry import RAS_TO_LPS, VolumeGeometry
from slab_exporter.core.options import PrepareOptions
from slab_exporter.core.steps.grids import respaced, smoothing_voxels
from slab_exporter.core.steps.spacing import spacing_of
from slab_exporter.core.volume import SourceVolume
from slab_exporter.prepare import resampled
from slab_exporter.prepare.preparation import preparation_of, recorded_preparation
from slab_exporter.prepare.resampled import interpolated, nearest
from support.phantoms import SIGNED_PERMUTATIONS, affine, save_nifti

SHAPE = (20, 17, 14)
SPACING = (0.7, 0.9, 2.5)
# Gradient in mm^-1: a value tells how far along it a voxel lies in the patient.
GRADIENT = np.array([0.31, -0.17, 0.23])
PLACES = [affine(*SIGNED_PERMUTATIONS[n], spacing=SPACING, oblique=angle) for n, angle in ((0, 0), (13, 25), (37, 40))]


def ramp(geometry: VolumeGeometry) -> np.ndarray:
    """KJI float32 voxels whose value is linear in their place in mm."""
    indices = np.stack(np.meshgrid(*map(np.arange, geometry.shape_ijk), indexing="ij"), axis=-1)
    return np.ascontiguousarray((geometry.ras(indices) @ GRADIENT).astype(np.float32).T)


def smooth(geometry: VolumeGeometry) -> np.ndarray:
    """KJI float32 voxels of waves much longer than a voxel."""
    i, j, k = np.meshgrid(*map(np.arange, geometry.shape_ijk), indexing="ij")
    return np.ascontiguousarray((np.sin(i / 5) + np.cos(j / 6) + np.sin(k / 4 + 1)).astype(np.float32).T)


def volume_of(voxels_kji, place) -> SourceVolume:
    return SourceVolume("ct", None, "", VolumeGeometry(voxels_kji.shape[::-1], place), voxels_kji)


def inner(voxels_kji, by=3):
    return voxels_kji[(slice(by, -by),) * 3]


def within(grid: VolumeGeometry, volume: VolumeGeometry, by: float) -> np.ndarray:
    """IJK mask of the grid's voxels that lie so many of the volume's voxels inside it."""
    indices = np.stack(np.meshgrid(*map(np.arange, grid.shape_ijk), indexing="ij"), axis=-1)
    places = volume.ijk(grid.ras(indices))
    return np.all((places >= by) & (places <= np.array(volume.shape_ijk) - 1 - by), axis=-1)


@pytest.mark.parametrize("place", PLACES, ids=["RAS", "oblique", "very oblique"])
@pytest.mark.parametrize("interpolation", ["linear", "bspline"])
@pytest.mark.parametrize("spacing", [(0.5, 0.5, 1.0), (1.05, 0.9, 2.5), (0, 0, 2), (1.4, 1.8, 3.1), (0.35, 1.35, 0)])
def test_a_ramp_stays_where_it_is(place, interpolation, spacing):
    geometry = VolumeGeometry((24, 23, 22), place)
    for orient in (None, "LPS", "SAR"):
        options = PrepareOptions(orient, spacing, None, interpolation)
        preparation = preparation_of(geometry, options)
        ready = preparation.image(volume_of(ramp(geometry), place))
        expected = ramp(ready.geometry)
        steps = ready.geometry.spacing
        asked = [size or kept for size, kept in zip(spacing, preparation.oriented.spacing, strict=True)]
        np.testing.assert_allclose(steps, asked, rtol=1e-9)
        # borders are mirrored by a B-spline: what that changes falls by 0.27 from voxel to voxel
        inside = within(ready.geometry, geometry, 9 if interpolation == "bspline" else 4).T
        assert inside.any()
        np.testing.assert_allclose(ready.voxels_kji[inside], expected[inside], rtol=0, atol=2e-4)


@pytest.mark.parametrize("size", [0.31, 0.5, 0.7, 1.0, 1.05, 1.4, 2.1, 3.3, 14])
def test_a_grid_begins_at_the_same_face_and_ends_within_half_a_voxel(size):
    geometry = VolumeGeometry(SHAPE, affine(spacing=SPACING))
    made = respaced(geometry, (size, 0, 0))
    first_face = geometry.ras((-0.5, 0, 0)), made.ras((-0.5, 0, 0))
    np.testing.assert_allclose(*first_face, atol=1e-9)
    missing = SHAPE[0] * SPACING[0] - made.shape_ijk[0] * size
    assert abs(missing) <= size / 2 + 1e-4
    # every centre lies inside the volume, so that nothing is invented
    assert geometry.ijk(made.ras((made.shape_ijk[0] - 1, 0, 0)))[0] < SHAPE[0] - 0.5
    assert made.shape_ijk[1:] == SHAPE[1:]


def test_the_same_size_changes_nothing():
    geometry = VolumeGeometry(SHAPE, affine(spacing=SPACING).astype(np.float32).astype(float))
    preparation = preparation_of(geometry, PrepareOptions(spacing=SPACING))
    assert preparation.grid.shape_ijk == SHAPE
    assert preparation.grid.corner_distance(geometry) < 1e-9
    values = np.random.default_rng(0).normal(size=SHAPE[::-1]).astype(np.float32)
    np.testing.assert_array_equal(preparation.image(volume_of(values, geometry.affine_ras)).voxels_kji, values)


def test_linear_values_are_scipys():
    values = np.random.default_rng(0).normal(0, 300, SHAPE[::-1]).astype(np.float32)
    geometry = VolumeGeometry(SHAPE, PLACES[1])
    preparation = preparation_of(geometry, PrepareOptions(spacing=(0.5, 0.45, 1.1)))  # finer: no smoothing
    ready = preparation.image(volume_of(values, PLACES[1]))
    indices = np.stack(np.meshgrid(*map(np.arange, ready.geometry.shape_ijk), indexing="ij"))
    places = nib.affines.apply_affine(np.linalg.inv(PLACES[1]) @ ready.geometry.affine_ras, np.moveaxis(indices, 0, -1))
    expected = ndimage.map_coordinates(values.T, np.moveaxis(places, -1, 0), order=1, mode="nearest")
    np.testing.assert_allclose(ready.voxels_kji.T, expected, atol=2e-3)


@pytest.mark.parametrize("interpolation", ["linear", "bspline"])
def test_values_are_those_of_simpleitk_in_the_patients_space(interpolation):
    """The same grid described to ITK in mm (LPS, origin, direction), instead of by indices."""
    values = np.random.default_rng(0).normal(0, 300, SHAPE[::-1]).astype(np.float32)
    place = PLACES[1]
    preparation = preparation_of(
        VolumeGeometry(SHAPE, place), PrepareOptions(spacing=(0.5, 1.5, 4), interpolation=interpolation)
    )
    ready = preparation.image(volume_of(values, place))
    sigma = smoothing_voxels(preparation.matrix)
    np.testing.assert_allclose(sigma * SPACING, preparation.record.resampled.smoothed_mm)
    smoothed = sitk.DiscreteGaussian(sitk.GetImageFromArray(values), (sigma**2).tolist(), 128, 0.001, False)
    placed(smoothed, place)
    target = placed(sitk.Image([int(n) for n in ready.geometry.shape_ijk], sitk.sitkFloat32), ready.geometry.affine_ras)
    kind = {"linear": sitk.sitkLinear, "bspline": sitk.sitkBSpline}[interpolation]
    expected = sitk.GetArrayFromImage(sitk.Resample(smoothed, target, sitk.Transform(), kind, 0.0))
    np.testing.assert_allclose(ready.voxels_kji, expected, atol=5e-3)


def placed(image, affine_ras):
    lps = RAS_TO_LPS @ affine_ras
    steps = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(steps.tolist())
    image.SetDirection((lps[:3, :3] / steps).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


def test_values_are_monais_on_the_same_grid():
    transforms, data = pytest.importorskip("monai.transforms"), pytest.importorskip("monai.data")
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).normal(0, 300, SHAPE[::-1]).astype(np.float32)
    place = PLACES[1]
    ready = preparation_of(VolumeGeometry(SHAPE, place), PrepareOptions(spacing=(0.5, 0.45, 1.1))).image(
        volume_of(values, place)
    )
    image = data.MetaTensor(torch.as_tensor(values.T.copy())[None], affine=torch.as_tensor(place))
    resample = transforms.SpatialResample(mode="bilinear", padding_mode="border", dtype=np.float64)
    found = resample(
        image, dst_affine=torch.as_tensor(ready.geometry.affine_ras.copy()), spatial_size=ready.geometry.shape_ijk
    )
    np.testing.assert_allclose(np.asarray(found)[0], ready.voxels_kji.T, atol=2e-3)


@pytest.mark.parametrize("interpolation", ["linear", "bspline"])
@pytest.mark.parametrize("factor", [0.6, 1.5])
def test_there_and_back_changes_a_smooth_volume_by_less_than_a_hundredth_inside(interpolation, factor):
    shape = (48, 44, 40)
    geometry = VolumeGeometry(shape, affine(spacing=(1, 1, 1)))
    i, j, k = np.meshgrid(*map(np.arange, shape), indexing="ij")
    values = np.ascontiguousarray((np.sin(i / 9) + np.cos(j / 8) + np.sin(k / 7)).astype(np.float32).T)
    preparation = preparation_of(geometry, PrepareOptions(spacing=(factor,) * 3, interpolation=interpolation))
    ready = preparation.image(volume_of(values, geometry.affine_ras))
    back = interpolated(ready.voxels_kji, np.linalg.inv(preparation.matrix), shape, "linear")
    error = np.abs(inner(back, 4) - inner(values, 4)).max() / np.ptp(values)
    assert error < 0.01, error


def test_integers_are_rounded_and_stay_in_their_type():
    values = np.zeros(SHAPE[::-1], np.uint8)
    values[5:, 6:, 7:] = 255  # an edge beside which a B-spline overshoots
    fine = preparation_of(
        VolumeGeometry(SHAPE, affine()), PrepareOptions(spacing=(0.3, 0.4, 0.9), interpolation="bspline")
    )
    made = fine.image(volume_of(values, affine())).voxels_kji
    assert made.dtype == np.uint8
    exact = fine.image(volume_of(values.astype(np.float64), affine())).voxels_kji
    assert exact.min() < -5
    assert exact.max() > 260
    np.testing.assert_array_equal(made, np.clip(np.rint(exact), 0, 255))


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint32", "int64", "uint64", "float64"])
def test_every_type_keeps_its_largest_values(dtype):
    limits = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else np.finfo(dtype)
    values = np.full((6, 5, 4), limits.max, dtype)
    values[3:] = limits.min
    for interpolation in ("linear",):
        found = interpolated(values, np.diag([0.5, 0.5, 0.5, 1.0]), (8, 10, 12), interpolation)
        assert found.dtype == values.dtype
        assert found[0, 0, 0] == limits.max
        assert found[-1, -1, -1] == limits.min
    np.testing.assert_array_equal(nearest(values, np.eye(4), (4, 5, 6)), values)


def test_labels_take_the_nearest_voxel_and_the_lower_one_half_way():
    values = np.arange(10, dtype=np.uint8).reshape(1, 1, 10).repeat(2, 0).repeat(2, 1)
    geometry = VolumeGeometry((10, 2, 2), np.diag([0.7, 1, 1, 1]))
    found = {}
    for size in (1.4, 2.1, 0.35):
        preparation = preparation_of(geometry, PrepareOptions(spacing=(size, 0, 0)))
        found[size] = preparation.label(volume_of(values, geometry.affine_ras)).voxels_kji[0, 0].tolist()
    assert found[1.4] == [0, 2, 4, 6, 8]
    assert found[2.1] == [1, 4, 7]
    assert found[0.35] == [n // 2 for n in range(20)]


def test_finer_labels_come_back_as_they_were():
    labels = np.random.default_rng(3).integers(0, 5, SHAPE[::-1], np.uint8)
    for size in (0.7, 0.5, 0.31):
        spacing = tuple(size * step for step in SPACING)
        preparation = preparation_of(VolumeGeometry(SHAPE, PLACES[2]), PrepareOptions(spacing=spacing))
        fine = preparation.label(volume_of(labels, PLACES[2])).voxels_kji
        back = nearest(fine, np.linalg.inv(preparation.matrix), SHAPE)
        np.testing.assert_array_equal(back, labels)


def test_another_volumes_grid_is_taken_exactly_and_what_lies_outside_is_filled(tmp_path):
    geometry = VolumeGeometry(SHAPE, PLACES[1])
    reference = affine(spacing=(0.7, 0.8, 1.9), oblique=30)
    reference[:3, 3] += geometry.ras((10, 8, 7)) - nib.affines.apply_affine(reference, (14, 6, 6))
    path = save_nifti(tmp_path / "reference.nii", np.zeros((25, 16, 13), np.int16), reference)
    stated = nib.load(path).affine
    preparation = preparation_of(geometry, PrepareOptions(like=str(path)), outside=-7)
    ready = preparation.image(volume_of(ramp(geometry), PLACES[1]))
    np.testing.assert_array_equal(ready.geometry.affine_ras, stated)
    deep, beyond = within(ready.geometry, geometry, 3), ~within(ready.geometry, geometry, -0.51)
    assert deep.any()
    assert beyond.any()
    np.testing.assert_allclose(ready.voxels_kji.T[deep], ramp(ready.geometry).T[deep], atol=1e-4)
    np.testing.assert_array_equal(ready.voxels_kji.T[beyond], -7)
    labels = preparation.label(volume_of(np.ones(SHAPE[::-1], np.uint8), PLACES[1])).voxels_kji.T
    assert not labels[beyond].any()
    assert labels[deep].all()


def test_a_grid_beside_the_volume_is_refused(tmp_path):
    path = save_nifti(tmp_path / "else.nii", np.zeros((5, 5, 5), np.int16), affine(origin=(4000, 0, 0)))
    with pytest.raises(RequestError, match=r"The grid of else\.nii lies beside the volume"):
        preparation_of(VolumeGeometry(SHAPE, affine()), PrepareOptions(like=str(path)))


def test_one_slice_is_not_resampled_through(tmp_path):
    flat = VolumeGeometry((8, 8, 1), affine())
    with pytest.raises(RequestError, match="one voxel thick along k"):
        preparation_of(flat, PrepareOptions(spacing=(1, 1, 1)))
    assert preparation_of(flat, PrepareOptions(spacing=(1, 1, 0))).grid.shape_ijk[2] == 1


def test_nan_is_not_spread_by_b_splines():
    values = ramp(VolumeGeometry(SHAPE, affine()))
    values[3, 3, 3] = np.nan
    preparation = preparation_of(
        VolumeGeometry(SHAPE, affine()), PrepareOptions(spacing=(0.5,) * 3, interpolation="bspline")
    )
    with pytest.raises(InputError, match=r"NaN or infinity.*choose interpolation='linear'"):
        preparation.image(volume_of(values, affine()))


def test_what_does_not_fit_into_memory_is_refused_before(monkeypatch):
    monkeypatch.setattr(resampled, "available_memory", lambda: 10**9)
    preparation = preparation_of(VolumeGeometry(SHAPE, affine()), PrepareOptions(spacing=(0.01,) * 3))
    with pytest.raises(
        InputError, match=r"resampled to 1400 x 1530 x 3500 voxels needs 60\.0 GB of memory, but only 1\.0"
    ):
        preparation.image(volume_of(ramp(VolumeGeometry(SHAPE, affine())), affine()))


def test_a_recorded_grid_or_smoothing_that_does_not_follow_from_the_source_is_refused():
    geometry = VolumeGeometry(SHAPE, affine())
    record = preparation_of(geometry, PrepareOptions("LPS", (1.5, 0, 2))).record
    recorded_preparation(geometry, record)
    shifted = VolumeGeometry(
        record.geometry.shape_ijk,
        record.geometry.affine_ras @ np.array([[1, 0, 0, 0.01], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    )
    with pytest.raises(InputError, match=r"grid of the prepared volume is 0\.01"):
        recorded_preparation(geometry, replace(record, geometry=shifted))
    how = replace(record.resampled, smoothed_mm=(0.0, 0.0, 0.0))
    with pytest.raises(InputError, match="smoothing"):
        recorded_preparation(geometry, replace(record, resampled=how))


@pytest.mark.parametrize("given", ["1,2", "a", "", "-1", "0", "0,0,0", "inf", "nan", (1, 2), None, "1,2,3,4"])
def test_senseless_spacings_are_refused(given):
    with pytest.raises(RequestError, match="The spacing must be one number of mm, or three") as caught:
        spacing_of(given)
    assert caught.value.option == "spacing"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"like": "a.nii", "spacing": (1, 1, 1)}, "like= takes the whole grid of another volume, and spacing= would"),
        ({"like": "a.nii", "orient": "RAS"}, "and orient= would change it"),
        ({"interpolation": "linear"}, "interpolation= is for spacing= and like="),
        ({"interpolation": "cubic", "spacing": (1, 1, 1)}, "interpolation cannot be 'cubic'"),
    ],
)
def test_contradictions_are_refused(options, sentence):
    with pytest.raises(RequestError, match=sentence):
        PrepareOptions(**options)


def on_the_grid_of(values, place, grid, folder):
    """Our values on another program's grid, given as (shape, affine)."""
    shape, stated = grid
    reference = folder / "grid.nii"
    nib.save(nib.Nifti1Image(np.zeros(shape, np.uint8), stated), reference)
    preparation = preparation_of(VolumeGeometry(SHAPE, place), PrepareOptions(like=str(reference)))
    return preparation.image(volume_of(values, place))


def test_on_monais_grid_values_are_those_of_its_spacing(tmp_path):
    transforms, data = pytest.importorskip("monai.transforms"), pytest.importorskip("monai.data")
    torch = pytest.importorskip("torch")
    values, place = smooth(VolumeGeometry(SHAPE, PLACES[1])), PLACES[1]
    image = data.MetaTensor(torch.as_tensor(values.T.copy())[None], affine=torch.as_tensor(place))
    space = transforms.Spacingd(
        "image", pixdim=(0.5, 0.45, 1.1), mode="bilinear", padding_mode="border", dtype=np.float64
    )
    found = space({"image": image})["image"]
    grid = tuple(found.shape[1:]), np.asarray(found.affine)
    ours = on_the_grid_of(values, place, grid, tmp_path)
    inside = within(ours.geometry, VolumeGeometry(SHAPE, place), 0)
    assert inside.mean() > 0.8
    np.testing.assert_allclose(ours.voxels_kji.T[inside], np.asarray(found)[0][inside], atol=2e-4)


def test_on_torchios_grid_values_are_those_of_its_resample(tmp_path):
    tio = pytest.importorskip("torchio")
    torch = pytest.importorskip("torch")
    values, place = smooth(VolumeGeometry(SHAPE, PLACES[1])), PLACES[1]
    image = tio.ScalarImage(tensor=torch.as_tensor(values.T.copy())[None], affine=place)
    found = tio.Resample((0.5, 0.45, 1.1), image_interpolation="linear")(image)
    ours = on_the_grid_of(values, place, (tuple(found.spatial_shape), np.asarray(found.affine)), tmp_path)
    inside = within(ours.geometry, VolumeGeometry(SHAPE, place), 0)
    assert inside.mean() > 0.7
    np.testing.assert_allclose(ours.voxels_kji.T[inside], found.numpy()[0][inside], atol=2e-4)
