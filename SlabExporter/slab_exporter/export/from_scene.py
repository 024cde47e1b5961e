"""Export from a user's scene: volume and label nodes to a finished case folder.

What the panel's Export button and the Python console do. The nodes are read and never changed;
cutting happens in a private scene.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..attended import beside
from ..cases.case import Case
from ..core.errors import OutputError, RequestError
from ..core.manifest import FILE_NAME, Manifest
from ..core.naming import OPTIONS, SUMMARY_FILES, safe_name
from ..core.options import DataSetOptions, ExportRequest
from ..core.progress import Progress, no_progress
from ..core.text import Option
from ..core.volume import SourceVolume
from ..interrupts import abandonable
from ..mrml.roi import box_inside_roi
from ..mrml.runtime import SlicerRuntime, open_runtime
from ..mrml.sequences import name_without_index, shown_frame
from ..pipeline.case_folder import clear_leftovers, remove_empty_folders_aside
from ..pipeline.case_sources import CaseSources
from ..pipeline.limiting import require_one_kind_of_several
from ..pipeline.one_case import export_sources
from ..prepare.preparation import cut_grid
from ..volumes.as_found import VoxelsAsFound
from ..volumes.held.headers import source_file
from ..volumes.scene_frames import node_volume, numbers_in_scene
from ..volumes.scene_images import Archive, InstanceFiles, images_of_node, told_of_patient
from ..volumes.scene_labels import label_of_node
from .data_set import DataSetFiles, refuse_named_cases
from .identity import numbered
from .nnunet import laid_out, require_layout
from .options_file import write_options
from .output_folder import clear_interrupted, locked, make_output

LabelNodes = Any | Sequence[Any] | Mapping[str, Any] | None


def export_nodes(
    volume: Any,
    out: Path,
    request: ExportRequest,
    labels: LabelNodes = None,
    roi: Any = None,
    case: str | None = None,
    replace: bool = False,
    progress: Progress = no_progress,
    channels: Mapping[str, Any] | None = None,
    data_set: DataSetOptions | None = None,
    database: InstanceFiles | None = None,
) -> Manifest:
    """Export one volume node, with label maps and segmentations, as a case of the folder ``out``.

    Args:
        volume: scalar volume node.
        out: folder of the data set; made if missing. Cases of earlier exports in it stay.
        request: what to make.
        labels: label map or segmentation nodes: one, several, or by the name of their set.
        roi: markups ROI node to stay within, in the same scene; None for the whole volume.
        case: name of the case; the node's name if None.
        replace: replace an earlier export of this case.
        progress: told of every slab; may raise ``Cancelled``, and then nothing of the case stays. It is called as
            often as it wants (``attended.beside``).
        channels: further scalar volume nodes on the same grid, by the names of their channels.
        data_set: how the folder's cases are laid out for other programs beside.
        database: Slicer's DICOM database, which knows the images that nodes were loaded from; None for none.

    Returns:
        The manifest as written to ``out``/``case``.

    Raises:
        SlabExporterError: with a sentence for the user.
    """
    _require_consistent(request, roi, channels)
    given = case or (numbered("case", 1) if request.deidentify else None)
    name = case_name(volume, given, request.frames, request.frame)
    first = "image" if request.deidentify else safe_name(str(volume.GetName()))
    further = {safe_name(str(key)): node for key, node in (channels or {}).items()}
    require_apart_from_sources(out, name, [volume, *further.values(), *label_sets(labels).values()], database)
    require_free_place(out, name, replace)
    data_set = data_set or DataSetOptions()
    require_layout_for(name, labels, request, data_set)
    named = _named_sets(labels, request.deidentify)
    found = VoxelsAsFound([volume, *further.values(), *named.values()])
    with open_runtime() as runtime:
        asked = (request, progress, database)
        image = _image_source(runtime, volume, *asked)
        images = {key: _image_source(runtime, node, *asked) for key, node in further.items()}
        limits = None if roi is None else box_inside_roi(roi, cut_grid(image.geometry, request.prepare))
        shown = (volume, image, numbers_in_scene(volume, request.frames, request.frame))
        told = (request.labels, progress)
        sets = {key: label_of_node(runtime, node, *shown, key, *told) for key, node in named.items()}
        make_output([], out)
        with locked(out):
            clear_interrupted(out)
            if request.deidentify:
                refuse_named_cases(out)
            files, sources = DataSetFiles(out, {}), CaseSources(name, image, sets, first if further else "", images)

            def write(tell: Progress) -> Manifest:
                ready = sources.as_written_in(request.format)
                return export_sources(runtime, ready, request, out / name, tell, limits, leave_aside=True)

            try:
                with _nothing_left_if_it_fails(out / name):
                    manifest = beside(write, progress, name)
                    found.require_unchanged([image, *images.values(), *sets.values()])
                beside(lambda tell: _finish(files, name, request, data_set, tell), progress, name)
            finally:
                remove_empty_folders_aside(out)
    return manifest


def _image_source(
    runtime: SlicerRuntime, node: Any, request: ExportRequest, progress: Progress, database: InstanceFiles | None
) -> SourceVolume:
    archive = Archive(database, request.series)
    volume = node_volume(runtime, node, request.frames, request.frame, progress, archive)
    return told_of_patient(volume, node, request)


def _require_consistent(request: ExportRequest, roi: Any, channels: Mapping[str, Any] | None) -> None:
    """Refuse options that contradict what is given beside them.

    Raises:
        RequestError: with what to leave out.
    """
    require_one_limit(request, roi)
    require_one_kind_of_several(request, bool(channels))


def require_one_limit(request: ExportRequest, roi: Any) -> None:
    """Refuse to crop to what is found in the voxels where an ROI says what is cut.

    Raises:
        RequestError: both are given.
    """
    if roi is not None and request.limit.crop_to is not None:
        raise RequestError(
            Option.to("crop_to", request.limit.crop_to), " and an ROI each say what is cut: leave one out."
        )


def require_layout_for(name: str, labels: LabelNodes, request: ExportRequest, data_set: DataSetOptions) -> None:
    """Refuse a case that cannot be laid out as is asked, before anything is written.

    Raises:
        RequestError: with what to change.
    """
    require_layout([Case(name, Path(name), {key: Path(key) for key in label_sets(labels)})], request, data_set)


@contextmanager
def _nothing_left_if_it_fails(folder: Path) -> Iterator[None]:
    """Remove what was made of a case, also when all was written: the next run would take it for whole."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            clear_leftovers(folder)
        raise


