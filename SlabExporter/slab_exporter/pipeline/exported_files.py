"""The volume files of a finished case, as another program loads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputError
from ..core.manifest import Manifest
from ..core.naming import volume_extension, volume_stem
from ..files.disk import written_part
from .formats.table import kind_of


@dataclass(frozen=True)
class SlabFile:
    """One file to load.

    Attributes:
        path: of the volume file.
        name: for the node.
        is_label: whether it is a label map.
        holds_frames: whether it holds several frames.
        dtype: of its voxels, by numpy's name; None where the manifest does not say.
    """

    path: Path
    name: str
    is_label: bool
    holds_frames: bool = False
    dtype: str | None = None


def slab_files(path: Path, manifest: Manifest, labels: bool) -> list[SlabFile]:
    """The files of an export, images before their label maps, in numbering order.

    Args:
        path: of the manifest, or of its folder.
        manifest: as read from there.
        labels: include the label maps.

    Raises:
        InputError: a file is missing, or is a DICOM folder.
    """
    folder = path if path.is_dir() else path.parent
    together = manifest.frames is not None and not manifest.frames.apart
    several = {name for name, source in manifest.label_sources.items() if source.frames is not None}
    found = []
    for slab in manifest.slabs:
        found.append(_file(folder, slab.image, None, together, manifest.source.dtype))
        if labels:
            for name, relative in slab.labels.items():
                source = manifest.label_sources.get(name)
                found.append(_file(folder, relative, name, name in several, None if source is None else source.dtype))
    return found


def _file(folder: Path, relative: str, label_set: str | None, holds_frames: bool, dtype: str | None) -> SlabFile:
    path = written_part(folder, relative)
    if not path.exists():
        raise InputError(f"{path}, which the manifest names, is missing.")
    if not kind_of(path).is_volume_file or volume_extension(path) is None:
        raise InputError(f"{path} is not a volume file; load DICOM slabs with Slicer's DICOM module.")
    name = volume_stem(path)
    shown = name if label_set is None else f"{name} {label_set}"
    return SlabFile(path, shown, label_set is not None, holds_frames, dtype)
