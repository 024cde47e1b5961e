"""Options of an export: frozen, validated once, the same from panel, console and shell."""

from .choices import (
    AXES,
    BLENDS,
    COMPRESSIONS,
    FORMATS,
    GRIDS,
    LAYOUTS,
    NIFTI_TRANSFORMS,
    REMAINDER_WORDS,
    REMAINDERS,
    AxisName,
    Blend,
    Compression,
    Format,
    Grid,
    Layout,
    NiftiTransform,
    Remainder,
)
from .data_set import DataSetOptions
from .dicom import LONGEST_TEXT, DicomOptions, is_person_name, uid_salt
from .labels import LABEL_AFFINES, OVERLAPPING, LabelAffine, LabelOptions, Overlapping
from .prepare import PrepareOptions
from .request import ExportRequest
from .series import SeriesOptions
from .slabs import SlabOptions, overlap_sentence

__all__ = [
    "AXES",
    "BLENDS",
    "COMPRESSIONS",
    "FORMATS",
    "GRIDS",
    "LABEL_AFFINES",
    "LAYOUTS",
    "LONGEST_TEXT",
    "NIFTI_TRANSFORMS",
    "OVERLAPPING",
    "REMAINDERS",
    "REMAINDER_WORDS",
    "AxisName",
    "Blend",
    "Compression",
    "DataSetOptions",
    "DicomOptions",
    "ExportRequest",
    "Format",
    "Grid",
    "LabelAffine",
    "LabelOptions",
    "Layout",
    "NiftiTransform",
    "Overlapping",
    "PrepareOptions",
    "Remainder",
    "SeriesOptions",
    "SlabOptions",
    "is_person_name",
    "overlap_sentence",
    "uid_salt",
]
