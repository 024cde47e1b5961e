"""Settings that are often used, at a click; no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..translation import tr as _


@dataclass(frozen=True)
class Preset:
    """A name for settings.

    Attributes:
        title: as the panel lists it.
        tip: what it is for.
        values: by the name of the setting in the parameter node; choices by their word.
    """

    title: str
    tip: str
    values: Mapping[str, Any]


# What every preset says, so that none depends on what was set before.
_PLAIN = {
    "block": "",
    "cutAt": "",
    "onePiece": False,
    "overlap": 0,
    "remainder": "keep",
    "axis": "axial",
    "unit": "slices",
    "nnunetId": 0,
}

PRESETS = (
    Preset(_("64 slices"), _("Slabs of 64 slices; the last one may be thinner."), {**_PLAIN, "thickness": 64.0}),
    Preset(
        _("nnU-Net"),
        _(
            "Slabs of 64 slices, laid out beside the cases as nnU-Net wants them; choose number and name of its data "
            "set in 'Names and files'."
        ),
        {**_PLAIN, "thickness": 64.0, "fileFormat": "nii.gz", "nnunetId": 1, "nnunetName": "Slabs"},
    ),
    Preset(_("96 mm"), _("Slabs of 96 mm, in whole slices."), {**_PLAIN, "thickness": 96.0, "unit": "mm"}),
    Preset(
        _("Blocks of 128"),
        _("Blocks of 128 x 128 x 128 voxels that overlap by 16; the last ones are shifted back to full size."),
        {**_PLAIN, "block": "128,128,128", "overlap": 16, "remainder": "shift"},
    ),
)


def apply(preset: Preset, node: Any) -> None:
    """Set what a preset says, in one go.

    Args:
        preset: one of ``PRESETS``.
        node: the panel's parameter node.
    """
    set_values(preset.values, node)


def set_values(values: Mapping[str, Any], node: Any) -> None:
    """Set several settings of the parameter node.

    Args:
        values: by their names; choices by their word.
        node: the panel's parameter node.
    """
    for name, value in values.items():
        held = getattr(node, name)
        setattr(node, name, type(held)(value))
