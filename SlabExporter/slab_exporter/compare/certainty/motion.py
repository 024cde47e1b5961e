"""Whether OTHER's content moved against REFERENCE's: block by block, before anything is called certain.

A picture that moved by u voxels differs by r = u . g, where g is the gradient of what REFERENCE predicts
(Lucas and Kanade 1981). Least squares over a block give u and its standard error; the same over all blocks,
with u an affine function of place, bounds rotation, scaling and shift at the corners. Three further marks
of a picture that is not a copy: residuals that are correlated with their neighbours; fine detail that
comes back weaker than coarse detail does (interpolation, smoothing, noise of another acquisition); edges
that are not where they were although everything else is equal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...core.geometry import Box, FloatArray
from ...core.index_map import IndexMap
from ..regression import Regression, Samples
from .block_sums import PAIRS, BlockSums, block_sums
from .chance import content_bits, evidence_bits
from .intensity import Difference
from .registration import largest_step, registered
from .response import Placed, Response, box_there
from .surroundings import Surroundings

# Voxels. A block whose standard error is larger says nothing about motion in that direction.
_TELLING_ERROR = 0.1
# A smaller motion of a block is allowed for; what bounds the whole must stay below the second.
_SMALL_MOTION, _LARGEST_BOUND = 0.1, 0.5
# Standard errors: of one block among many, and of the bound on the whole.
_BLOCK_ERRORS, _BOUND_ERRORS = 5.0, 4.0
# Part of the telling voxels of a block that may have changed before it is suspected, and before it counts as edited.
# Where edges of all directions moved by half a voxel along one axis, a twelfth of the voxels beside them changed.
_CHANGED, _CHANGED_WIDELY, _LEAST_TELLING = 0.05, 0.15, 4
# Part of the changed voxels whose value must stand nearby for a motion to be possible.
_NEARBY = 0.7
# Part of the volume's width that a slice spans which was edited as a whole.
_WIDE = 0.5
# So few changed voxels, or so small a part of all, are no motion.
_FEW, _FEW_OF_ALL = 2, 1e-5
# Part of the telling blocks that may have been edited.
_EDITED_BLOCKS = 0.1
# By how much fine detail may come back weaker, or stronger, over the whole and in a block.
_FINE_LOSS, _FINE_LOSS_IN_BLOCK, _FINE_ERROR = 0.1, 0.25, 0.05
# Correlation of neighbouring residuals: over the whole and in a block.
_STRUCTURE, _STRUCTURE_IN_BLOCK = 0.1, 0.3
# Residuals that are a smaller part of the spread are too small to matter.
_NEGLIGIBLE = 1e-3
# A block whose steps have a smaller part of the mean energy holds no content that could be seen to move.
_CONTENT = 0.1
_MOST_LOOKED_AT = 300
# Part of the blocks looked at in which motion explains what changed: fewer do so by chance, at edges.
_MOVED_BLOCKS = 0.25
# Rounding that is a smaller part of the spread hides no motion.
_FINE_ROUNDING = 0.02
# More evidence than is ever asked for.
_BITS = 1000.0


@dataclass(frozen=True)
class Motion:
    """Knowledge of residual motion.

    Attributes:
        fault: a sentence, if OTHER is not, or not provably, an unmoved copy; else empty.
        blocks: how many blocks show motion, if there is any.
        largest: the largest motion found in a block, as a vector in voxels along OTHER's i, j, k.
        bound: no content moved further, in voxels along OTHER's i, j, k; None: not bounded.
        moved: whether motion was found.
        matrix: 4x4, index of a voxel of OTHER -> index where REFERENCE has its content, where one affine motion
            explains much of what differs; else None.
        bits: what the agreement is worth, as evidence against chance.
    """

    fault: str = ""
    blocks: int = 0
    largest: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bound: tuple[float, float, float] | None = None
    moved: bool = False
    bits: float = 0.0
    matrix: FloatArray | None = None

    @property
    def is_of_another_image(self) -> bool:
        """Return whether the residual is no mere noise."""
        return self.moved or self.fault in (STRUCTURED, SOFTENED)

    def along(self, index_map: IndexMap) -> Motion:
        """Return the same with vectors along the axes of an OTHER, given along those of its REFERENCE."""
        rotated = [
            None if v is None else tuple(sign * v[axis] for axis, sign in zip(index_map.axes, signs, strict=True))
            for v, signs in ((self.largest, index_map.signs), (self.bound, (1, 1, 1)))
        ]
        there = index_map.matrix
        matrix = None if self.matrix is None else np.linalg.inv(there) @ np.linalg.inv(self.matrix) @ there
        return replace(self, largest=rotated[0], bound=rotated[1], matrix=matrix)  # type: ignore[arg-type]


def judge_motion(placed: Placed, samples: Samples, differing: Difference | None) -> Motion:
    """Look for residual motion, and estimate it where there is any.

    Args:
        placed: OTHER inside REFERENCE.
        samples: of both volumes.
        differing: voxels that do not follow the response, by a look at every voxel.
    """
    motion = _judged(placed, samples, differing)
    if motion.fault in ("", _UNBOUNDED) or (matrix := registered(placed)) is None:
        return motion
    step = largest_step(placed, matrix)
    if np.max(np.abs(step)) <= _LARGEST_BOUND and not motion.moved:
        return motion
    i, j, k = step.tolist()
    return replace(motion, fault=_MOVED, largest=(i, j, k), moved=True, matrix=matrix)


def _judged(placed: Placed, samples: Samples, differing: Difference | None) -> Motion:
    response = placed.response
    if response.noise == 0 and response.rounding <= _FINE_ROUNDING * float(samples.other.std()):
        bits = content_bits(placed.other, _BITS)
        if differing is None:
            return Motion(bits=bits)
        # every voxel outside the box is equal: no motion there
        only = box_there(placed.map.inverse(), differing.box)
        return replace(_moved(placed, block_sums(placed, only), _is_a_slice(only, placed.other.shape)), bits=bits)
    predicted = response.predicted(samples.values(placed.map))
    correlation = Regression.linear(predicted, samples.other).correlation
    sums = block_sums(placed)
    motion = replace(_moved(placed, sums), bits=evidence_bits(sums, correlation, predicted))
    if motion.fault:
        return motion
    fault = _unlike_a_copy(sums.merged(2), correlation)
    bound = _bound(sums, placed.other.shape)
    if max(bound) > _LARGEST_BOUND:
        return replace(motion, fault=fault or _UNBOUNDED)
    return replace(motion, fault=fault, bound=bound)


def _is_a_slice(box: Box, shape: tuple[int, ...]) -> bool:
    """Return whether a box is one voxel thick and about as wide as the volume."""
    wide = sorted(n / m for n, m in zip(box.shape, shape, strict=True) if n > 1)
    return min(box.shape) == 1 and len(wide) == 2 and wide[0] >= _WIDE


def _may_have_moved(surroundings: list[Surroundings], suspect: npt.NDArray[np.bool_], voxels: float) -> bool:
    """Return whether values that changed stand nearby in REFERENCE, in one block or in most: edges, for instance."""
    if any(
        around.nearby >= _NEARBY * around.changed for around, it_is in zip(surroundings, suspect, strict=True) if it_is
    ):
        return True
    changed, nearby = (sum(getattr(around, name) for around in surroundings) for name in ("changed", "nearby"))
    return bool(changed > max(_FEW, _FEW_OF_ALL * voxels) and nearby >= changed / 2)


def _moved(placed: Placed, sums: BlockSums, in_one_slice: bool = False) -> Motion:
    """Return whether blocks moved, or may have, or changed so widely that it cannot be told.

    Args:
        placed: OTHER inside REFERENCE.
        sums: over blocks in which something changed.
        in_one_slice: whether all that changed lies in one slice: then not because the picture was deformed.
    """
    blocks = sums.merged(2)
    for some in (blocks, sums):
        moved, motion = _moved_blocks(some, placed.response)
        if moved.any():
            return Motion(_MOVED, int(moved.sum()), _largest(motion, moved), moved=True)
    looked_at = np.argwhere(sums.outside > 0)
    order = np.argsort(-sums.outside[sums.outside > 0], kind="stable")[:_MOST_LOOKED_AT]
    surroundings = [Surroundings(placed, sums.box(block)) for block in looked_at[order]]
    suspect = ((sums.outside >= _LEAST_TELLING) & (sums.changed > _CHANGED * sums.telling))[sums.outside > 0][order]
    steps = [around.shift for around, is_suspect in zip(surroundings, suspect, strict=True) if is_suspect]
    moving = [step for step in steps if step != (0.0, 0.0, 0.0)]
    if moving and len(moving) >= _MOVED_BLOCKS * len(steps):
        return Motion(_MOVED, len(moving), max(moving, key=lambda s: float(np.linalg.norm(s))), moved=True)
    if not in_one_slice and _may_have_moved(surroundings, suspect, float(sums.size.sum())):
        return Motion(_MAY_HAVE_MOVED)
    changed = (blocks.telling >= _LEAST_TELLING) & (blocks.changed > _CHANGED_WIDELY * blocks.telling)
    too_many = changed.sum() > max(1, _EDITED_BLOCKS * changed.size)
    return Motion(_EDITED_WIDELY) if too_many else Motion()


_MOVED = "OTHER's content moved against REFERENCE's: rotated, scaled, shifted by part of a voxel, or deformed."
_MAY_HAVE_MOVED = "where OTHER differs from REFERENCE, its content may have moved: such values stand nearby."
_EDITED_WIDELY = "OTHER differs from REFERENCE over too wide a part to tell whether the rest was moved."
_UNBOUNDED = "there is too little content, or too much noise, to exclude that OTHER was moved by half a voxel or more."
STRUCTURED = "what differs is no mere noise: OTHER was filtered or resampled, or shows something else."
SOFTENED = "fine detail of REFERENCE is not in OTHER: it was filtered or resampled, or is another acquisition."


def _moved_blocks(sums: BlockSums, response: Response) -> tuple[npt.NDArray[np.bool_], FloatArray]:
    """(which blocks moved, their motion in voxels along i, j, k with NaN where it is not known)."""
    normal = np.zeros((*sums.count.shape, 3, 3))
    for n, (a, b) in enumerate(PAIRS):
        normal[..., a, b] = normal[..., b, a] = sums.gg[..., n]
    values, vectors = np.linalg.eigh(normal)
    along = np.einsum("...ab,...a->...b", vectors, sums.gr)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = along / values
        explained = np.sum(np.where(values > 0, along * steps, 0.0), axis=-1)
        variance = np.maximum(sums.rr - explained, 0) / np.maximum(sums.count - 3, 1)
        error = np.sqrt(np.maximum(variance, _least_variance(response, normal, sums.count))[..., None] / values)
    known = (values > 1e-9 * np.max(values, initial=1e-300)) & (error <= _TELLING_ERROR)
    moved = known & (np.abs(steps) > np.maximum(_SMALL_MOTION, _BLOCK_ERRORS * error))
    motion = np.einsum("...ab,...b->...a", vectors, np.where(known, steps, 0.0))
    motion[~known.any(axis=-1)] = np.nan
    return moved.any(axis=-1), motion


def _least_variance(response: Response, normal: FloatArray, count: FloatArray) -> FloatArray:
    """Of rounding; where there is none, a thousandth of the picture's own steps."""
    steps = np.trace(normal, axis1=-2, axis2=-1) / np.maximum(count, 1)
    return np.maximum(response.rounding**2 / 12, 1e-6 * steps)


