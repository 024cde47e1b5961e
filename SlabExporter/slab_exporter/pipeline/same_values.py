"""Finished slabs against what they were cut from, also where values were computed by another version of a library."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core.errors import VerificationError
from ..core.manifest import Manifest, SlabRecord
from ..core.volume import SourceVolume
from ..dicom.writing.readback import source_box
from ..mrml.runtime import SlicerRuntime
from ..prepare.resampled import resampler_version
from .formats.table import kind_of

# Of the range of an image's values: what the order of additions changes in float32.
_ROUNDING = 1e-5


class SlabComparison:
    """Comparison of the slabs of an image or of a label set with the volume that they were cut from.

    Args:
        runtime: Slicer's classes.
        manifest: of the case.
        source: the volume, made ready again as it was cut.
        is_label: whether it is a label map, whose values are never computed.
    """

    def __init__(self, runtime: SlicerRuntime, manifest: Manifest, source: SourceVolume, is_label: bool) -> None:
        self._runtime, self._manifest, self._source = runtime, manifest, source
        prepared = manifest.prepared
        made_by = manifest.created_with.get("simpleitk")
        computed = prepared is not None and prepared.resampled is not None and not is_label
        self._other = made_by if computed and made_by != resampler_version() else None
        self.note: str | None = None

    def require_equal(self, path: Path, slab: SlabRecord, fill: float) -> None:
        """Compare a slab: bit for bit, or within rounding where another version computed the values.

        Raises:
            VerificationError: with the first difference found.
        """
        kind = kind_of(path)
        try:
            kind.verify(path, self._source, slab.box, fill, self._manifest.plan)
        except VerificationError:
            if self._other is None or self._source.frames is not None:
                raise
            kind.verify_place(path, self._source.geometry.cropped(slab.box))
            allowed = self._allowed() + self._manifest.plan.largest_error
            found = kind.read(self._runtime, path, slab.geometry).astype(np.float64)
            expected = source_box(self._source.voxels_kji, self._source.geometry.box, slab.box, fill)
            if not np.allclose(found, expected, rtol=0, atol=allowed, equal_nan=True):
                raise
            self.note = (
                f"values were resampled by SimpleITK {self._other}, now {resampler_version()}: they agree within "
                f"{allowed:.3g}, not bit for bit"
            )

    def _allowed(self) -> float:
        voxels = self._source.voxels_kji
        if voxels.dtype.kind in "iu":
            return 1.0
        finite = voxels[np.isfinite(voxels)]
        return _ROUNDING * float(np.ptp(finite)) if finite.size else 0.0
