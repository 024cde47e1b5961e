"""Names of options in the panel, for the library's sentences."""

from __future__ import annotations

from slab_exporter.core.text import Option, in_words

# Options as Python names them -> as the panel does; one that has no control here is called by its name.
_NAMES = {
    "remainder": "'Last slab'",
    "thickness": "'Thickness'",
    "thickness_mm": "'Thickness'",
    "block": "'Blocks'",
    "block_mm": "'Blocks'",
    "overlap": "'Overlap'",
    "fill": "'Fill value'",
    "overwrite": "'Replace'",
    "blend": "'Overlaps'",
    "trust_names": "'Trust names'",
    "label_affine": "the command line's option --label-affine",
    "label_tolerance": "the command line's option --label-tolerance",
    "nifti_transform": "the command line's option --nifti-transform",
}


def in_panel_words(sentence: str) -> str:
    """Return a sentence of the library with options as the panel names them."""
    return in_words(sentence, _panel_words)


def _panel_words(option: Option) -> str:
    return option.named(_NAMES.get(option.keyword, option.keyword.replace("_", "-")))
