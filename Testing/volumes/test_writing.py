"""A whole volume that is written is judged by voxels that tell something."""

from __future__ import annotations

import numpy as np
import pytest
from slab_exporter.core.errors import VerificationError
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.core.volume import SourceVolume
from slab_exporter.files.encodings.nifti import Nifti
from slab_exporter.files.nifti import HEADER_DTYPE, HEADER_SIZE
from slab_exporter.volumes import writing
from support.phantoms import affine


@pytest.mark.parametrize("spoiled", [False, True])
def test_a_wrong_scale_is_found_out_behind_empty_planes(runtime, tmp_path, monkeypatch, spoiled):
    """As in a stitched prediction, whose first planes hold nothing."""
    voxels = np.zeros((9, 600, 500), np.float32)
    voxels[6, 3, 2] = 1.5

    def described(self, header, source, box):
        fields = np.frombuffer(header[:HEADER_SIZE], HEADER_DTYPE)[0].copy()
        fields["scl_slope"] = 2 if spoiled else 1
        return fields.tobytes() + header[HEADER_SIZE:]

    monkeypatch.setattr(Nifti, "described", described)
    monkeypatch.setattr(writing, "planes_at_a_time", lambda _: 2)
    volume = SourceVolume("a", None, "", VolumeGeometry((500, 600, 9), affine()), voxels)
    path = tmp_path / "a.nii.gz"
    if not spoiled:
        writing.write_volume(runtime, volume, path)
        return
    with pytest.raises(VerificationError, match="voxels differ"):
        writing.write_volume(runtime, volume, path)
    assert not path.exists()
