"""Names of options in the panel, for the library's sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from slab_exporter.core.text import Option, Package, Sentence, in_words

from ..translation import tr as _

# Options as Python names them -> as the panel does.
_NAMES = {
    "remainder": _("'Last slab'"),
    "thickness": _("'Thickness'"),
    "thickness_mm": _("'Thickness'"),
    "cut_at": _("'Boundaries'"),
    "block": _("'Blocks'"),
    "block_mm": _("'Blocks'"),
    "overlap": _("'Overlap'"),
    "fill": _("'Fill value'"),
    "overwrite": _("'Replace'"),
    "resume": _("'Resume'"),
    "keep": _("'Keep'"),
    "min_fraction": _("the percentage beside 'Keep'"),
    "crop_to": _("'Crop to'"),
    "margin": _("the margin beside 'Crop to'"),
    "crop": _("'One piece'"),
    "orient": _("'Axes'"),
    "frames": _("'Frames'"),
    "spacing": _("'Voxel size'"),
    "labels": _("'Label maps'"),
    "modality": _("'Modality'"),
    "patient_name": _("'Patient name'"),
    "patient_id": _("'Patient ID'"),
    "study_description": _("'Study'"),
    "format": _("'Format'"),
    "layout": _("'nnU-Net'"),
    "dataset_id": _("the number beside 'nnU-Net'"),
    "dataset_name": _("the name beside 'nnU-Net'"),
    "blend": _("'Overlaps'"),
    "trust_names": _("'Trust names'"),
    "grid": _("'Grid'"),
    "argmax": _("'One number per class'"),
    "channel": _("'Slabs of'"),
}
_CHECK_BOXES = ("overwrite", "trust_names", "argmax")
# Options without a control here, that a sentence may advise.
_TYPED_ONLY = (
    "allow_damaged",
    "allow_outside_data",
    "allow_uneven",
    "channels",
    "deidentify",
    "frame",
    "group_by",
    "jobs",
    "label_affine",
    "label_tolerance",
    "like",
    "nifti_transform",
    "resample",
    "split",
    "split_series",
    "within",
)


def in_panel_words(sentence: str) -> str:
    """Return a sentence of the library with options as the panel names them, and packages as Slicer installs them."""
    if isinstance(sentence, Sentence):
        parts = (f"slicer.util.pip_install('{p.name}')" if isinstance(p, Package) else p for p in sentence.parts)
        sentence = Sentence(*_ticked(tuple(parts)))
    return in_words(sentence, _panel_words)


def _ticked(parts: tuple[str | Option, ...]) -> Iterator[str | Option]:
    """Yield the parts of a sentence; what is added on the command line is ticked here, where it is a check box."""
    for part, after in zip(parts, (*parts[1:], ""), strict=True):
        is_box = isinstance(after, Option) and after.keyword in _CHECK_BOXES
        if is_box and isinstance(part, str) and part.endswith("add "):
            yield part.removesuffix("add ") + "tick "
        else:
            yield part


def missing_package(texts: Iterable[str]) -> str:
    """Return the first package that sentences of the library ask for, as Slicer installs it; empty for none."""
    parts = (part for text in texts if isinstance(text, Sentence) for part in text.parts)
    return next((part.name for part in parts if isinstance(part, Package)), "")


def _panel_words(option: Option) -> str:
    name = option.keyword.replace("_", "-")
    if option.keyword in _TYPED_ONLY:
        return option.named(_("the command line's option --{name}").format(name=name))
    return option.named(_NAMES.get(option.keyword, name))
