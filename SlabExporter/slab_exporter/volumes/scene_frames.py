"""Sequences and multi-volumes of a user's scene as source volumes: from their file where it still says the same."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..attended import beside, in_scene
from ..core.errors import Cancelled, InputError, SlabExporterError
from ..core.progress import Progress, no_progress
from ..core.several.choice import chosen_frames
from ..core.several.frames import FrameStack
from ..core.text import Option, Sentence
from ..core.volume import SourceVolume
from ..interrupts import end_if_abandoned
from ..mrml.nodes import node_geometry, require_no_transform, voxels_kji
from ..mrml.runtime import SlicerRuntime
from ..mrml.sequences import FrameViews, HeldFrames, ShownFrame, frames_in_memory, held_frames
from ..mrml.volume_files import geometry_warnings
from .choice import FileVolume
from .held.headers import are_reversed_when_cut, file_of_node, header_freedom
from .held.reasons import differing, gone, unreadable
from .reading import open_volume
from .same_volume import k_order, same_values
from .scene_images import Archive, InstanceFiles, images_of_frames, images_of_node
from .scene_series import frames_of_images
from .scene_volumes import order_words, scene_volume


def node_volume(
    runtime: SlicerRuntime,
    node: Any,
    frames: str | None = None,
    frame: int | None = None,
    progress: Progress = no_progress,
    archive: Archive | None = None,
) -> SourceVolume:
    """Return a volume node as a source, with the frames of its sequence or multi-volume that are asked for.

    Neither the node nor what it shows is changed.

    Args:
        runtime: with a private scene for reading files.
        node: scalar volume node, perhaps one that shows a frame of several.
        frames: which frames are read together, as ``core.several.choice`` has it; None: one.
        frame: which one is read alone; None with ``frames`` None: the one that is shown, about which a warning speaks.
        progress: called while files are read and compared, as ``attended.beside`` says.
        archive: where the DICOM images of a node are looked for; None for nowhere.

    Raises:
        InputError: there is no such frame, the frames differ in place or type, or the node cannot be used.
    """
    held, archive = held_frames(node), archive or Archive()
    if held is None:
        _require_first(node, frames, frame)
        return scene_volume(runtime, node, progress, images_of_node(node, archive))
    require_no_transform(node)
    database = archive.database
    if frames is None and frame is None:
        return _shown(runtime, node, held, progress, database)
    numbers = numbers_in_scene(node, frames, frame)
    return beside(lambda _: frames_of(runtime, held, numbers, database), progress)


def numbers_in_scene(node: Any, frames: str | None, frame: int | None) -> tuple[int, ...]:
    """Return which frames of a node's sequence or multi-volume are asked for, as the scene counts them.

    The series that they were loaded from may count them otherwise, and so may what is made of it.

    Args:
        node: volume node.
        frames: which are read together; None: one.
        frame: which one alone; None with ``frames`` None: the one that is shown.

    Returns:
        Their numbers, from 0; none of a node that holds one volume.

    Raises:
        InputError: there is no such frame.
    """
    held = held_frames(node)
    if held is None:
        return ()
    if frames is None and frame is None:
        return (held.shown,)
    return chosen_frames(str(frame) if frames is None else frames, held.count, f"'{held.kept.GetName()}'")


def _require_first(node: Any, frames: str | None, frame: int | None) -> None:
    """Refuse another frame than the first of a node that holds one volume.

    Raises:
        InputError: there is no such frame.
    """
    name = f"'{node.GetName()}'"
    if frames is not None:
        chosen_frames(frames, 1, name)
    elif frame not in (None, 0):
        unused = Option.to("frame", frame)
        raise InputError(f"{name} holds one volume; ", unused, " does not exist (use 0 or leave it out).")


def _shown(
    runtime: SlicerRuntime, node: Any, held: HeldFrames, progress: Progress, database: InstanceFiles | None
) -> SourceVolume:
    """Return the frame that a node shows, which is not the sequence's own where the node was changed alone."""
    frame = ShownFrame(str(held.kept.GetName()), held.shown, held.count)
    if node is held.kept or beside(lambda _: _is_as_kept(node, held), progress):
        volume = beside(lambda _: frames_of(runtime, held, (held.shown,), database), progress)
    else:
        volume = scene_volume(runtime, node, progress, images_of_node(node, Archive(database)))
    return replace(volume, warnings=(*volume.warnings, frame.sentence(node.GetName())))


def _is_as_kept(node: Any, held: HeldFrames) -> bool:
    """Return whether a node shows the voxels of its frame, where they lie."""
    own, kept = in_scene(lambda: (voxels_kji(node), held.voxels_kji(held.shown)))
    place, kept_place = in_scene(lambda: (node_geometry(node), held.geometry(held.shown)))
    return place.difference(kept_place).is_within(place.position_tolerance()) and same_values(own, kept)


