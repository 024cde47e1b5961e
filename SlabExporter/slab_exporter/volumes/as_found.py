"""What volume nodes hold at one time, and whether they still do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.errors import InputError
from ..core.volume import SourceVolume
from ..mrml.sequences import browser_of


class VoxelsAsFound:
    """Voxels of volume nodes, which others may change while they are being used; of other nodes nothing.

    What a sequence's browser shows is left out, too: its frames are used, not what is shown.
    """

    def __init__(self, nodes: Iterable[Any]) -> None:
        self._states = [(node, _state(node)) for node in nodes]

    def require_unchanged(self, volumes: Iterable[SourceVolume]) -> None:
        """Refuse nodes whose voxels were used themselves, and have been changed or exchanged since.

        Args:
            volumes: what was made of each node. One with a path was read from there.

        Raises:
            InputError: naming the first of them.
        """
        for (node, state), volume in zip(self._states, volumes, strict=True):
            if volume.path is None and _state(node) != state:
                raise InputError(f"'{node.GetName()}' was changed while it was being exported; export again.")


def _state(node: Any) -> int | None:
    if not node.IsA("vtkMRMLVolumeNode") or browser_of(node) is not None:
        return None
    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars() if image is not None else None
    return None if scalars is None else int(scalars.GetMTime())  # VTK gives no number twice
