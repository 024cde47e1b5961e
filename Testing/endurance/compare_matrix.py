"""Measures how sure ``compare`` may be: thousands of pairs whose relation is known, counted by kind.

    python compare_matrix.py --every 1 --output compare_matrix.md

Required: no certain answer that is wrong, and at least 95 % of the honest pairs (exact rearrangements, whole or in
part, equal, rescaled or with moderate noise) certain. Real images are used where SLABEXPORTER_TEST_DATA names them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, product
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "SlabExporter")]

# ruff: noqa: E402
from slab_exporter.compare.comparison import Comparison, compare_volumes
from slab_exporter.compare.matching import without_border
from slab_exporter.core.geometry import VolumeGeometry
from support.compare_false_friends import (
    deformed_pairs,
    edited_pairs,
    moved_pairs,
    repeated_pairs,
    tiny_pairs,
    unrelated_pairs,
)
from support.compare_pairs import SPACING, Pair, honest_pairs

# Half a voxel: what "the same place" allows.
TOLERANCE = 0.5
LEAST_HONEST = 0.95
FAMILIES = (honest_pairs, moved_pairs, deformed_pairs, edited_pairs, unrelated_pairs, repeated_pairs, tiny_pairs)


@dataclass
class Count:
    """Answers to the pairs of one kind."""

    honest: bool = False
    pairs: int = 0
    certain: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)


def all_pairs(every: int, data: Path | None, first: int = 0, seed: int = 0) -> Iterator[tuple[int, Pair]]:
    """The pairs with their numbers, or each ``every``-th from the ``first``."""
    builders = chain.from_iterable(family(data) for family in FAMILIES)
    return ((n, build(np.random.default_rng(n + seed))) for n, build in enumerate(builders) if n % every == first)


def compared(pair: Pair) -> Comparison:
    """What compare finds."""
    return compare_volumes(
        pair.reference,
        VolumeGeometry(pair.reference.shape, pair.reference_affine),
        pair.other,
        VolumeGeometry(pair.other.shape, pair.other_affine),
    )


def fault(pair: Pair, found: Comparison) -> str:
    """What is wrong with a certain answer; empty if it is right, or not certain."""
    if not found.is_certain:
        return ""
    if pair.true is None:
        return "unrelated volumes"
    corners = np.array([[*index, 1.0] for index in product(*((0, n - 1) for n in pair.other.shape))]).T
    thin = np.array([n == 1 for n in pair.other.shape])
    apart = np.linalg.inv(pair.true) @ found.true_geometry().affine_ras @ corners - corners
    if np.abs(apart[:3][~thin]).max(initial=0) > 0.01:
        return "another place"
    far = largest_motion(pair, found)
    if far > TOLERANCE:
        return f"content moved by {far:.2f} voxels"
    if found.bound_mm is not None and far * SPACING > found.bound_mm + TOLERANCE / 4 * SPACING:
        return f"content moved by {far * SPACING:.2f} mm, at most {found.bound_mm:.2f} are stated"
    intensity = found.match.intensity
    if pair.differing is not None and not found.match.border:
        counted = 0 if intensity is None or intensity.differing is None else intensity.differing.count
        if counted != pair.differing:
            return f"{counted} voxels said to differ, {pair.differing} do"
    return ""


def largest_motion(pair: Pair, found: Comparison) -> float:
    """In voxels, where something is said: not in a constant border that was set aside."""
    moved = np.broadcast_to(pair.moved, pair.other.shape)
    if found.match.border:
        inner, start = without_border(pair.other)
        moved = moved[tuple(slice(a, a + n) for a, n in zip(start, inner.shape, strict=True))]
    return float(moved.max())


def count_pairs(
    every: int = 1, data: Path | None = None, progress: int = 0, first: int = 0, seed: int = 0
) -> dict[str, Count]:
    """Compare them all; counts by kind."""
    counts: dict[str, Count] = {}
    start = time.monotonic()
    for done, (n, pair) in enumerate(all_pairs(every, data, first, seed), 1):
        found = compared(pair)
        count = counts.setdefault(pair.kind, Count(pair.honest))
        count.pairs += 1
        count.certain += found.is_certain
        if text := fault(pair, found):
            count.wrong += 1
            count.examples.append(f"{pair.kind}, pair {n}: {text}; {found.match.status}, {found.match.intensity}")
        elif pair.honest and not found.is_certain:
            count.examples.append(f"{pair.kind}, pair {n}: not certain: {found.match.reason}")
        if progress and done % progress == 0:
            print(f"{done} pairs, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return counts


def honest_share(counts: dict[str, Count]) -> float:
    """Part of the honest pairs that are answered with certainty."""
    honest = [count for count in counts.values() if count.honest]
    return sum(count.certain for count in honest) / max(1, sum(count.pairs for count in honest))


def table(counts: dict[str, Count]) -> str:
    """One row a kind."""
    rows = ["| pairs | number | certain | of these wrong |", "| --- | ---: | ---: | ---: |"]
    rows += [f"| {kind} | {c.pairs} | {c.certain} | {c.wrong} |" for kind, c in counts.items()]
    total = [sum(getattr(c, name) for c in counts.values()) for name in ("pairs", "certain", "wrong")]
    return "\n".join([*rows, f"| all | {total[0]} | {total[1]} | {total[2]} |"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="only each N-th pair")
    parser.add_argument("--first", type=int, default=0, help="with --every: the number of the first pair")
    parser.add_argument("--seed", type=int, default=0, help="other noise, masks and deformations")
    parser.add_argument("--examples", type=int, default=3, help="so many faults are shown a kind")
    parser.add_argument("--output", type=Path, help="write the table here, too")
    options = parser.parse_args()
    data = os.environ.get("SLABEXPORTER_TEST_DATA")
    start = time.monotonic()
    counts = count_pairs(options.every, Path(data) if data else None, 200, options.first, options.seed)
    share, wrong = honest_share(counts), sum(count.wrong for count in counts.values())
    text = (
        f"{table(counts)}\n\n{100 * share:.1f} % of the honest pairs are certain; {wrong} certain answers are wrong.\n"
    )
    print(text)
    for count in counts.values():
        print(*count.examples[: options.examples], sep="\n", end="\n" if count.examples else "")
    print(f"{time.monotonic() - start:.0f} s")
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    return 1 if wrong or share < LEAST_HONEST else 0


if __name__ == "__main__":
    sys.exit(main())