def frames_of(
    runtime: SlicerRuntime, held: HeldFrames, numbers: tuple[int, ...], database: InstanceFiles | None = None
) -> SourceVolume:
    """Return frames by their numbers: those of the DICOM images or the file that hold the same, else the scene's.

    Raises:
        InputError: they are of several grids or types, or one is not a volume.
    """
    views, images = in_scene(lambda: (frames_in_memory(held, numbers), images_of_frames(held, database)))
    if images is None:
        return _stored_or_held(runtime, held, views, numbers)
    name = in_scene(lambda: str(held.kept.GetName()))
    if images.lost:
        return _of_scene(held, views, numbers, images.lost_sentence(name))
    try:
        found = frames_of_images(name, in_scene(lambda: held.geometry(numbers[0])), views, numbers, images)
    except Cancelled:
        raise
    except SlabExporterError as error:
        why = error.sentence.without_full_stop()
        return _of_scene(held, views, numbers, Sentence(f"The DICOM images of '{name}' cannot be read (", why, ")"))
    if isinstance(found, SourceVolume):
        return found
    volume = found[0].of(_of_scene(held, views, numbers, found[0].reason), is_label=False)
    stack = volume.frames
    planes = tuple(one.source_of(volume) for one in found)
    return volume if stack is None else replace(volume, frames=replace(stack, planes=planes))


def _stored_or_held(
    runtime: SlicerRuntime, held: HeldFrames, views: FrameViews, numbers: tuple[int, ...]
) -> SourceVolume:
    """Return frames of the file where it holds the same, else those of the scene."""
    path = in_scene(lambda: file_of_node(held.kept))
    name, is_changed = in_scene(lambda: (str(held.kept.GetName()), bool(held.kept.GetModifiedSinceRead())))
    if path is None:
        return _of_scene(held, views, numbers, f"The frames of '{name}' have never been saved as one volume file")
    if not path.is_file():
        return _of_scene(held, views, numbers, gone(path, name))
    try:
        stored = open_volume(runtime, FileVolume(path, frames=",".join(map(str, numbers))))
    except Cancelled:
        raise
    except SlabExporterError as error:
        return _of_scene(held, views, numbers, unreadable(name, error))
    order = _same_frames(stored, held, views, numbers)
    if order is None:
        return _of_scene(held, views, numbers, differing(path, name, is_changed))
    loaded = in_scene(lambda: held.geometry(numbers[0])).affine_ras
    return stored if order == "same" else replace(stored, loaded_affine_ras=loaded)


def _of_scene(held: HeldFrames, views: FrameViews, numbers: tuple[int, ...], reason: str | Sentence) -> SourceVolume:
    """Return frames as they lie in the scene, with the reason for which no file is read."""
    index, place = in_scene(lambda: (held.index, held.geometry(numbers[0])))
    is_reversed = in_scene(lambda: are_reversed_when_cut(held, numbers[0], place))
    geometry, views = (place.k_reversed(), views.k_reversed()) if is_reversed else (place, views)
    step, unit, start = index.times() or (0.0, "", 0.0)
    stack = FrameStack(views, numbers, held.count, step, unit, start, index=index.chosen(numbers))
    sha256 = hashlib.sha256()
    for n in range(len(views)):
        end_if_abandoned()
        sha256.update(views[n].data)
    text = Sentence(reason, ": the slabs are cut from the frames in Slicer's scene, ", order_words(is_reversed))
    return SourceVolume(
        name=in_scene(lambda: str(held.kept.GetName())),
        path=None,
        sha256=sha256.hexdigest(),
        geometry=geometry,
        voxels_kji=views[0],
        frame=numbers[0],
        frames=stack if len(numbers) > 1 else None,
        loaded_affine_ras=place.affine_ras if is_reversed else None,
        warnings=(*geometry_warnings(geometry), text),
    )


def _same_frames(stored: SourceVolume, held: HeldFrames, views: FrameViews, numbers: tuple[int, ...]) -> str | None:
    """Return the order along k in which a file and the scene hold the same frames; None where they do not."""
    order = k_order(stored.geometry, in_scene(lambda: held.geometry(numbers[0])), header_freedom(Path(stored.name)))
    stack = stored.frames
    if order is None or (stack is not None and not in_scene(lambda: _same_index(stack, held, numbers))):
        return None
    for n in range(len(views)):
        theirs = views[n] if order == "same" else views[n][::-1]
        if not same_values(stored.voxels_kji if stack is None else stack.voxels_fkji[n], theirs):
            return None
    return order


def _same_index(stack: FrameStack, held: HeldFrames, numbers: tuple[int, ...]) -> bool:
    """Return whether a file orders its frames by what the scene does; one that does not say leaves it open."""
    index = stack.index
    if index is None:
        return stack.of == held.count and held.index.values == tuple(map(str, range(held.count)))
    return stack.of == held.count and index == held.index.chosen(numbers)
