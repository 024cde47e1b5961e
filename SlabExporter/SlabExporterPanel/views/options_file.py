"""The panel's settings to and from a file of options, as ``--options`` reads it and exports write it; no Qt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slab_exporter.core.errors import RequestError
from slab_exporter.core.options.entries import entries
from slab_exporter.core.pieces.shape import slab_options
from slab_exporter.export.options_file import options_text, read_options
from slab_exporter.files.disk import write_file

from ..choices import ALL_FRAMES, SHOWN_FRAME, SOME_FRAMES
from ..settings import DicomTexts, PanelSettings, data_set_of, request_of
from ..translation import tr as _

# Settings of the parameter node -> those of PanelSettings; "dicom." stands before DicomTexts'.
NODE_NAMES = {
    "thickness": "thickness",
    "unit": "unit",
    "axis": "axis",
    "block": "block",
    "cutAt": "cut_at",
    "onePiece": "crop",
    "overlap": "overlap",
    "remainder": "remainder",
    "fill": "fill",
    "keep": "keep",
    "minPercent": "min_percent",
    "cropTo": "crop_to",
    "margin": "margin",
    "orient": "orient",
    "spacing": "spacing",
    "fileFormat": "format",
    "compression": "compression",
    "dicomModality": "dicom.modality",
    "dicomPatientName": "dicom.patient_name",
    "dicomPatientId": "dicom.patient_id",
    "dicomStudy": "dicom.study_description",
    "nnunetId": "nnunet_id",
    "nnunetName": "nnunet_name",
}
# Options that the settings above say.
_SHOWN = frozenset(
    {
        "thickness",
        "thickness_mm",
        "axis",
        "block",
        "block_mm",
        "cut_at",
        "crop",
        "overlap",
        "remainder",
        "fill",
        "keep",
        "min_fraction",
        "crop_to",
        "margin",
        "orient",
        "spacing",
        "format",
        "compression",
        "modality",
        "patient_name",
        "patient_id",
        "study_description",
        "layout",
        "dataset_id",
        "dataset_name",
        "within",
        "frames",
    }
)
# The panel's boxes show so many decimals: of mm, and of percent.
_DECIMALS = 2


@dataclass(frozen=True)
class Taken:
    """What the panel takes of a file of options.

    Attributes:
        settings: every setting; one that the file does not name is as it is without asking.
        within: path of a markups file with the ROI to stay inside; None for none.
        told: sentences about what the panel cannot show.
    """

    settings: PanelSettings
    within: Path | None = None
    told: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """The settings by their names in the parameter node; choices by their word."""
        return node_values(self.settings)


def taken_from(path: Path) -> Taken:
    """Return what a file of options says to the panel.

    Args:
        path: an options.json, or the manifest.json of a case.

    Raises:
        SlabExporterError: it cannot be read, contradicts itself, or asks for what the panel cannot do without harm.
    """
    values = read_options(path)
    if values.get("deidentify"):
        raise RequestError(
            f"{path.name} asks for a deidentified export, which the panel cannot make; use the command line or the "
            "Python console."
        )
    _require_sound_shape(values)
    rounded, settings = _rounded(_settings_in(values))
    request_of(settings)
    data_set_of(settings)
    told = [_told(keyword, value) for keyword, value in values.items() if _is_lost(keyword, value, settings)]
    not_taken = _("Not taken from {name}, since the panel has no control for it: {options}.")
    notes = [not_taken.format(name=path.name, options=", ".join(told))] if told else []
    within = values.get("within")
    if within is not None and not Path(within).is_file():
        notes.append(_("The ROI that {name} names is not there: {path}.").format(name=path.name, path=within))
        within = None
    return Taken(settings, None if within is None else Path(within), (*notes, *rounded))


def save_options(path: Path, settings: PanelSettings, roi: Any = None) -> tuple[str, ...]:
    """Write the settings as a file of options; return sentences about what it does not say.

    Args:
        path: to write; replaced where it exists.
        settings: of the panel.
        roi: markups ROI node to stay within, or None.

    Raises:
        SlabExporterError: settings contradict each other, or it cannot be written.
    """
    request, told = request_of(settings), ()
    if roi is not None:
        file = roi_file(roi)
        if file is None:
            text = _("{name} does not name the ROI '{roi}': save that as a .mrk.json file first.")
            told = (text.format(name=path.name, roi=roi.GetName()),)
        request = replace(request, within=None if file is None else str(file))
    write_file(path, options_text(request, data_set_of(settings)))
    return told


def node_values(settings: PanelSettings) -> dict[str, Any]:
    """Return settings by their names in the parameter node.

    >>> node_values(PanelSettings(crop=True))["onePiece"]
    True
    """
    chosen = {None: SHOWN_FRAME, "all": ALL_FRAMES}.get(settings.frames, SOME_FRAMES)
    frames = {"framesChoice": chosen, "framesText": settings.frames or "" if chosen == SOME_FRAMES else ""}
    return frames | {name: _looked_up(settings, place) for name, place in NODE_NAMES.items()}


def _looked_up(settings: PanelSettings, place: str) -> Any:
    owner, _, name = place.rpartition(".")
    return getattr(getattr(settings, owner) if owner else settings, name)


def _require_sound_shape(values: Mapping[str, Any]) -> None:
    """Refuse a file that asks for slabs, blocks and one piece at once."""
    names = ("thickness", "thickness_mm", "axis", "overlap", "remainder", "fill", "block", "block_mm", "crop", "cut_at")
    slab_options(**{name: values[name] for name in names if name in values})


def _settings_in(values: Mapping[str, Any]) -> PanelSettings:
    plain = PanelSettings()
    thickness_mm, block = values.get("thickness_mm"), values.get("block") or values.get("block_mm")
    in_mm = thickness_mm is not None or values.get("block_mm") is not None
    fill, spacing = values.get("fill"), values.get("spacing")
    return PanelSettings(
        thickness=thickness_mm if thickness_mm is not None else values.get("thickness", plain.thickness),
        unit="mm" if in_mm else "slices",
        axis=values.get("axis") or plain.axis,
        block="" if block is None else _typed(block),
        cut_at=_typed(values.get("cut_at") or ""),
        crop=bool(values.get("crop")),
        overlap=_one_overlap(values, block) or 0,
        remainder=values.get("remainder") or plain.remainder,
        fill="auto" if fill is None else _number(fill),
        keep=values.get("keep") or plain.keep,
        min_percent=100 * (values.get("min_fraction") or 0),
        crop_to=values.get("crop_to") or "nothing",
        margin=values.get("margin") or 0,
        orient=values.get("orient") or "",
        spacing="" if spacing is None else _typed(spacing),
        format=values.get("format") or plain.format,
        compression=values.get("compression") or plain.compression,
        dicom=DicomTexts(
            *(values.get(name) or "" for name in ("modality", "patient_name", "patient_id", "study_description"))
        ),
        nnunet_id=values.get("dataset_id") or 0,
        nnunet_name=values.get("dataset_name") or "",
        frames=values.get("frames"),
    )


def _one_overlap(values: Mapping[str, Any], block: Any) -> int | None:
    """Return the overlap as one number; None where it is three, and blocks do not span the axes that have none."""
    given = values.get("overlap", 0)
    if isinstance(given, int):
        return given
    sizes = block or (1, 1, 1)
    cut = {shared for shared, size in zip(given, sizes, strict=True) if size is not None}
    return cut.pop() if len(cut) == 1 else None


def _is_lost(keyword: str, value: Any, settings: PanelSettings) -> bool:
    if keyword == "overlap":
        return not isinstance(value, int) and settings.overlap == 0 and any(value)
    default = entries()[keyword].default
    if keyword in _SHOWN or (not value and not default):
        return False
    return bool(_listed(value) != _listed(default))


def _listed(value: Any) -> Any:
    """Return tuples as the lists that JSON has."""
    return list(value) if isinstance(value, tuple) else value


def _told(keyword: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"{keyword} ({'on' if value else 'off'})"
    return f"{keyword} {_typed(value)}"


def _typed(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join("all" if part is None else _typed(part) for part in value)
    return _number(value) if isinstance(value, int | float) else str(value)


def _number(value: float) -> str:
    """Return a number with all its digits, and without ".0".

    >>> _number(-1024.0), _number(0.1234567)
    ('-1024', '0.1234567')
    """
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)


def _rounded(settings: PanelSettings) -> tuple[tuple[str, ...], PanelSettings]:
    """Return the settings with as many decimals as the panel shows, and sentences about what that changed."""
    names = {
        "thickness": _("Thickness"),
        "min_percent": _("The percentage beside 'Keep'"),
        "margin": _("The margin"),
    }
    told = []
    for name, title in names.items():
        value = getattr(settings, name)
        shown = round(value, _DECIMALS)
        if abs(shown - value) > 1e-9:  # 100 * 0.07 is 7.000000000000001
            text = _("{title} is rounded to {shown}, from {value}.")
            told.append(text.format(title=title, shown=f"{shown:g}", value=_number(value)))
        settings = replace(settings, **{name: shown})
    return tuple(told), settings


def roi_file(roi: Any) -> Path | None:
    """Return the file of an ROI node; None where it has not been saved."""
    storage = roi.GetStorageNode()
    name = storage.GetFullNameFromFileName() if storage is not None else None
    return Path(name) if name and Path(name).is_file() else None
