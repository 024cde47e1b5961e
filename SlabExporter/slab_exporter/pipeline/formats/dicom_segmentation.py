"""Label slabs as DICOM SEG objects, which refer to the images of their slab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy.typing as npt

from ...core.geometry import Box, VolumeGeometry
from ...core.records import PlanRecord
from ...core.volume import SourceVolume
from ...dicom.writing.readback import read_segmentation, source_box, verify_segmentation
from ...dicom.writing.segmentation import write_segmentation
from ...dicom.writing.segments import Segment
from ...dicom.writing.slab_series import SlabSeries
from ...files.disk import file_sha256
from ...files.slab_files import FinishedFile, UnfinishedSlab
from ...mrml.runtime import SlicerRuntime
from .slab_format import CutSlab, SlabFormat

EXTENSION = ".dcm"


@dataclass(frozen=True)
class DicomSegmentation(SlabFormat):
    """A DICOM SEG object a slab.

    Attributes:
        series: gives a slab's images.
        label: the label set's name.
        segments: of the whole case; at least one.
    """

    series: Callable[[UnfinishedSlab], SlabSeries]
    label: str
    segments: tuple[Segment, ...]

    @property
    def suffix(self) -> str:
        """That of DICOM files."""
        return EXTENSION

    def stage(self, runtime: SlicerRuntime, cut: CutSlab, scratch: Path, name: str) -> npt.NDArray:
        """Return the label values (KJI)."""
        return cut.voxels_kji

    def finish(self, staged: npt.NDArray, slab: UnfinishedSlab) -> FinishedFile:
        """Let highdicom write it; pydicom reads it back."""
        unfinished = slab.scratch / f"{self.label}-{slab.final.name}"
        series = self.series(slab)
        return write_segmentation(series, self.label, staged, self.segments, unfinished, slab.final, slab.verify)

    @classmethod
    def holds(cls, path: Path) -> bool:
        """A single DICOM file is one."""
        return path.suffix == EXTENSION and not path.is_dir()

    @classmethod
    def read(cls, runtime: SlicerRuntime, path: Path, geometry: VolumeGeometry) -> npt.NDArray:
        """Label values (int64) on the slab's grid."""
        return read_segmentation(path, geometry, path.name)

    @classmethod
    def verify(cls, path: Path, source: SourceVolume, box: Box, fill: float, plan: PlanRecord) -> None:
        """Compare every frame's place and every voxel."""
        labels = source_box(source.voxels_kji, source.geometry.box, box, fill)
        verify_segmentation(path, labels, source.geometry.cropped(box), path.name)

    @classmethod
    def verify_place(cls, path: Path, geometry: VolumeGeometry) -> None:
        """Compare every frame's place."""
        read_segmentation(path, geometry, path.name)

    @classmethod
    def checksum(cls, path: Path) -> str:
        """Of the file."""
        return file_sha256(path)
