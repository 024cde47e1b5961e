"""Names of options in the panel, for the library's sentences."""

from __future__ import annotations

from collections.abc import Iterable

from slab_exporter.core.text import Option, Package, Sentence, in_words

from ..translation import tr as _

# Options as Python names them -> as the panel does; one that has no control here is called by its name.
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
    "label_affine": _("the command line's option --label-affine"),
    "label_tolerance": _("the command line's option --label-tolerance"),
    "resample": _("the command line's option --resample"),
    "allow_uneven": _("the command line's option --allow-uneven"),
    "nifti_transform": _("the command line's option --nifti-transform"),
}


def in_panel_words(sentence: str) -> str:
    """Return a sentence of the library with options as the panel names them, and packages as Slicer installs them."""
    if isinstance(sentence, Sentence):
        parts = (f"slicer.util.pip_install('{p.name}')" if isinstance(p, Package) else p for p in sentence.parts)
        sentence = Sentence(*parts)
    return in_words(sentence, _panel_words)


def missing_package(texts: Iterable[str]) -> str:
    """Return the first package that sentences of the library ask for, as Slicer installs it; empty for none."""
    parts = (part for text in texts if isinstance(text, Sentence) for part in text.parts)
    return next((part.name for part in parts if isinstance(part, Package)), "")


def _panel_words(option: Option) -> str:
    return option.named(_NAMES.get(option.keyword, option.keyword.replace("_", "-")))
