"""Reasons why a volume cannot be exported, as far as they can be seen before; no Qt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from slab_exporter.core.errors import InputError, OutputError
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.core.options import LabelOptions
from slab_exporter.core.placing.placed import Named, place_on
from slab_exporter.export.from_scene import label_sets, require_apart_from_sources, require_free_place
from slab_exporter.mrml.nodes import node_geometry, require_no_transform, voxels_kji

from ..translation import tr as _


def require_usable_label(node: Any, volume: Any, geometry: VolumeGeometry) -> None:
    """Refuse a label node that the export would refuse, as far as that can be seen at once.

    Args:
        node: label map or segmentation node.
        volume: the node that is cut.
        geometry: of the volume, in the order of its file.

    Raises:
        InputError: with the reason.
    """
    name = node.GetName()
    if node is volume:
        raise InputError(f"'{name}' is chosen as the volume and as a label map.")
    require_no_transform(node)
    if node.IsA("vtkMRMLSegmentationNode"):
        if node.GetSegmentation() is None or node.GetSegmentation().GetNumberOfSegments() == 0:
            raise InputError(f"The segmentation '{name}' holds no segment.")
        return
    voxels_kji(node)
    held = node_geometry(node)
    place_on(Named("the volume", geometry), Named(f"'{name}'", held), "labels", LabelOptions())


def output_folder(text: str) -> Path:
    """Return the folder that a user chose or typed; it may not be there yet.

    Raises:
        OutputError: none is chosen, it is not a full path, or it is probably mistyped.
    """
    if not text.strip():
        raise OutputError(_("Choose the folder to write to."))
    out = Path(text.strip()).expanduser()
    if not out.is_absolute():
        raise OutputError(f"'{out}' is not a full path; choose the folder with the button.")
    if not out.exists() and not out.parent.is_dir():
        raise OutputError(f"Neither the folder {out} nor the one it would lie in exists; is it mistyped?")
    return out


def require_usable_output(out: Path, case: str, volume: Any, labels: tuple[Any, ...], replace: bool) -> None:
    """Refuse a folder that cannot be written to, that holds sources or other things, or holds the case already.

    Raises:
        OutputError: with the reason.
    """
    require_apart_from_sources(out, case, [volume, *label_sets(labels).values()])
    require_free_place(out, case, replace)
    folder = out if out.exists() else out.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"You are not allowed to write to the folder {folder}; choose another one.")
