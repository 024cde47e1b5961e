"""A folder of cases as the panel's user asks for it; no Qt."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from slab_exporter.core.errors import InputError, OutputError
from slab_exporter.core.options import DataSetOptions, ExportRequest
from slab_exporter.core.options.entries import said
from slab_exporter.export.options_file import resolved_options

from ..settings import PanelSettings, data_set_of, request_of
from ..translation import tr as _
from ..views.checks import output_folder
from ..views.commands import option_words

# Options that have a value without being given, and no control in the panel: nobody has set them.
_NEVER_SET = ("label_affine", "overlapping", "seed", "verify")


@dataclass(frozen=True)
class FolderTexts:
    """What the user typed or chose in the section.

    Attributes:
        inputs: folder, or list of cases.
        labels: folder, file or pattern with {case}; several with semicolons between them; empty for those that lie
            beside the images.
        output: folder.
    """

    inputs: str = ""
    labels: str = ""
    output: str = ""


@dataclass(frozen=True)
class FolderTask:
    """What a process is asked to do.

    Attributes:
        inputs: folder or list.
        labels: label sets as on the command line.
        out: output folder; None if none is chosen, which is enough to look.
        request: what to make of each case.
        data_set: how cases are found and laid out.
        exports: whether to export; otherwise the cases are looked at, and nothing is written.
        resume: go on with an earlier export.
    """

    inputs: Path
    labels: tuple[str, ...]
    out: Path | None
    request: ExportRequest
    data_set: DataSetOptions
    exports: bool = False
    resume: bool = False

    def export(self, resume: bool) -> FolderTask:
        """Return the task to export what this one looks at."""
        return replace(self, exports=True, resume=resume)


def folder_task(texts: FolderTexts, settings: PanelSettings) -> FolderTask:
    """Return the task to look at the folder with the panel's options.

    Raises:
        SlabExporterError: nothing is chosen, or the settings contradict each other.
    """
    request = request_of(_for_files(settings))
    return FolderTask(
        inputs=_input(texts.inputs),
        labels=tuple(_labels(texts.labels)),
        out=output_folder(texts.output) if texts.output.strip() else None,
        request=request,
        data_set=data_set_of(settings),
    )


def _for_files(settings: PanelSettings) -> PanelSettings:
    """Return the settings without what is about the volume in the scene alone."""
    return replace(settings, frames=None)


def options_line(task: FolderTask) -> str:
    """Return the options that will be used, and what of the panel is not."""
    resolved = resolved_options(task.request, task.data_set)
    options = said({keyword: value for keyword, value in resolved.items() if keyword not in _NEVER_SET})
    told = _("Options of this panel: {options}. Its volume, label maps, ROI and case name are not used here.")
    return told.format(options=options)


def folder_command(texts: FolderTexts, settings: PanelSettings) -> str:
    """Return the command that exports the folder with the panel's options.

    Raises:
        RequestError: the settings contradict each other.
    """
    words = ["slab-exporter", "export", texts.inputs.strip() or "IN", "-o", texts.output.strip() or "OUT"]
    for label in _split(texts.labels):
        words += ["--labels", label]
    return shlex.join([*words, *option_words(_for_files(settings))])


def _input(text: str) -> Path:
    if not text.strip():
        raise InputError(_("Choose a folder of volumes, or a list of them (.csv, .txt)."))
    path = Path(text.strip()).expanduser()
    if not path.is_absolute():
        raise InputError(_("'{path}' is not a full path; choose it with the button.").format(path=path))
    if not path.exists():
        raise InputError(_("{path} does not exist.").format(path=path))
    return path


def _labels(text: str) -> list[str]:
    for label in (found := _split(text)):
        path = Path(re.sub(r"^[^=/\\]+=", "", label)).expanduser()
        if not path.is_absolute():
            told = _("'{path}' is not a full path; choose the label maps with the button.")
            raise InputError(told.format(path=path))
    return found


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def require_output(task: FolderTask) -> Path:
    """Return the output folder.

    Raises:
        OutputError: none is chosen.
    """
    if task.out is None:
        raise OutputError(_("Choose the folder to write to."))
    return task.out
