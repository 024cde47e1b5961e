"""Everything that one export is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import RequestError
from ..pieces.keeping import KeepOptions
from ..pieces.limiting import LimitOptions
from ..several.choice import frames_text
from ..text import Option
from .choices import COMPRESSIONS, FORMATS, NIFTI_TRANSFORMS, Compression, Format, NiftiTransform, require_choice
from .dicom import DicomOptions
from .labels import LabelOptions
from .prepare import PrepareOptions
from .series import SeriesOptions
from .slabs import SlabOptions


@dataclass(frozen=True)
class ExportRequest:
    """Everything that one export is asked to do, apart from which files it reads and where it writes.

    Attributes:
        slabs: the shape of the slabs.
        format: "nii.gz", "nii", "nrrd", or "dicom" (one folder of images per slab).
        compression: "fast" or "small" (for the compressed formats).
        frame: which volume of a 4D NIfTI or DICOM series, counted from 0; None for 3D files.
        frames: which volumes of a 4D file or series are written together, "all", "0:40" or "0,3"; None for one.
        nifti_transform: "sform" or "qform" where a NIfTI's two transforms differ; None: Slicer's choice.
        within: path of a markups file (.mrk.json) with one ROI, inside which slabs stay; or a pattern with "{case}",
            from which each case's own is made (``cases.opening.request_for``).
        verify: read every slab back with SimpleITK and compare it with the source.
        series: departures from a regular volume that are accepted of a DICOM series.
        dicom: attributes of DICOM slabs.
        keep: which pieces are written.
        limit: the box that is cut, where it is found in the voxels.
        prepare: how image and label maps are made ready before they are cut.
        labels: how label maps are taken.
        allow_outside_data: headers (.nhdr, .mhd, .hdr) may name files of voxels outside their folders.
    """

    slabs: SlabOptions = field(default_factory=SlabOptions)
    format: Format = "nii.gz"
    compression: Compression = "fast"
    frame: int | None = None
    nifti_transform: NiftiTransform | None = None
    within: str | None = field(default=None, metadata={"path": True})
    verify: bool = True
    series: SeriesOptions = field(default_factory=SeriesOptions)
    dicom: DicomOptions = field(default_factory=DicomOptions)
    keep: KeepOptions = field(default_factory=KeepOptions)
    limit: LimitOptions = field(default_factory=LimitOptions)
    allow_outside_data: bool = False
    prepare: PrepareOptions = field(default_factory=PrepareOptions)
    frames: str | None = None
    labels: LabelOptions = field(default_factory=LabelOptions)

    def __post_init__(self) -> None:
        require_choice("format", self.format, FORMATS)
        require_choice("compression", self.compression, COMPRESSIONS)
        if self.nifti_transform is not None:
            require_choice("NIfTI transform", self.nifti_transform, NIFTI_TRANSFORMS)
        if self.format != "dicom" and self.dicom != DicomOptions(deidentify=self.deidentify):
            raise RequestError(
                "Modality, patient, study, segments, ",
                Option("quantize"),
                " and ",
                Option("new_uids"),
                " are for ",
                Option.to("format", "dicom"),
                f"; the format is {self.format}.",
                option="format",
            )
        if self.within is not None and self.limit.crop_to is not None:
            raise RequestError(
                Option.to("crop_to", self.limit.crop_to),
                " and ",
                Option("within"),
                " each say what is cut: leave one out.",
            )
        if self.frames is not None:
            object.__setattr__(self, "frames", frames_text(self.frames))
            if self.frame is not None:
                raise RequestError(
                    "Choose either ",
                    Option.to("frame", self.frame),
                    " or ",
                    Option.to("frames", self.frames),
                    ": one volume, or several.",
                )
        if self.frame is not None and self.frame < 0:
            raise RequestError("Frames are counted from 0; ", Option("frame"), f" is {self.frame}.")

    @property
    def deidentify(self) -> bool:
        """Whether nothing in the output may say whose images these are, whatever its format."""
        return self.dicom.deidentify
