"""How the slabs of one case get into files: a volume file through Slicer, or a folder of DICOM images.

``case_writer`` knows slabs and threads; what a format needs is here, one function a step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import __version__
from ..core.geometry import Box, VolumeGeometry
from ..core.options import ExportRequest
from ..core.planning import Slab, SlabPlan
from ..core.volume import SourceVolume
from ..dicom.writing.case_header import CaseHeader, case_header
from ..dicom.writing.readback import (
    read_segmentation,
    read_slab_folder,
    source_box,
    verify_segmentation,
    verify_slab_folder,
)
from ..dicom.writing.segmentation import can_write_segmentations, write_segmentation
from ..dicom.writing.segments import Segment, segments_of
from ..dicom.writing.slab_series import SlabSeries, folder_sha256, write_slab_folder
from ..files.disk import file_sha256
from ..files.readback import image_geometry, read_image, verify_file, verify_geometry
from ..files.slab_files import FinishedFile, finish_slab
from ..mrml.nodes import voxels_kji
from ..mrml.runtime import SlicerRuntime
from ..mrml.volume_files import write_uncompressed

DICOM = "dicom"


@dataclass(frozen=True)
class CaseFormat:
    """The format of a case's files.

    Attributes:
        request: format, compression, verification.
        plan: of the case.
        header: what DICOM slabs have in common; None for volume files.
        segments: for DICOM, the segments of each label set by its name; none where they are not
            written as DICOM.
        warnings: what a user should know about the files.
    """

    request: ExportRequest
    plan: SlabPlan
    header: CaseHeader | None = None
    segments: dict[str, tuple[Segment, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def suffix(self, label: str | None) -> str:
        """What the name of a slab ends with (``label`` None: of an image); a folder of images has no extension."""
        if self.header is None:
            return f".{self.request.format}"
        if label is None:
            return ""
        return ".dcm" if label in self.segments else LABELS_BESIDE_DICOM

    def series(self, slab: Slab) -> SlabSeries:
        """A slab as a DICOM series."""
        assert self.header is not None
        geometry = self.plan.geometry.cropped(slab.box)
        return SlabSeries(self.header, slab.index, len(self.plan.slabs), slab.box, geometry)

    def record(self) -> dict[str, Any]:
        """What the manifest's plan says of it."""
        if self.header is None:
            return {}
        form = self.header.form
        return {
            DICOM: {
                "sop_class": self.header.image_class.name,
                "modality": self.header.modality,
                "chosen_because": self.header.why,
                "study_instance_uid": self.header.study_uid,
                "frame_of_reference_uid": self.header.frame_of_reference_uid,
                "rescale_slope": form.slope,
                "rescale_intercept": form.intercept,
                "largest_error": form.largest_error,
                "segments": {
                    label: [{"number": s.number, "value": s.value, "name": s.name} for s in segments]
                    for label, segments in self.segments.items()
                },
            }
        }


# Label slabs beside DICOM images, where they are not written as DICOM SEG
LABELS_BESIDE_DICOM = ".nii.gz"


def case_format(
    case: str, image: SourceVolume, labels: dict[str, SourceVolume], plan: SlabPlan, fill: float, request: ExportRequest
) -> CaseFormat:
    """The format that the request asks for.

    Raises:
        SlabExporterError: the volume cannot be written so, or a package is missing.
    """
    if request.format != DICOM:
        return CaseFormat(request, plan)
    header = case_header(case, image, fill if plan.needs_padding else None, request.dicom, __version__)
    warnings = list(header.warnings)
    segments: dict[str, tuple[Segment, ...]] = {}
    for name, label in labels.items():
        if not can_write_segmentations():
            warnings.append(
                f"The label slabs '{name}' are written as NIfTI: DICOM SEG needs the package highdicom "
                "(pip install 'slab-exporter[dicom-seg]')."
            )
            continue
        found = segments_of(label, request.dicom.segments)
        if found:
            segments[name] = found
        else:
            warnings.append(f"The label slabs '{name}' are written as NIfTI: the label map is empty, DICOM SEG is not.")
    return CaseFormat(request, plan, header, segments, tuple(warnings))


