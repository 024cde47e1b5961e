"""Words that options may take."""

from __future__ import annotations

from typing import Literal, get_args

from ..errors import RequestError

AxisName = Literal["axial", "coronal", "sagittal", "i", "j", "k"]
Remainder = Literal["keep", "pad", "shift", "drop", "balance"]
Format = Literal["nii.gz", "nii", "nrrd", "dicom"]
Compression = Literal["fast", "small"]
Blend = Literal["first", "mean", "gaussian", "vote", "max"]
NiftiTransform = Literal["sform", "qform"]
Layout = Literal["nnunet"]
Grid = Literal["cut", "source"]

# What becomes of a last slab that is not full, in the words of the command line's help and of the panel.
REMAINDER_WORDS: dict[Remainder, str] = {
    "keep": "keep it short",
    "pad": "pad it to full thickness",
    "shift": "shift it back (more overlap)",
    "drop": "leave it out",
    "balance": "make all slabs equally thick",
}

AXES: tuple[AxisName, ...] = get_args(AxisName)
REMAINDERS: tuple[Remainder, ...] = get_args(Remainder)
FORMATS: tuple[Format, ...] = get_args(Format)
COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)
BLENDS: tuple[Blend, ...] = get_args(Blend)
GRIDS: tuple[Grid, ...] = get_args(Grid)
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
NIFTI_TRANSFORMS: tuple[NiftiTransform, ...] = get_args(NiftiTransform)


def require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse a word that is not among the choices.

    Raises:
        RequestError: naming them.
    """
    if value not in choices:
        raise RequestError(
            f"The {name} cannot be '{value}'; choose one of {', '.join(choices)}.",
            option=name.lower().replace(" ", "_"),
        )
