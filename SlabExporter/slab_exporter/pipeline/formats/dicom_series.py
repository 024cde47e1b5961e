"""Slabs as DICOM series: a folder of images a slab, with label sets as DICOM SEG beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from ... import __version__
from ...core.geometry import Box, VolumeGeometry
from ...core.planning import SlabPlan
from ...core.records import PlanRecord
from ...core.text import Package, Sentence
from ...core.volume import SourceVolume
from ...dicom.writing.case_header import CaseHeader, case_header
from ...dicom.writing.readback import read_slab_folder, verify_slab_folder
from ...dicom.writing.segmentation import can_write_segmentations
from ...dicom.writing.segments import Segment, segments_of
from ...dicom.writing.slab_series import SlabSeries, folder_sha256, write_slab_folder
from ...files.encodings.table import ENCODINGS
from ...files.slab_files import FinishedFile, UnfinishedSlab
from ...mrml.runtime import SlicerRuntime
from .dicom_segmentation import DicomSegmentation
from .slab_format import CaseContents, CaseFormat, CutSlab, SlabFormat
from .volume_file import VolumeFile

# Label slabs beside DICOM images, where they are not written as DICOM SEG
LABELS_BESIDE_IMAGES = ".nii.gz"


@dataclass(frozen=True)
class DicomSeries(SlabFormat):
    """A folder of images a slab.

    Attributes:
        header: what the slabs of the case have in common.
        plan: of the case.
    """

    header: CaseHeader
    plan: SlabPlan

    @classmethod
    def of_case(cls, case: CaseContents) -> CaseFormat:
        """Return this format for the images, DICOM SEG or NIfTI for the labels.

        Raises:
            SlabExporterError: the volume cannot be written so.
        """
        fill = case.fill if case.plan.needs_padding else None
        header = case_header(case.name, case.image, fill, case.request.dicom, __version__, case.channel)
        images = cls(header, case.plan)
        beside = VolumeFile(ENCODINGS[LABELS_BESIDE_IMAGES], case.request.compression)
        warnings, segments = list(header.warnings), {}
        labels: dict[str, SlabFormat] = {}
        for name, label in case.labels.items():
            found, why_not = _segments(label, case.request.dicom.segments)
            if why_not is None:
                segments[name] = found
                labels[name] = DicomSegmentation(images.series, name, found)
            else:
                labels[name] = beside
                warnings.append(Sentence(f"The label slabs '{name}' are written as NIfTI: ", why_not))
        of_channels = {}
        for name, (image, own) in case.channels.items():
            padding = own if case.plan.needs_padding else None
            of_channels[name] = case_header(case.name, image, padding, case.request.dicom, __version__, name, header)
            warnings += of_channels[name].warnings
        return CaseFormat(
            images,
            labels,
            _record(header, segments),
            tuple(dict.fromkeys(warnings)),
            channels={name: cls(own, case.plan) for name, own in of_channels.items()},
            dicom_of={name: _record(own, {}) for name, own in of_channels.items()},
        )

    @property
    def suffix(self) -> str:
        """A folder's name has no extension."""
        return ""

    def series(self, slab: UnfinishedSlab) -> SlabSeries:
        """Return a slab as a DICOM series."""
        geometry = self.plan.geometry.cropped(slab.box)
        return SlabSeries(self.header, slab.index, len(self.plan.all_slabs), slab.box, geometry, self.plan.kind)

    def stage(self, runtime: SlicerRuntime, cut: CutSlab, scratch: Path, name: str) -> npt.NDArray:
        """Return the voxels (KJI)."""
        return cut.voxels_kji

    def finish(self, staged: npt.NDArray, slab: UnfinishedSlab) -> FinishedFile:
        """Write the images; GDCM and pydicom read every one of them back."""
        unfinished = slab.scratch / f"{slab.final.parent.name}-{slab.final.name}"
        return write_slab_folder(self.series(slab), staged, unfinished, slab.final, slab.fill, slab.verify)

    @classmethod
    def holds(cls, path: Path) -> bool:
        """A folder is one."""
        return path.is_dir()

    @classmethod
    def read(cls, runtime: SlicerRuntime, path: Path, geometry: VolumeGeometry) -> npt.NDArray:
        """Rescaled values; K runs as the manifest says."""
        return read_slab_folder(path, geometry)

    @classmethod
    def verify(cls, path: Path, source: SourceVolume, box: Box, fill: float, plan: PlanRecord) -> None:
        """Compare with what GDCM reads, within the rounding that was announced."""
        verify_slab_folder(path, source.voxels_kji, source.geometry, box, fill, plan.largest_error)

    @classmethod
    def verify_place(cls, path: Path, geometry: VolumeGeometry) -> None:
        """Compare with where GDCM and pydicom place it."""
        read_slab_folder(path, geometry)

    @classmethod
    def checksum(cls, path: Path) -> str:
        """Over the sorted check sums of its files."""
        return folder_sha256(path)

    @classmethod
    def shortfall(cls, path: Path, geometry: VolumeGeometry) -> str | None:
        """Images that are missing, or too many."""
        images, planned = len(list(path.glob("*.dcm"))), geometry.shape_ijk[2]
        return None if images == planned else f"has {images} images instead of {planned}"


def _segments(label: SourceVolume, table: str | None) -> tuple[tuple[Segment, ...], str | None]:
    """(segments of a label map, why it cannot be a DICOM SEG)."""
    if not can_write_segmentations():
        package = Package("highdicom", "'slab-exporter[dicom-seg]'")
        return (), Sentence("DICOM SEG needs the package highdicom: ", package, ".")
    found = segments_of(label, table)
    return found, None if found else "the label map is empty, DICOM SEG is not."


def _record(header: CaseHeader, segments: Mapping[str, tuple[Segment, ...]]) -> dict[str, Any]:
    """What the manifest's plan says of it."""
    form = header.form
    return {
        "sop_class": header.image_class.name,
        "modality": header.modality,
        "chosen_because": header.why,
        "study_instance_uid": header.study_uid,
        "frame_of_reference_uid": header.frame_of_reference_uid,
        "rescale_slope": form.slope,
        "rescale_intercept": form.intercept,
        "largest_error": form.largest_error,
        "segments": {
            label: [{"number": s.number, "value": s.value, "name": s.name} for s in found]
            for label, found in segments.items()
        },
    }
