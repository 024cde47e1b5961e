"""Parts of the data set, training, validation and test: what folders state, and what a split deals out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.naming import volume_stem
from ..core.text import counted
from ..report.dataset import PARTS, UNLABELLED, main_label_set, split_groups
from .case import Case
from .conventions import part_of
from .places import absolute, part_by_role, part_by_word

TRAINING, VALIDATION, TEST = PARTS
# A part's share of the cases may be off by so much where groups differ in size.
_NOTED = 0.1


def with_parts(cases: list[Case]) -> list[Case]:
    """The cases with the part that names and folders state: imagesTs, "test" beside "training"; "" where they do not.

    A folder "test" alone may be anybody's; it is a part where its neighbours are others.
    """
    paths = [absolute(case.image) for case in cases]
    try:
        common = len(Path(os.path.commonpath([path.parent for path in paths])).parts) if paths else 0
    except ValueError:  # on several drives
        common = 0
    seen: dict[Path, set[str]] = {}
    for path in paths:
        for parent, part in _words_of(path, common):
            seen.setdefault(parent, set()).add(part)
    return [
        replace(case, part=_stated(path) or _by_contrast(path, common, seen))
        for case, path in zip(cases, paths, strict=True)
    ]


def _stated(path: Path) -> str:
    roles = map(part_by_role, reversed(path.parent.parts))
    return part_of(path) or next(filter(None, roles), "")


def _words_of(path: Path, common: int) -> list[tuple[Path, str]]:
    """(parent, part) for each name on the way down to the image that says a part, the file's own first."""
    names = [(path.parent, volume_stem(path))] + [
        (Path(*path.parts[:depth]), path.parts[depth]) for depth in range(len(path.parts) - 2, common - 1, -1)
    ]
    return [(parent, part) for parent, name in names if (part := part_by_role(name) or part_by_word(name))]


def _by_contrast(path: Path, common: int, seen: dict[Path, set[str]]) -> str:
    return next((part for parent, part in _words_of(path, common) if len(seen[parent]) > 1), "")


@dataclass(frozen=True)
class Deal:
    """The part of each case.

    Attributes:
        parts: "training", "validation", "test" or "unlabelled", by the case's name.
        warnings: sentences on shares that are not met and on cases that were set apart.
    """

    parts: dict[str, str]
    warnings: tuple[str, ...] = ()


def deal(cases: Sequence[Case], shares: Sequence[float] | None, seed: int) -> Deal:
    """Assign each case to a part.

    What names and folders state stays: images of imagesTs are never trained on. The other groups are
    dealt out by the shares; without shares they are all for training. Where some cases have a label map,
    those without one are kept out of the parts that a loader reads with label maps.

    Args:
        cases: with groups and stated parts.
        shares: of training, validation and test, adding up to 1; None for no split.
        seed: of the split.
    """
    main = main_label_set(name for case in cases for name in case.labels)
    # A case whose label map is missing today is dealt as if it were there, so that it moves no other one tomorrow.
    labelled = {c.name: main is None or main in c.labels or c.problem is not None for c in cases}
    stated, mixed = _stated_parts(cases)
    groups = list(dict.fromkeys(_group(case) for case in cases if labelled[case.name]))
    dealt, of_shares = _deal_groups(groups, stated, shares, seed)
    test_has_labels = any(part == TEST for part in dealt.values()) and main is not None
    parts = {}
    for case in cases:
        group = _group(case)
        if labelled[case.name]:
            parts[case.name] = dealt[group]
        else:
            alone = stated.get(group) == TEST and not test_has_labels
            parts[case.name] = TEST if alone else UNLABELLED
    warnings = [*_mixed(mixed), *_unlabelled(cases, parts, labelled)]
    if shares is not None:
        warnings += _shares_not_met(cases, parts, dealt, shares, of_shares)
    return Deal(parts, tuple(warnings))


def _group(case: Case) -> str:
    return case.group or case.name


def _stated_parts(cases: Sequence[Case]) -> tuple[dict[str, str], list[str]]:
    """(validation or test for each group that states it, groups that state several parts)."""
    of_group: dict[str, set[str]] = {}
    for case in cases:
        of_group.setdefault(_group(case), set()).add(case.part or TRAINING)
    stated = {group: min(parts, key=PARTS.index) for group, parts in of_group.items()}
    mixed = [group for group, parts in of_group.items() if len(parts) > 1]
    return {group: part for group, part in stated.items() if part != TRAINING}, mixed


def _deal_groups(
    groups: list[str], stated: dict[str, str], shares: Sequence[float] | None, seed: int
) -> tuple[dict[str, str], int]:
    """(group -> part, how many groups the shares are of)."""
    fixed = {group: stated[group] for group in groups if group in stated}
    free = [group for group in groups if group not in fixed]
    if shares is None:
        return fixed | dict.fromkeys(free, TRAINING), 0
    there = Counter(fixed.values())
    wanted = dict(zip(PARTS, shares, strict=False))
    total = len(free) + sum(there[part] for part, share in wanted.items() if share > 0)
    if not there:
        return split_groups(free, shares, seed), total
    missing = [max(0.0, share * total - there[part]) for part, share in wanted.items()]
    rest = [n / sum(missing) for n in missing] if sum(missing) > 0 else [1.0]
    return fixed | split_groups(free, rest, seed), total


def _mixed(groups: list[str]) -> list[str]:
    if not groups:
        return []
    return [
        f"{counted(len(groups), 'group')} with images in folders of several parts (first: {groups[0]}) "
        f"{'goes' if len(groups) == 1 else 'go'} to one of them only, training before validation before test."
    ]


def _unlabelled(cases: Sequence[Case], parts: dict[str, str], labelled: dict[str, bool]) -> list[str]:
    without = [case.name for case in cases if not labelled[case.name]]
    if not without:
        return []
    where = Counter(parts[name] for name in without)
    listed = " and ".join(f"{count} under '{part}'" for part, count in sorted(where.items()))
    return [
        f"{counted(len(without), 'case')} of {len(cases)} without a label map (first: {without[0]}) "
        f"{'is' if len(without) == 1 else 'are'} listed apart from those with one in dataset.json: {listed}."
    ]


def _shares_not_met(
    cases: Sequence[Case], parts: dict[str, str], dealt: dict[str, str], shares: Sequence[float], total: int
) -> list[str]:
    """A sentence with the numbers, where a part is empty, off by a whole group, or far off in cases."""
    wanted = dict(zip(PARTS, shares, strict=False))
    groups = Counter(part for part in dealt.values() if wanted.get(part, 0) > 0)
    in_parts = Counter(part for part in parts.values() if wanted.get(part, 0) > 0)
    all_cases = sum(in_parts.values())
    empty = [part for part, share in wanted.items() if share > 0 and not groups[part]]
    off = any(abs(groups[part] - share * total) >= 1 for part, share in wanted.items())
    uneven = any(abs(in_parts[part] - share * all_cases) > _NOTED * all_cases for part, share in wanted.items())
    if not (empty or off or (uneven and all_cases != total)):
        return []
    asked = ", ".join(f"{part} {share:.3g}" for part, share in wanted.items())
    got = ", ".join(f"{part} {groups[part]} ({counted(in_parts[part], 'case')})" for part in wanted)
    stay = "part stays" if len(empty) == 1 else "parts stay"
    lead = f"The {' and '.join(empty)} {stay} empty" if empty else "The shares of the split are not met"
    dealt_out = f"{counted(total, 'group')} to deal {'gives' if total == 1 else 'give'}"
    return [f"{lead}: asked for {asked}; {dealt_out} {got}."]