def _finish(
    files: DataSetFiles, name: str, request: ExportRequest, data_set: DataSetOptions, progress: Progress
) -> None:
    """Put a whole case in its place, to the end whatever happens; then lay the cases out for other programs.

    Raises:
        OutputError: they could not be laid out; the case itself is whole.
    """
    with abandonable(None):
        files.case_is_whole(files.out / name, ())
        write_options(files.out, request, data_set, resume=False)
    for sentence in laid_out(files.out, files.listed, data_set, progress):
        raise OutputError("The case is written and verified, but not laid out: ", sentence)


def case_name(volume: Any, asked: str | None = None, frames: str | None = None, frame: int | None = None) -> str:
    """Return the name of the case's folder, safe for every file system.

    It is what was asked for, or the node's name; of one frame of a sequence with its number, so that frames do not
    replace one another.

    Args:
        volume: the node.
        asked: the name that was asked for.
        frames: of a sequence those that are cut together; None for one.
        frame: its number; None for the one that is shown.
    """
    if asked and asked.strip():
        return safe_name(asked.strip())
    shown, name = shown_frame(volume), name_without_index(volume)
    if shown is None or frames is not None:
        return safe_name(name)
    return safe_name(f"{name}_frame-{shown.number if frame is None else frame}")


def label_sets(labels: LabelNodes) -> dict[str, Any]:
    """Label nodes by the name of their set: "labels" for a single one, else safe distinct node names."""
    if labels is None:
        return {}
    if isinstance(labels, Mapping):
        return {safe_name(str(name)): node for name, node in labels.items()}
    nodes = list(labels) if isinstance(labels, Sequence) else [labels]
    if len(nodes) == 1:
        return {"labels": nodes[0]}
    result: dict[str, Any] = {}
    for node in nodes:
        name = base = safe_name(str(node.GetName() or "labels"))
        number = 2
        while name in result:
            name, number = f"{base}-{number}", number + 1
        result[name] = node
    return result


def _named_sets(labels: LabelNodes, deidentify: bool) -> dict[str, Any]:
    """Label nodes by the name of their set, which is not a node's where nobody may know it."""
    sets = label_sets(labels)
    if not deidentify or isinstance(labels, Mapping):
        return sets
    return {"labels" if n == 1 else f"labels-{n}": node for n, node in enumerate(sets.values(), start=1)}


def require_free_place(out: Path, case: str, replace: bool) -> None:
    """Refuse a folder of other things, and a case that is there already.

    Raises:
        OutputError: saying which, and what to do.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; choose a folder.")
    if not out.is_dir():
        return
    try:
        used = [path for path in out.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise OutputError(f"The output folder {out} cannot be read: {error.strerror or error}.") from error
    if used and not any(path.name in (*SUMMARY_FILES, OPTIONS) or (path / FILE_NAME).is_file() for path in used):
        raise OutputError(f"The folder {out} holds other files; choose an empty one, or one of an earlier export.")
    folder = out / case
    if folder.exists() and any(folder.iterdir()) and not replace:
        raise OutputError(
            f"{folder} holds an export already; choose another name, or add ", Option.on("overwrite"), " to replace it."
        )


def require_apart_from_sources(
    out: Path, case: str, nodes: Sequence[Any], database: InstanceFiles | None = None
) -> None:
    """Refuse the folder in which a source lies, and a case folder that holds one.

    Raises:
        OutputError: naming the source.
    """
    for node in nodes:
        if not node.IsA("vtkMRMLVolumeNode"):
            continue
        images, file = images_of_node(node, Archive(database)), source_file(node)
        first_of_each = {path.parent: path for path in (*(() if images is None else images.files[::-1]), file) if path}
        for path in first_of_each.values():
            parents = path.resolve().parents
            if parents[0] == out.resolve() or (out / case).resolve() in parents:
                raise OutputError(f"The output folder {out} is where the source {path.name} lies; choose another one.")
