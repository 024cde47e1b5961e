"""What the values of label maps lose when they are resampled."""

from __future__ import annotations

from ..core.values import label_values
from ..core.volume import SourceVolume

_SHOWN = 10


def vanished_labels(name: str, before: SourceVolume, after: SourceVolume) -> tuple[str, ...]:
    """Return a sentence on the values of a label map that no voxel of the resampled one has; nothing where all stay.

    Args:
        name: of the label set.
        before: as it was read.
        after: on the grid that is cut.
    """
    lost = sorted(_values(before) - _values(after))
    if not lost:
        return ()
    shown = ", ".join(f"{value:g}" for value in lost[:_SHOWN]) + (", ..." if len(lost) > _SHOWN else "")
    values, vanish, they = ("value", "vanishes", "it marks") if len(lost) == 1 else ("values", "vanish", "they mark")
    return (
        f"Resampling loses labels of '{name}': the {values} {shown} {vanish}, "
        f"since no voxel centre of the grid that is cut lies in what {they}.",
    )


def _values(label: SourceVolume) -> set[float]:
    """Return the values of a label map, of all of its frames."""
    return set().union(*map(label_values, label.frames_kji))