def _largest(motion: FloatArray, moved: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    if not moved.any():
        return 0.0, 0.0, 0.0
    rows = motion[moved]
    i, j, k = rows[int(np.argmax(np.linalg.norm(rows, axis=1)))].tolist()
    return i, j, k


def _unlike_a_copy(blocks: BlockSums, correlation: float) -> str:
    """Return the marks of interpolation, filtering or of another picture; empty where there are none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        count, rr, lag = (array.sum(axis=(0, 1, 2)) for array in (blocks.count, blocks.rr, blocks.lag))
        axes = [n for n, e in enumerate(blocks.edges) if e[-1] > 1]
        if 1 - correlation**2 > _NEGLIGIBLE and rr > 0:
            if np.mean(lag[axes]) / rr > _STRUCTURE + 4 / np.sqrt(count):
                return STRUCTURED
            inside = np.mean(blocks.lag[..., axes], axis=-1) / blocks.rr
            large = blocks.rr / blocks.count > _NEGLIGIBLE * rr / count
            if np.any(large & (inside > _STRUCTURE_IN_BLOCK + _BLOCK_ERRORS / np.sqrt(blocks.count))):
                return STRUCTURED
        total = blocks.fine.sum(axis=(0, 1, 2))
        if total[1] <= 0 or total[2] <= 0:
            return ""
        # noise is in the one of the two whose fine detail is larger
        own = 1 if total[1] <= total[2] else 2
        for sums, n, loss, errors in (
            (total, blocks.fine_count.sum(), _FINE_LOSS, _BOUND_ERRORS),
            (blocks.fine, blocks.fine_count, _FINE_LOSS_IN_BLOCK, _BLOCK_ERRORS),
        ):
            ratio = sums[..., 0] / sums[..., own]
            rest = np.maximum(sums[..., 1] + sums[..., 2] - 2 * sums[..., 0], 0)
            # neighbouring residuals of the mean of six share voxels: about twice the variance
            error = np.sqrt(2 * rest / np.maximum(n, 1) / sums[..., own])
            known = (sums[..., own] > 0) & ((error <= _FINE_ERROR) | (n == blocks.fine_count.sum()))
            if np.any(known & (np.abs(ratio - 1) > loss + errors * error)):
                return SOFTENED
    return ""


def _bound(sums: BlockSums, shape: tuple[int, ...]) -> tuple[float, float, float]:
    """Bound how far content may have moved along i, j and k, in voxels; infinite where nothing bounds it.

    Motion is taken as an affine function of place: 12 numbers, by least squares over all blocks.
    """
    centres = [(e[:-1] + e[1:] - 1) / 2 for e in sums.edges]
    grid = np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1)
    half = np.maximum((np.array(shape) - 1) / 2, 0.5)
    free = [n for n in range(3) if shape[n] > 1]
    place = np.concatenate([np.ones((*grid.shape[:3], 1)), (grid / half - 1)[..., free]], axis=-1)
    variance = float(sums.rr.sum()) / max(1.0, float(sums.count.sum()))
    normal = np.zeros((*sums.count.shape, 3, 3))
    for n, (a, b) in enumerate(PAIRS):
        normal[..., a, b] = normal[..., b, a] = sums.gg[..., n]
    width = place.shape[-1]
    matrix = np.einsum("xyzp,xyzq,xyzab->paqb", place, place, normal).reshape(3 * width, 3 * width)
    right = np.einsum("xyzp,xyza->pa", place, sums.gr).reshape(-1)
    values, vectors = np.linalg.eigh(matrix)
    if values[0] <= 1e-9 * values[-1]:
        return np.inf, np.inf, np.inf
    inverse = vectors @ np.diag(1 / values) @ vectors.T
    motion = (inverse @ right).reshape(width, 3)
    spread = (variance * inverse).reshape(width, 3, width, 3)
    steps = np.trace(normal, axis1=-2, axis2=-1)
    at = place[steps > _CONTENT * steps.mean()]
    error = np.sqrt(np.maximum(np.einsum("np,paqa,nq->na", at, spread, at), 0))
    # a single block may have moved by as much as is allowed for
    i, j, k = np.maximum(np.max(np.abs(at @ motion) + _BOUND_ERRORS * error, axis=0), _SMALL_MOTION).tolist()
    return i, j, k
