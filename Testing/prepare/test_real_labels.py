"""Real label maps there and back at 1.5 times the spacing: what is lost is what their thickness lets expect."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.core.options import PrepareOptions
from slab_exporter.core.volume import SourceVolume
from slab_exporter.prepare.preparation import preparation_of
from slab_exporter.prepare.resampled import nearest

# With the Dice coefficient of all labels of the map together.
MAPS = {
    "nifti/ct_totalseg/example_ct_labels.nii.gz": 0.87,
    "dicom_ref/ct_siemens_biograph_j2k_labels.nii.gz": 0.98,
    "nifti/papaya/Talairach_labels_1mm.nii.gz": 0.99,
}


def there_and_back(labels_kji, affine_ras, factor):
    geometry = VolumeGeometry(labels_kji.shape[::-1], affine_ras)
    preparation = preparation_of(geometry, PrepareOptions(spacing=tuple(factor * geometry.spacing)))
    cut = preparation.label(SourceVolume("labels", None, "", geometry, labels_kji)).voxels_kji
    return nearest(cut, np.linalg.inv(preparation.matrix), geometry.shape_ijk, ties_down=False)


def dice(one, other) -> float:
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def thickness(mask) -> float:
    """Edge in voxels of the cube with the same volume per surface."""
    faces = sum(np.count_nonzero(np.diff(np.pad(mask, 1).astype(np.int8), axis=axis)) for axis in range(3))
    return 6 * np.count_nonzero(mask) / faces


@pytest.mark.parametrize("name", MAPS)
def test_real_labels_lose_what_their_thickness_lets_expect(real_data, name):
    image = nib.load(real_data / name)
    labels = np.ascontiguousarray(np.squeeze(np.asanyarray(image.dataobj)).astype(np.int16).T)
    np.testing.assert_array_equal(there_and_back(labels, image.affine, 0.6), labels)
    back = there_and_back(labels, image.affine, 1.5)
    found = {value: (thickness(labels == value), dice(labels == value, back == value)) for value in _largest(labels)}
    assert set(np.unique(back)) <= set(np.unique(labels))
    for value, (thick, overlap) in found.items():
        assert overlap > 1 - 1.5 / thick, (value, thick, overlap)
    assert dice(labels > 0, back > 0) > MAPS[name]
    thick = [overlap for width, overlap in found.values() if width > 20]
    assert not thick or np.median(thick) > 0.98


def _largest(labels, most=40):
    values, counts = np.unique(labels[labels > 0], return_counts=True)
    return values[np.argsort(-counts)][:most].tolist()