def stage(runtime: SlicerRuntime, cut: Any, scratch: Path, name: str, form: CaseFormat, label: str | None) -> Any:
    """Take a cut slab out of Slicer, so that a worker can finish it without Slicer.

    Args:
        runtime: whose scene holds ``cut``.
        cut: the slab's volume node, which will be gone.
        scratch: folder for unfinished files.
        name: distinct among them.
        form: of the case.
        label: the label set's name, None for the image.

    Returns:
        Path of an uncompressed file, or for DICOM the voxels (KJI).
    """
    if form.suffix(label) in ("", ".dcm"):
        return np.array(voxels_kji(cut))
    raw = scratch / f"{name}{'.nrrd' if form.suffix(label) == '.nrrd' else '.nii'}"
    write_uncompressed(runtime, cut, raw)
    return raw


def finish(
    staged: Any,
    final: Path,
    scratch: Path,
    source: SourceVolume,
    slab: Slab,
    fill: float,
    form: CaseFormat,
    label: str | None,
) -> FinishedFile:
    """Turn what ``stage`` returned into the finished slab.

    Raises:
        SlabExporterError: it could not be written, or is not what it should be.
    """
    verify = form.request.verify
    if isinstance(staged, Path):
        return finish_slab(staged, final, source, slab.box, fill, form.request.compression, verify)
    if label is not None:
        segments = form.segments[label]
        unfinished = scratch / f"{label}-{final.name}"
        return write_segmentation(form.series(slab), label, staged, segments, unfinished, final, verify)
    return write_slab_folder(form.series(slab), staged, scratch / final.name, final, fill, verify)


def slab_sha256(path: Path) -> str:
    """Check sum of a finished slab, file or folder."""
    return folder_sha256(path) if path.is_dir() else file_sha256(path)


def is_dicom_slab(path: Path) -> bool:
    """Whether a slab of an export is a folder of DICOM images, or a DICOM segmentation."""
    return path.is_dir() or path.suffix == ".dcm"


def read_dicom_slab(path: Path, geometry: VolumeGeometry) -> npt.NDArray:
    """The voxels (KJI) of an export's own DICOM slab, in the slab's index order.

    Args:
        path: folder of images, or segmentation.
        geometry: of the slab, as the manifest records it.

    Raises:
        VerificationError: it lies elsewhere.
    """
    return read_slab_folder(path, geometry) if path.is_dir() else read_segmentation(path, geometry, path.name)


def verify_slab(path: Path, source: SourceVolume, box: Box, fill: float, plan: dict[str, Any]) -> None:
    """Compare a finished slab with its source.

    Args:
        path: of the slab.
        source: what it was cut from.
        box: its box in IJK of the source.
        fill: value of voxels outside.
        plan: as the manifest records it.

    Raises:
        VerificationError: with the first difference found.
    """
    if path.is_dir():
        error = float(plan.get(DICOM, {}).get("largest_error", 0.0))
        verify_slab_folder(path, source.voxels_kji, source.geometry, box, fill, error)
    elif path.suffix == ".dcm":
        labels = source_box(source.voxels_kji, source.geometry.box, box, fill)
        verify_segmentation(path, labels, source.geometry.cropped(box), path.name)
    else:
        verify_file(path, source.voxels_kji, source.geometry, box, fill)


def verify_slab_place(path: Path, planned: VolumeGeometry) -> None:
    """Check that a slab whose source is gone lies where it should.

    Raises:
        VerificationError: it does not.
    """
    if is_dicom_slab(path):
        read_dicom_slab(path, planned)
    else:
        verify_geometry(path.name, image_geometry(read_image(path)), planned)
