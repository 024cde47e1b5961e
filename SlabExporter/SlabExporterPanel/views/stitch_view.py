"""The panel's Stitch section: whether it can start, what it does, and what is said; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slab_exporter.core.errors import Cancelled, InputError, OutputError, SlabExporterError
from slab_exporter.core.manifest import FILE_NAME, Manifest, read_manifest
from slab_exporter.core.progress import Progress, ProgressEvent, no_progress
from slab_exporter.core.text import counted, sizes
from slab_exporter.stitch.predictions import Predictions, own_files
from slab_exporter.stitch.stitching import StitchRequest, StitchResult, stitch_case
from slab_exporter.volumes.writing import require_writable

from .panel_view import Action
from .watch import Watch
from .words import in_panel_words

STITCH_TIP = "Put the slabs back into one volume on the source's grid, read it back, and load it."
AUTOMATIC = "automatic"


@dataclass(frozen=True)
class StitchSettings:
    """The section's settings.

    Attributes:
        manifest: manifest.json of a case, or the case's folder; empty if none is chosen.
        predictions: folder; empty for the export's own slabs.
        blend: one of ``core.options.BLENDS``, or "automatic".
        trust_names: take predictions whose geometry was lost.
        output: file to be written; empty if none is chosen.
        replace: replace it where it exists.
    """

    manifest: str = ""
    predictions: str = ""
    blend: str = AUTOMATIC
    trust_names: bool = False
    output: str = ""
    replace: bool = False


@dataclass(frozen=True)
class StitchView:
    """Contents of the section.

    Attributes:
        summary: what would be made, or what is missing.
        stitch: the button.
    """

    summary: str
    stitch: Action


def stitch_view(settings: StitchSettings) -> StitchView:
    """Return what to show for these settings. Reads the manifest; voxels and predictions are not looked at."""
    try:
        path = _full_path(settings.manifest, InputError("Choose the manifest.json of an export."))
        manifest = read_manifest(path)
        if not manifest.slabs:
            raise InputError(f"{path} lists no slabs.")
        if not settings.predictions.strip():
            own_files(manifest, manifest_file(path).parent, None)
        elif not _full_path(settings.predictions).is_dir():
            raise InputError(f"The folder of predictions {settings.predictions.strip()} does not exist.")
        output = _full_path(settings.output, OutputError("Choose the file to write to."))
        require_writable(output, settings.replace)
    except SlabExporterError as error:
        reason = in_panel_words(error.sentence)
        return StitchView(reason, Action(False, reason))
    return StitchView(_summary(manifest, bool(settings.predictions.strip())), Action(True, STITCH_TIP))


def run_stitch(settings: StitchSettings, progress: Progress = no_progress) -> StitchResult:
    """Stitch as the settings say.

    Raises:
        SlabExporterError: with a sentence; nothing is left behind.
    """
    return stitch_case(
        manifest_file(_full_path(settings.manifest)),
        _full_path(settings.output),
        StitchRequest(blend=None if settings.blend == AUTOMATIC else settings.blend, trust_names=settings.trust_names),
        Predictions(_full_path(settings.predictions)) if settings.predictions.strip() else None,
        settings.replace,
        progress,
    )


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
        self.percent = int(100 * event.done / event.total) if event.total else 0
        if not self._cancelled:
            is_last = event.done == event.total
            self.text = (
                "Writing and reading back …" if is_last else f"{event.done} of {counted(event.total, event.piece)}"
            )
        self._refresh(self)
        if self._cancelled:
            raise Cancelled("Cancelled. Nothing was written.")


def stitched_text(result: StitchResult) -> str:
    """The lines after a run: what was made, and what should be known about it."""
    overlaps = f", overlaps: {result.blend}" if result.overlapping else ""
    kind = "label map" if result.is_labels else "volume"
    end = f"loaded as a {kind}" if is_loadable(result) else f"{result.channels} numbers per voxel: not loaded"
    lines = [
        f"{counted(result.slabs, result.kind)} stitched into {result.path.name} ({result.dtype}{overlaps}); {end}."
    ]
    return "\n".join((*lines, *stitch_notes(result)))


def stitch_notes(result: StitchResult) -> tuple[str, ...]:
    """Return what a user should know about the result, as sentences."""
    uncovered = (f"{result.uncovered}; filled with {result.fill:g}.",) if result.uncovered else ()
    were = "was" if result.left_out == 1 else "were"
    left = f"{counted(result.left_out, result.kind)} {were} left out; filled with {result.fill:g}."
    return (*uncovered, *([left] if result.left_out else ()), *(in_panel_words(text) for text in result.warnings))


def is_loadable(result: StitchResult) -> bool:
    """Return whether it is one volume: several numbers per voxel are a 4D file, of which Slicer would show a part."""
    return result.channels == 1


def _full_path(text: str, if_empty: SlabExporterError | None = None) -> Path:
    if if_empty is not None and not text.strip():
        raise if_empty
    path = Path(text.strip()).expanduser()
    if not path.is_absolute():
        raise InputError(f"'{path}' is not a full path; choose it with the button.")
    return path


def _summary(manifest: Manifest, has_predictions: bool) -> str:
    parts = counted(len(manifest.slabs), "prediction" if has_predictions else manifest.plan.kind)
    return f"{parts} of '{manifest.case}' → {sizes(manifest.geometry.shape_ijk)} voxels"
