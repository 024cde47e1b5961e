"""The panel's settings as a command line and as Python, to be repeated elsewhere; no Qt."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from slab_exporter.core.naming import volume_stem
from slab_exporter.core.options import DataSetOptions, ExportRequest
from slab_exporter.core.text import Option, command_words
from slab_exporter.export.from_scene import case_name, label_sets
from slab_exporter.export.options_file import resolved_options
from slab_exporter.mrml.sequences import held_frames, shown_frame
from slab_exporter.volumes.held.headers import source_file
from slab_exporter.volumes.scene_images import Archive, InstanceFiles, images_of_node

from ..settings import PanelSettings, data_set_of, request_of
from .options_file import roi_file


def command_line(
    settings: PanelSettings,
    volume: Any,
    labels: tuple[Any, ...] = (),
    roi: Any = None,
    database: InstanceFiles | None = None,
) -> str:
    """Return the command that does what the panel would do; comments on what it cannot know.

    Args:
        settings: of the panel.
        volume: scalar volume node.
        labels: label map and segmentation nodes.
        roi: markups ROI node, or None.
        database: Slicer's DICOM database; None for none.

    Raises:
        RequestError: settings contradict each other.
    """
    held, source, notes = held_frames(volume), source_file(volume), []
    kept = volume if held is None else held.kept
    series = _series_folder(volume, database)
    given = _file(kept, source, notes) if series is None else str(series)
    if series is not None:
        notes.append("each series in the folder becomes a case, called after patient, date and series")
    words = ["slab-exporter", "export", given, "-o", settings.output.strip() or "OUT"]
    sets = label_sets(labels)
    for name, node in sets.items():
        path = _file(node, source_file(node), notes)
        words += ["--labels", path if len(sets) == 1 else f"{name}={path}"]
    if roi is not None:
        words += ["--within", _file(roi, roi_file(roi), notes)]
    words += option_words(settings, volume)
    name = case_name(volume, settings.name, settings.frames)
    if series is None and source is not None and volume_stem(source) != name:
        notes.append(f"the case is called {volume_stem(source)} after the file, not {name}")
    return "\n".join((*(f"# {note}" for note in notes), shlex.join(words)))


def python_lines(settings: PanelSettings, volume: Any, labels: tuple[Any, ...] = (), roi: Any = None) -> str:
    """Return the same for Slicer's Python console; arguments as for ``command_line``.

    Raises:
        RequestError: settings contradict each other.
    """
    arguments = [_node(volume), repr(settings.output.strip() or "OUT")]
    sets = label_sets(labels)
    if len(sets) == 1:
        arguments.append(_node(*sets.values()))
    elif sets:
        arguments.append(f"{{{', '.join(f'{name!r}: {_node(node)}' for name, node in sets.items())}}}")
    if roi is not None:
        arguments.append(f"roiNode={_node(roi)}")
    if settings.name.strip():
        arguments.append(f"name={settings.name.strip()!r}")
    arguments += [f"{camel_case(keyword)}={value!r}" for keyword, value in _chosen(settings, volume)]
    return f"from SlabExporter import SlabExporterLogic\nSlabExporterLogic().exportSlabs({', '.join(arguments)})"


def camel_case(keyword: str) -> str:
    """Return a keyword of the library as Slicer's users write it.

    >>> camel_case("thickness_mm"), camel_case("orient")
    ('thicknessMm', 'orient')
    """
    first, *others = keyword.split("_")
    return first + "".join(word.capitalize() for word in others)


def _chosen(settings: PanelSettings, volume: Any) -> list[tuple[str, Any]]:
    """Return the options that are not as they are without asking, and the frame that is shown."""
    plain = resolved_options(ExportRequest(), DataSetOptions())
    values = resolved_options(request_of(settings), data_set_of(settings))
    shown = None if volume is None else shown_frame(volume)
    if shown is not None and settings.frames is None:
        values["frame"] = shown.number
    return [(key, value) for key, value in values.items() if value is not None and value != plain[key]]


def option_words(settings: PanelSettings, volume: Any = None) -> list[str]:
    """Return the options that are not as they are without asking, as they are typed.

    Args:
        settings: of the panel.
        volume: scalar volume node, which may show one frame of several; None where files are exported.

    Raises:
        RequestError: settings contradict each other.
    """
    return [word for keyword, value in _chosen(settings, volume) for word in _typed(keyword, value)]


def _typed(keyword: str, value: Any) -> tuple[str, ...]:
    option = command_words(Option(keyword))
    if value is True:
        return (option,)
    text = ",".join("all" if n is None else f"{n:g}" for n in value) if isinstance(value, list) else f"{value}"
    return (option, text)


def _series_folder(volume: Any, database: InstanceFiles | None) -> Path | None:
    """Return the folder of the whole DICOM series that a volume was loaded from; None where there is none."""
    images = images_of_node(volume, Archive(database))
    if images is None or images.lost or not images.is_whole:
        return None
    return Path(os.path.commonpath([path.parent for path in images.files]))


def _file(node: Any, path: Path | None, notes: list[str]) -> str:
    if path is not None and path.is_file():
        return str(path)
    notes.append(f"save '{node.GetName()}' as a file first")
    return str(node.GetName())


def _node(node: Any) -> str:
    return f"slicer.util.getNode({node.GetName()!r})"
