"""Find what is unusual about one case among many, by comparing it with the others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.geometry import VolumeGeometry
from ..core.volume import is_identity

# A spacing is unusual if it is this many times larger or smaller than the data set's median, and
# farther out than this many (robust) standard deviations: some data sets have all kinds. The median
# absolute deviation times 1.4826 estimates the standard deviation of a normal distribution; 3.5 of
# them is the limit of Iglewicz and Hoaglin (1993). Ratios are compared, hence logarithms.
UNUSUAL_SPACING = 2.0
UNUSUAL_DEVIATIONS = 3.5
_DEVIATIONS_OF_MAD = 1.4826
# An orientation is unusual if at most this share of the cases has it.
UNUSUAL_SHARE = 0.1
# With fewer cases nothing can be called usual.
FEWEST_CASES = 4
OBLIQUE_DEGREES = 5.0


@dataclass(frozen=True)
class CaseFacts:
    """Facts about a case that are compared.

    Attributes:
        name: of the case.
        geometry: of its image.
        dtype: of its voxels.
        content: check sum of its voxels, or of its file; None where unknown.
    """

    name: str
    geometry: VolumeGeometry
    dtype: str
    content: str | None = None


def find_outliers(cases: Sequence[CaseFacts]) -> dict[str, list[str]]:
    """Return, for each case that differs from the others, sentences about what sets it apart."""
    found: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        if is_identity(case.geometry):
            found[case.name].append("identity affine")
        if case.geometry.obliquity_degrees > OBLIQUE_DEGREES:
            found[case.name].append(f"oblique by {case.geometry.obliquity_degrees:.0f} degrees")
    _same_content(cases, found)
    if len(cases) >= FEWEST_CASES:
        _rare(cases, [case.geometry.orientation for case in cases], "orientation", found)
        _rare(cases, [case.dtype for case in cases], "voxel type", found)
        _unusual_spacing(cases, found)
    return dict(found)


def _rare(cases: Sequence[CaseFacts], values: Sequence[str], what: str, found: dict[str, list[str]]) -> None:
    counts = Counter(values)
    usual, most = counts.most_common(1)[0]
    for case, value in zip(cases, values, strict=True):
        if value != usual and counts[value] <= max(1, UNUSUAL_SHARE * len(cases)):
            found[case.name].append(f"{what} {value}, where {most} of {len(cases)} cases have {usual}")


def _unusual_spacing(cases: Sequence[CaseFacts], found: dict[str, list[str]]) -> None:
    """Compare spacings along the patient's axes, so that storage order makes no difference."""
    spacings = np.array([[c.geometry.spacing[c.geometry.index_axis(a)[0]] for a in range(3)] for c in cases])
    medians = np.median(spacings, axis=0)
    distances = np.abs(np.log(spacings / medians))
    usual = UNUSUAL_DEVIATIONS * _DEVIATIONS_OF_MAD * np.median(distances, axis=0)
    limits = np.maximum(np.log(UNUSUAL_SPACING), usual)
    for case, spacing, distance in zip(cases, spacings, distances, strict=True):
        for axis, name in enumerate(("left-right", "front-back", "up-down")):
            if distance[axis] > limits[axis]:
                found[case.name].append(
                    f"spacing {spacing[axis]:.3g} mm {name}, where the median is {medians[axis]:.3g} mm"
                )


def _same_content(cases: Sequence[CaseFacts], found: dict[str, list[str]]) -> None:
    by_content: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        if case.content is not None:
            by_content[case.content].append(case.name)
    for names in by_content.values():
        for name in names if len(names) > 1 else ():
            others = [other for other in names[:4] if other != name]
            found[name].append(f"same voxels as {', '.join(others[:3])}{', ...' if len(names) > 4 else ''}")
