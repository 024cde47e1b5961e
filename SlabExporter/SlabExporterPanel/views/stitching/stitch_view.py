"""The panel's Stitch section: whether it can start, what it does, and what is said; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slab_exporter.attended import beside
from slab_exporter.core.errors import Cancelled, InputError, OutputError, SlabExporterError
from slab_exporter.core.manifest import FILE_NAME, Manifest, read_manifest
from slab_exporter.core.progress import Progress, ProgressEvent, no_progress
from slab_exporter.core.text import counted, sizes
from slab_exporter.stitch.predictions import Predictions, own_files
from slab_exporter.stitch.stitching import ALL, StitchRequest, StitchResult, stitch_case
from slab_exporter.volumes.writing import require_writable

from ...settings import fill_of
from ...translation import tr as _
from ..action import Action
from ..watch import Watch
from ..words import in_panel_words
from .stitch_parts import (
    IMAGES,
    NO_MANIFEST,
    NO_PREDICTIONS,
    PREDICTIONS_TIP,
    Part,
    chosen_part,
    grid_action,
    part_action,
    stitch_parts,
)
from .stitched import Origin

STITCH_TIP = _("Put the slabs back into one volume, read it back, and load it.")
AUTOMATIC = "automatic"


@dataclass(frozen=True)
class StitchSettings:
    """The section's settings.

    Attributes:
        manifest: manifest.json of a case, or the case's folder; empty if none is chosen.
        predictions: folder; empty for the export's own slabs.
        part: what of the export's own slabs, in the words of ``stitch_parts``; empty for the first images.
        blend: one of ``core.options.BLENDS``, or "automatic".
        grid: "cut" or "source".
        fill: a number, or "auto".
        argmax: of predictions with one number per class take the class.
        trust_names: take predictions whose geometry was lost.
        output: file to be written; empty if none is chosen.
        replace: replace it where it exists.

    What does not apply to an export is not looked at: its control is switched off.
    """

    manifest: str = ""
    predictions: str = ""
    part: str = ""
    blend: str = AUTOMATIC
    grid: str = "cut"
    fill: str = "auto"
    argmax: bool = False
    trust_names: bool = False
    output: str = ""
    replace: bool = False


@dataclass(frozen=True)
class StitchView:
    """Contents of the section.

    Attributes:
        summary: what would be made, or what is missing.
        stitch: the button.
        parts: what of the export's own slabs can be stitched.
        part: that control; likewise the following ones.
        grid: on which grid the result lies.
        of_predictions: what is about predictions alone.
    """

    summary: str
    stitch: Action
    parts: tuple[Part, ...] = (IMAGES,)
    part: Action = NO_MANIFEST
    grid: Action = NO_MANIFEST
    of_predictions: Action = NO_PREDICTIONS


@dataclass(frozen=True)
class StitchEnding:
    """How a run ended, which is shown until the section is about something else.

    Attributes:
        settings: of the section at the end.
        text: says so.
        is_whole: whether the file was written and loaded.
    """

    settings: StitchSettings
    text: str
    is_whole: bool = False

    def summary(self, view: StitchView) -> str:
        """Return the line above the button: after a success not why the same cannot be done again.

        Args:
            view: of the same settings.
        """
        return "" if self.is_whole and not view.stitch.enabled else view.summary


def stitch_view(settings: StitchSettings) -> StitchView:
    """Return what to show for these settings. Reads the manifest; voxels and predictions are not looked at."""
    manifest: Manifest | None = None
    try:
        path = _full_path(settings.manifest, InputError(_("Choose the manifest.json of an export.")))
        manifest = read_manifest(path)
        _require_stitchable(settings, manifest, path)
    except SlabExporterError as error:
        reason = in_panel_words(error.sentence)
        return _with_controls(settings, manifest, reason, Action(False, reason))
    return _with_controls(settings, manifest, _summary(settings, manifest), Action(True, STITCH_TIP))


def _require_stitchable(settings: StitchSettings, manifest: Manifest, path: Path) -> None:
    if not manifest.slabs:
        raise InputError(f"{path} lists no slabs.")
    request = stitch_request(settings, manifest)
    if not settings.predictions.strip():
        channel = None if request.channel == ALL else request.channel
        own_files(manifest.of_channel(channel), manifest_file(path).parent, request.label_set)
    elif not _full_path(settings.predictions).is_dir():
        raise InputError(f"The folder of predictions {settings.predictions.strip()} does not exist.")
    output = _full_path(settings.output, OutputError(_("Choose the file to write to.")))
    require_writable(output, settings.replace)


def _with_controls(settings: StitchSettings, manifest: Manifest | None, summary: str, stitch: Action) -> StitchView:
    if manifest is None:
        return StitchView(summary, stitch)
    has_predictions = bool(settings.predictions.strip())
    return StitchView(
        summary=summary,
        stitch=stitch,
        parts=stitch_parts(manifest),
        part=part_action(manifest, has_predictions),
        grid=grid_action(manifest),
        of_predictions=Action(True, PREDICTIONS_TIP) if has_predictions else NO_PREDICTIONS,
    )


def run_stitch(settings: StitchSettings, progress: Progress = no_progress) -> StitchResult:
    """Stitch as the settings say.

    Raises:
        SlabExporterError: with a sentence; nothing is left behind.
    """
    path = manifest_file(_full_path(settings.manifest))
    output, request = _full_path(settings.output), stitch_request(settings, read_manifest(path))
    predictions = Predictions(_full_path(settings.predictions)) if settings.predictions.strip() else None
    return beside(lambda tell: stitch_case(path, output, request, predictions, settings.replace, tell), progress)


def stitch_request(settings: StitchSettings, manifest: Manifest) -> StitchRequest:
    """Return what is asked of the library, without what does not apply to this export.

    Raises:
        RequestError: the fill value is not a number.
    """
    has_predictions = bool(settings.predictions.strip())
    label_set, channel = (None, None) if has_predictions else chosen_part(settings.part, manifest)
    return StitchRequest(
        blend=None if settings.blend == AUTOMATIC else settings.blend,  # type: ignore[arg-type]
        fill=fill_of(settings.fill),
        trust_names=has_predictions and settings.trust_names,
        label_set=label_set,
        grid=settings.grid if grid_action(manifest).enabled else "cut",  # type: ignore[arg-type]
        argmax=has_predictions and settings.argmax,
        channel=channel,
    )


def origin_of(settings: StitchSettings) -> Origin:
    """Return from what these settings stitch.

    Raises:
        InputError: the manifest cannot be read.
    """
    path, folder = manifest_file(_full_path(settings.manifest)), settings.predictions.strip()
    manifest = read_manifest(path)
    label_set = stitch_request(settings, manifest).label_set
    return Origin(manifest, path.parent, _full_path(folder) if folder else None, label_set)


def manifest_file(path: Path) -> Path:
    """Return the manifest's own path, for that path or its folder's."""
    return path / FILE_NAME if path.is_dir() else path


class StitchWatch(Watch):
    """Follows a stitch, slab by slab."""

    def __call__(self, event: ProgressEvent) -> None:
        """Take note of a slab.

        Raises:
            Cancelled: the user asked for it. Nothing is written before the last slab.
        """
        if event.total:
            self.percent = int(100 * event.done / event.total)
        if event.total and not self._cancelled:
            is_last = event.done == event.total
            self.text = (
                _("Writing and reading back …")
                if is_last
                else _("{done} of {slabs}").format(done=event.done, slabs=counted(event.total, event.piece))
            )
        self._refresh(self)
        if self._cancelled:
            raise Cancelled(_("Cancelled. Nothing was written."))


def _full_path(text: str, if_empty: SlabExporterError | None = None) -> Path:
    if if_empty is not None and not text.strip():
        raise if_empty
    path = Path(text.strip()).expanduser()
    if not path.is_absolute():
        raise InputError(f"'{path}' is not a full path; choose it with the button.")
    return path


def _summary(settings: StitchSettings, manifest: Manifest) -> str:
    has_predictions = bool(settings.predictions.strip())
    parts = counted(len(manifest.slabs), "prediction" if has_predictions else manifest.plan.kind)
    grid = manifest.geometry
    if stitch_request(settings, manifest).grid == "source":
        grid = manifest.source.geometry
    made = _("{parts} of '{case}' → {size} voxels")
    return made.format(parts=parts, case=manifest.case, size=sizes(grid.shape_ijk))
