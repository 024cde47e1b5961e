"""The panel's settings and the request that they make; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field

from slab_exporter.core.errors import RequestError
from slab_exporter.core.options import (
    AxisName,
    Compression,
    DataSetOptions,
    DicomOptions,
    ExportRequest,
    Format,
    Remainder,
    SlabOptions,
)
from slab_exporter.core.options.prepare import made_ready
from slab_exporter.core.pieces.keeping import Keep, KeepOptions
from slab_exporter.core.pieces.limiting import CropTo, LimitOptions
from slab_exporter.core.pieces.shape import slab_options


@dataclass(frozen=True)
class DicomTexts:
    """Texts of DICOM slabs as the user typed them; empty for what the source says, or a placeholder."""

    modality: str = ""
    patient_name: str = ""
    patient_id: str = ""
    study_description: str = ""


@dataclass(frozen=True)
class PanelSettings:
    """The panel's settings, in the request's words.

    Attributes:
        thickness: in ``unit``.
        unit: "slices" or "mm".
        block: size of blocks along i, j, k in ``unit`` (voxels for "slices"); empty for slabs. Thickness and axis are
            then not used.
        cut_at: indices of slices at which slabs begin; empty for equal slabs. Thickness and remainder are then
            not used.
        crop: write one piece; thickness, axis, block, overlap and remainder are then not used.
        fill: a number, or "auto".
        min_percent: with ``keep``, the part of a piece's voxels that must be such, in percent; 0 for a single voxel.
        crop_to: "labels", "body" or "nothing".
        margin: in mm, with ``crop_to``.
        orient: letters that i, j, k shall point to; empty for the volume's order.
        spacing: mm of a voxel along i, j, k; empty for the volume's.
        dicom: used for DICOM alone.
        nnunet_id: number of nnU-Net's data set, as which the folder is laid out too; 0 for no such layout.
        nnunet_name: its name.
        output: folder; empty if none is chosen.
        name: of the case; empty for the volume node's name.
        replace: folder of the case that may be replaced; empty for none.
        frames: of a sequence those that are cut together; None for the one that is shown, and for a single volume.

    The others are as in ``SlabOptions`` and ``ExportRequest``.
    """

    thickness: float = 64
    unit: str = "slices"
    axis: AxisName = "axial"
    block: str = ""
    cut_at: str = ""
    crop: bool = False
    overlap: int = 0
    remainder: Remainder = "keep"
    fill: str = "auto"
    keep: Keep = "all"
    min_percent: float = 0
    crop_to: CropTo | str = "nothing"
    margin: float = 0
    orient: str = ""
    spacing: str = ""
    format: Format = "nii.gz"
    compression: Compression = "fast"
    dicom: DicomTexts = field(default_factory=DicomTexts)
    nnunet_id: int = 0
    nnunet_name: str = ""
    output: str = ""
    name: str = ""
    replace: str = ""
    frames: str | None = None


def request_of(settings: PanelSettings) -> ExportRequest:
    """Return the library's request for the panel's settings.

    Raises:
        RequestError: a setting is out of range, or settings contradict each other.
    """
    crops = settings.crop_to != "nothing"
    if settings.frames == "":
        raise RequestError("Type which frames are cut: a range such as 0:10, or a list such as 0,3,7.", option="frames")
    return ExportRequest(
        slabs=_slab_options(settings),
        format=settings.format,
        compression=settings.compression,
        keep=KeepOptions(settings.keep, _fraction(settings)),
        limit=LimitOptions(settings.crop_to, settings.margin or None) if crops else LimitOptions(),  # type: ignore[arg-type]
        prepare=made_ready(settings.orient.strip() or None, settings.spacing.strip() or None, None, None),
        dicom=_dicom_options(settings.dicom) if settings.format == "dicom" else DicomOptions(),
        frames=settings.frames,
    )


def data_set_of(settings: PanelSettings) -> DataSetOptions:
    """Return how the folder's cases are laid out for other programs.

    Raises:
        RequestError: nnU-Net's data set has no name, or one that it does not know.
    """
    if settings.nnunet_id == 0:
        return DataSetOptions()
    return DataSetOptions(layout="nnunet", dataset_id=settings.nnunet_id, dataset_name=settings.nnunet_name.strip())


def _fraction(settings: PanelSettings) -> float | None:
    return None if settings.keep == "all" or settings.min_percent == 0 else settings.min_percent / 100


def _dicom_options(texts: DicomTexts) -> DicomOptions:
    return DicomOptions(
        modality=texts.modality.strip() or None,
        patient_name=texts.patient_name.strip() or None,
        patient_id=texts.patient_id.strip() or None,
        study_description=texts.study_description.strip() or None,
    )


def _slab_options(settings: PanelSettings) -> SlabOptions:
    in_mm, blocks = settings.unit == "mm", settings.block.strip()
    fill = fill_of(settings.fill)
    if settings.crop:
        return slab_options(fill=fill, crop=True)
    if blocks:
        sizes = {"block_mm" if in_mm else "block": blocks}
        return slab_options(overlap=settings.overlap, remainder=settings.remainder, fill=fill, **sizes)
    if settings.cut_at.strip():
        return slab_options(axis=settings.axis, overlap=settings.overlap, fill=fill, cut_at=settings.cut_at)
    return SlabOptions(
        thickness=64 if in_mm else int(settings.thickness),
        thickness_mm=float(settings.thickness) if in_mm else None,
        axis=settings.axis,
        overlap=settings.overlap,
        remainder=settings.remainder,
        fill=fill,
    )


def fill_of(text: str) -> float | None:
    """Return the fill value that a user typed; None for "auto" and for nothing.

    Raises:
        RequestError: it is not a number.
    """
    if text.strip().lower() in ("", "auto"):
        return None
    try:
        return float(text)
    except ValueError:
        raise RequestError(f"The fill value must be a number or 'auto', not '{text.strip()}'.", option="fill") from None
