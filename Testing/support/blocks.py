"""Blocks there and back: export, verify, stitch, judged by nibabel alone."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from slab_exporter.cases.find import Case
from slab_exporter.core.options import ExportRequest, PrepareOptions, SlabOptions
from slab_exporter.core.pieces.keeping import KeepOptions
from slab_exporter.core.pieces.limiting import LimitOptions
from slab_exporter.export.from_files import export_cases
from slab_exporter.pipeline.verification import verify_export
from slab_exporter.stitch.stitching import StitchRequest, stitch_case

from .phantoms import affine, save_nifti

SHAPE, BLOCK = (13, 11, 10), (5, 4, 6)
# Air, as export finds it in the phantom, and what stitch puts where no block is.
FILL = -1000
SPACING = (0.7, 0.9, 2.5)
# Where labels and body lie in the phantom.
INSIDE = {"labels": ((3, 2, 5), (6, 4, 9)), "body": ((2, 1, 2), (9, 8, 9))}


@dataclass(frozen=True)
class Trip:
    """One way to cut the phantom into blocks."""

    orientation: tuple
    oblique: float
    remainder: str
    overlap: int | tuple[int, int, int]
    keep: str = "all"
    block: tuple = BLOCK
    crop_to: str | None = None
    margin: float | None = None
    orient: str | None = None


def phantom(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """IJK voxels of a body in air, all different, and a label map in one corner of it."""
    rng = np.random.default_rng(seed)
    image = np.full(SHAPE, FILL, np.int16)
    body = (slice(2, 9), slice(1, 8), slice(2, 9))
    inside = image[body]
    inside[...] = rng.permutation(inside.size).reshape(inside.shape)
    labels = np.zeros(SHAPE, np.uint8)
    labels[3:6, 2:4, 5:9] = rng.integers(1, 4, (3, 2, 4))
    return image, labels


def make_case(folder: Path, name: str, trip: Trip, seed: int = 0) -> Case:
    """Write the phantom in the trip's orientation."""
    folder.mkdir(parents=True, exist_ok=True)
    image, labels = phantom(seed)
    place = affine(*trip.orientation, spacing=SPACING, oblique=trip.oblique)
    path = save_nifti(folder / f"{name}.nii", image, place)
    return Case(name, path, {"organs": save_nifti(folder / f"{name}_organs.nii", labels, place)})


def request_of(trip: Trip, **more) -> ExportRequest:
    """What the trip asks an export for."""
    options = SlabOptions(block=trip.block, overlap=trip.overlap, remainder=trip.remainder)
    limit, prepare = LimitOptions(trip.crop_to, trip.margin), PrepareOptions(orient=trip.orient)
    return ExportRequest(slabs=options, keep=KeepOptions(trip.keep), limit=limit, prepare=prepare, **more)


def cut_part(trip: Trip) -> np.ndarray:
    """Which voxels the trip asks to cut: all, or those of the box around labels or body, with its margin."""
    start, stop = {None: ((0, 0, 0), SHAPE), **INSIDE}[trip.crop_to]
    more = [math.ceil((trip.margin or 0) / step - 1e-3) for step in SPACING]
    part = np.zeros(SHAPE, bool)
    part[tuple(slice(max(0, a - n), b + n) for a, b, n in zip(start, stop, more, strict=True))] = True
    return part


def there(cases: list[Case], out: Path, trip: Trip, **more) -> None:
    """Export cases, and read every file again."""
    result = export_cases(cases, out, request_of(trip, **more))
    assert not result.failures, result.failures[0].error
    for report in verify_export(out):
        assert not report.differences, report.differences


def and_back(case: Case, folder: Path, trip: Trip) -> None:
    """Stitch image and label map, and compare them with the files that they were cut from."""
    document = json.loads((folder / "manifest.json").read_text())
    given = nib.load(case.image)
    part = as_cut(nib.Nifti1Image(cut_part(trip).astype(np.uint8), given.affine), trip)
    part = np.asanyarray(part.dataobj) > 0
    held, planned = np.zeros(part.shape, bool), np.zeros(part.shape, bool)
    left = document["plan"].get("left_out", {"pieces": []})["pieces"]
    for piece in document["slabs"]:
        held[_inside(piece, part.shape)] = planned[_inside(piece, part.shape)] = True
    for piece in left:
        planned[_inside(piece, part.shape)] = True
    assert planned[part].all() or trip.remainder == "drop"
    assert not planned[~part].any() or trip.remainder == "pad"  # which takes real voxels where there are some
    numbers = sorted(piece["index"] for piece in (*document["slabs"], *left))
    assert numbers == list(range(len(numbers)))
    back = folder.parent / f"{case.name}_back.nii"
    sources = {None: (case.image, FILL), "organs": (case.labels["organs"], 0)}
    for label_set, (path, fill) in sources.items():
        result = stitch_case(folder / "manifest.json", back, StitchRequest(label_set=label_set), overwrite=True)
        source, found = as_cut(nib.load(path), trip), nib.load(result.path)
        expected = np.asanyarray(source.dataobj)
        voxels = np.asanyarray(found.dataobj)
        assert voxels.dtype == expected.dtype
        np.testing.assert_array_equal(voxels, np.where(held, expected, fill))
        np.testing.assert_allclose(found.affine, source.affine, rtol=0, atol=1e-4)
        assert result.left_out == len(left)
        assert (result.uncovered is None) == planned.all()
        if trip.orient is not None:  # and onto the source's own grid
            request = StitchRequest(label_set=label_set, grid="source")
            again = as_cut(nib.load(stitch_case(folder / "manifest.json", back, request, overwrite=True).path), trip)
            np.testing.assert_array_equal(np.asanyarray(again.dataobj), voxels)
            np.testing.assert_array_equal(again.affine, source.affine)
        if trip.keep == "labelled" and label_set:  # nothing that is labelled was lost
            np.testing.assert_array_equal(voxels[planned], expected[planned])
        if trip.crop_to == "body" and trip.keep != "labelled" and trip.remainder != "drop":
            np.testing.assert_array_equal(voxels, expected)  # outside there is nothing else
    if trip.keep != "all":
        wanted = {"labelled": case.labels["organs"], "body": case.image}[trip.keep]
        counts = np.asanyarray(as_cut(nib.load(wanted), trip).dataobj) > (0 if trip.keep == "labelled" else FILL)
        assert [int(counts[_inside(piece, part.shape)].sum()) for piece in left] == [0] * len(left)
        assert all(counts[_inside(piece, part.shape)].any() for piece in document["slabs"])


def as_cut(source: nib.Nifti1Image, trip: Trip) -> nib.Nifti1Image:
    """The volume in the order of axes in which the trip cuts it."""
    if trip.orient is None:
        return source
    asked = nib.orientations.axcodes2ornt(trip.orient)
    return source.as_reoriented(nib.orientations.ornt_transform(nib.io_orientation(source.affine), asked))


def _inside(piece, shape) -> tuple[slice, ...]:
    ends = zip(piece["ijk_start"], piece["ijk_stop"], shape, strict=True)
    return tuple(slice(max(a, 0), min(b, n)) for a, b, n in ends)
