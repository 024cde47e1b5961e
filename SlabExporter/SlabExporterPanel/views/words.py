"""Names of options in the panel, for the library's sentences."""

from __future__ import annotations

from collections.abc import Iterable

from slab_exporter.core.text import Option, Package, Sentence, in_words

# Options as Python names them -> as the panel does; one that has no control here is called by its name.
_NAMES = {
    "remainder": "'Last slab'",
    "thickness": "'Thickness'",
    "thickness_mm": "'Thickness'",
    "cut_at": "'Boundaries'",
    "block": "'Blocks'",
    "block_mm": "'Blocks'",
    "overlap": "'Overlap'",
    "fill": "'Fill value'",
    "overwrite": "'Replace'",
    "resume": "'Resume'",
    "keep": "'Keep'",
    "min_fraction": "the percentage beside 'Keep'",
    "crop_to": "'Crop to'",
    "margin": "the margin beside 'Crop to'",
    "crop": "'One piece'",
    "orient": "'Axes'",
    "frames": "'Frames'",
    "spacing": "'Voxel size'",
    "labels": "'Label maps'",
    "modality": "'Modality'",
    "patient_name": "'Patient name'",
    "patient_id": "'Patient ID'",
    "study_description": "'Study'",
    "format": "'Format'",
    "layout": "'nnU-Net'",
    "dataset_id": "the number beside 'nnU-Net'",
    "dataset_name": "the name beside 'nnU-Net'",
    "blend": "'Overlaps'",
    "trust_names": "'Trust names'",
    "grid": "'Grid'",
    "argmax": "'One number per class'",
    "channel": "'Slabs of'",
    "label_affine": "the command line's option --label-affine",
    "label_tolerance": "the command line's option --label-tolerance",
    "resample": "the command line's option --resample",
    "allow_uneven": "the command line's option --allow-uneven",
    "nifti_transform": "the command line's option --nifti-transform",
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
