"""To which volume of a scene a stitched one belongs; no Qt."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slab_exporter.core.errors import InputError
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.core.manifest import Manifest
from slab_exporter.mrml.nodes import node_geometry, voxels_kji
from slab_exporter.volumes.held.headers import file_of_node


def volume_of(nodes: Iterable[Any], manifest: Manifest, folder: Path) -> Any | None:
    """Return the volume node from which a case was cut; None where it is not in the scene.

    It is the one that was loaded from the source's file, or the one of the source's name on the source's grid.

    Args:
        nodes: scalar volume nodes.
        manifest: of the case.
        folder: in which the manifest lies.
    """
    source, volumes = manifest.source, list(nodes)
    if source.path is not None:
        path = (folder / source.path).resolve()
        loaded = next((node for node in volumes if _is_file_of(node, path)), None)
        if loaded is not None:
            return loaded
    return next((n for n in volumes if n.GetName() == source.node and is_on_grid(n, source.geometry)), None)


def is_on_grid(node: Any, grid: VolumeGeometry) -> bool:
    """Return whether a volume node has the voxels of a grid, with k in the same order or reversed."""
    try:
        voxels_kji(node)
    except InputError:
        return False
    held = node_geometry(node)
    return any(grid.difference(one).is_same_grid() for one in (held, held.k_reversed()))


def _is_file_of(node: Any, path: Path) -> bool:
    file = file_of_node(node)
    return file is not None and file.resolve() == path
