"""Compare two volume files, and fix the second one's geometry where that is possible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..core.errors import RequestError
from ..core.index_map import IDENTITY_AXES, IndexMap
from ..core.text import Option, Sentence
from ..core.volume import SourceVolume, geometry_facts
from ..interrupts import Beside
from ..mrml.runtime import SlicerRuntime, open_runtime
from ..volumes.choice import FileChoice, located
from ..volumes.reading import open_volume, read_ahead
from ..volumes.writing import require_writable, write_volume
from .comparison import Comparison, compare_volumes
from .displacement import Displacement


@dataclass(frozen=True)
class CompareRequest:
    """Request to compare two files.

    Attributes:
        reference: the file that is believed.
        other: the file in question.
        reference_frame: which volume of a 4D REFERENCE.
        frame: which volume of a 4D OTHER.
        reference_transform: "sform" or "qform" of a NIfTI REFERENCE; None: Slicer's choice.
        transform: the same for OTHER.
        fix: where to write OTHER with the right geometry; None: nowhere.
        flip: allow a fix that exchanges left and right.
        overwrite: replace ``fix`` where it exists.
    """

    reference: Path
    other: Path
    reference_frame: int | None = None
    frame: int | None = None
    reference_transform: str | None = None
    transform: str | None = None
    fix: Path | None = None
    flip: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class CompareResult:
    """Result: what was found, and what was done.

    Attributes:
        comparison: of voxels and geometry.
        descriptions: one line on each file.
        warnings: what is unusual about the files themselves.
        fixed: what was fixed, as a sentence; None if nothing was.
        refused: why OTHER was not fixed although that was asked for.
    """

    comparison: Comparison
    descriptions: tuple[str, str]
    warnings: tuple[str, ...]
    fixed: str | None = None
    refused: str | None = None

    @property
    def same_place(self) -> bool:
        """Return whether OTHER certainly lies where REFERENCE has it, to within half a voxel."""
        return self.comparison.is_same_place

    @property
    def certain(self) -> bool:
        """Return whether there is one answer, down to the voxel."""
        return self.comparison.is_certain

    @property
    def verdict(self) -> str:
        """One word: same-place, displaced, rotated, mirrored, ambiguous or unrelated."""
        return self.comparison.verdict

    @property
    def displacement(self) -> Displacement | None:
        """Where OTHER's affine puts the patient (mm, degrees, mirrored); None where the two are unrelated."""
        return self.comparison.placements[0] if self.comparison.placements else None


def compare_files(request: CompareRequest) -> CompareResult:
    """Compare two files and write the fixed one if asked.

    Raises:
        SlabExporterError: a file cannot be used or written.
    """
    if request.fix is not None:
        require_writable(request.fix, request.overwrite)
        if request.fix.resolve() in (request.reference.resolve(), request.other.resolve()):
            raise RequestError(f"{request.fix} is one of the two volumes; sources are never changed.")
    expected = located(FileChoice(request.reference, request.reference_frame, request.reference_transform))
    given = located(FileChoice(request.other, request.frame, request.transform))
    with open_runtime() as runtime:
        with Beside(lambda: read_ahead(given)) as ahead:
            reference = open_volume(runtime, expected)
            other = open_volume(runtime, given, ahead.take())
        found = compare_volumes(reference.voxels_kji.T, reference.geometry, other.voxels_kji.T, other.geometry)
        fixed = refused = None
        if request.fix is not None:
            refused = why_not(found, request.flip)
            fixed = _fix(runtime, request.fix, found, other) if refused is None else None
    warnings = [
        Sentence(f"{name}: ", text) for name, v in (("REFERENCE", reference), ("OTHER", other)) for text in v.warnings
    ]
    return CompareResult(found, (_described(reference), _described(other)), tuple(warnings), fixed, refused)


def _described(volume: SourceVolume) -> str:
    facts = geometry_facts(volume.geometry)
    return (
        f"{volume.name}: {' x '.join(map(str, facts['shape']))} {volume.voxels_kji.dtype.name}, "
        f"{facts['orientation']}, {' x '.join(f'{s:.4g}' for s in facts['spacing'])} mm"
    )


def why_not(found: Comparison, flip: bool) -> str | None:
    """Return why OTHER cannot be fixed, as a sentence; None if it can.

    Args:
        found: what is known.
        flip: whether left and right may be exchanged.
    """
    try:
        found.true_geometry()
    except RequestError as error:
        return error.sentence
    mirrored = found.placements[0].mirrored
    if mirrored is None or flip:
        return None
    return Sentence(
        f"OTHER cannot be fixed by the affine alone, unless its handedness changes: it is MIRRORED {mirrored} against "
        "REFERENCE, and a fix exchanges the sides of the patient. If you are sure that REFERENCE is right, add ",
        Option.on("flip"),
        ": the voxels are then reversed along one axis, and the geometry is made to fit.",
    )


def _fix(runtime: SlicerRuntime, path: Path, found: Comparison, other: SourceVolume) -> str:
    """Write OTHER with the geometry that it should have; a sentence on what was done."""
    placed = replace(other, geometry=found.true_geometry(), nifti_transform=None)
    done = "it was right already" if found.placements[0].is_same else "voxels untouched, geometry made to fit"
    if found.placements[0].mirrored is not None:
        axis = int(np.argmax(np.abs(placed.geometry.directions[0])))
        i, j, k = (-1 if n == axis else 1 for n in range(3))
        placed = placed.rearranged(IndexMap.reordering(IDENTITY_AXES, (i, j, k), placed.geometry.shape_ijk))
        done = f"voxels reversed along {'ijk'[axis]}, geometry made to fit"
    write_volume(runtime, placed, path)
    return f"{path}: {done}"
