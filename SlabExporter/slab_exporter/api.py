"""The front door: what the command line does, as functions; keywords are named like its options.

Paths are text or ``Path``. Boxes are half-open voxel indices (i, j, k) in the order of the source's file,
affines map voxel indices to RAS in mm. What goes wrong is a ``SlabExporterError`` with one sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .asked import (
    fill_of,
    frame_of,
    transform_of,
)
from .core import manifest as manifests
from .core.errors import RequestError
from .core.options import Blend, Grid, NiftiTransform
from .core.progress import Progress, no_progress
from .cutting import export
from .keywords import (
    AnyPath,
    Fill,
    Labels,
    input_of,
    inputs_of,
    label_arguments,
    number,
    path_of,
    warn,
)
from .plans import plan

if TYPE_CHECKING:
    from .compare.files import CompareResult
    from .coordinates.where import Place
    from .core.manifest import Manifest
    from .inspection.inspect import Inspection
    from .pipeline.verification import CaseReport
    from .stitch.stitching import StitchResult

__all__ = ["compare", "export", "inspect", "plan", "read_manifest", "stitch", "verify", "where"]


def read_manifest(path: AnyPath) -> Manifest:
    """Return the record of one exported case: its source, its slabs, where they lie.

    Args:
        path: the case's folder, or its manifest.json.

    Raises:
        InputError: missing, damaged, or of another schema.

    Examples:
        >>> import slab_exporter as se
        >>> manifest = se.read_manifest("slabs/ct")
        >>> manifest.geometry.orientation, len(manifest.slabs)
        ('LAS', 3)
        >>> manifest.slabs[1].box.start, manifest.slabs[1].image
        ((0, 0, 56), 'images/ct_slab-001.nii.gz')
    """
    return manifests.read_manifest(path_of(path))


def verify(out: AnyPath) -> tuple[CaseReport, ...]:
    """Read every slab of an export again, and compare it with its source; return one report per case.

    Args:
        out: output folder of an export, or the folder of one case.

    Raises:
        InputError: there is no manifest.

    Examples:
        >>> import slab_exporter as se
        >>> [(report.case, report.files, report.differences) for report in se.verify("slabs")]
        [('ct', 6, ())]
    """
    from .export.nnunet import verify_nnunet
    from .pipeline.verification import verify_export

    return (*verify_export(path_of(out)), *verify_nnunet(path_of(out)))


def inspect(
    inputs: AnyPath | Iterable[AnyPath], *, labels: Labels = None, allow_outside_data: bool = False
) -> tuple[Inspection, ...]:
    """Return what the geometry of each volume is and what is unusual about it; read this before cutting.

    Args:
        inputs: as in ``export``.
        labels: label maps whose grids are compared with their images', as in ``export``.
        allow_outside_data: read files of voxels that a header names outside of its own folder, as in ``export``.

    Returns:
        One report per case; a file that cannot be used has an ``error``.

    Raises:
        InputError: nothing there.

    Examples:
        >>> import slab_exporter as se
        >>> report, = se.inspect("ct.nii.gz", labels="ct_seg.nii.gz")
        >>> report.facts["orientation"], report.facts["handedness"], report.warnings, report.error
        ('LAS', 'left-handed', (), None)
    """
    from .cases.find import find_cases
    from .files.network.downloads import Downloads
    from .inspection.inspect import inspect_cases

    with Downloads() as files:
        cases = find_cases(inputs_of(inputs), label_arguments(labels), warn=warn, files=files)
        return tuple(inspect_cases(cases, allow_outside_data))


def stitch(
    manifest: AnyPath,
    output: AnyPath,
    *,
    predictions: AnyPath | None = None,
    labels: str | None = None,
    channel: str | None = None,
    blend: Blend | None = None,
    fill: Fill = "auto",
    trust_names: bool = False,
    grid: Grid = "cut",
    argmax: bool = False,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> StitchResult:
    """Put the slabs of one case, or predictions made from them, back into one volume.

    Args:
        manifest: the case's folder, or its manifest.json.
        output: file to write (.nii.gz, .nii, .nrrd).
        predictions: folder of files that are named like the slabs; None for the slabs themselves.
        labels: stitch the label maps of this set instead of the images.
        channel: of an export with several channels this one, or "all" of them as one 4D volume; None for the first.
        blend: of overlaps: "first", "mean", "gaussian", "vote" or "max"; None for what suits the values.
        fill: value of voxels that no slab holds; "auto" is air for CT-like images, otherwise 0.
        trust_names: accept predictions that have lost their geometry, by name and shape.
        grid: of the result: "cut", or "source", which is another one where export made the volume ready first.
        argmax: of predictions with one number per class write the number of the largest, from 0.
        overwrite: replace ``output`` where it exists.
        progress: called with a ``ProgressEvent`` for each slab; may raise ``Cancelled``.

    Raises:
        SlabExporterError: a file is missing, lies elsewhere, or cannot be written; nothing is left behind.

    Examples:
        >>> import slab_exporter as se
        >>> result = se.stitch("slabs/ct", "organs.nii.gz", predictions="predictions")
        >>> result.slabs, result.dtype, result.blend, result.uncovered
        (3, 'uint8', 'vote', None)
        >>> se.compare("ct_seg.nii.gz", "organs.nii.gz").same_place
        True
    """
    from .stitch.predictions import Predictions
    from .stitch.stitching import StitchRequest, stitch_case

    if predictions is not None and labels is not None:
        raise RequestError("Stitch either predictions or a label set of the export; both are given.")
    found = manifests.find_manifests(path_of(manifest))
    if len(found) > 1:
        raise RequestError(f"{manifest} holds {len(found)} cases; stitch them one by one, by their folders.")
    request = StitchRequest(blend, fill_of(fill), trust_names, labels, grid, argmax, channel)
    folder = None if predictions is None else Predictions(path_of(predictions))
    return stitch_case(found[0], path_of(output), request, folder, overwrite, progress)


def compare(
    reference: AnyPath,
    other: AnyPath,
    *,
    fix: AnyPath | None = None,
    flip: bool = False,
    reference_frame: int | None = None,
    frame: int | None = None,
    nifti_transform: NiftiTransform | None = None,
    reference_nifti_transform: NiftiTransform | None = None,
    overwrite: bool = False,
) -> CompareResult:
    """Return how one volume's voxels and geometry relate to another's: rotated, mirrored, shifted, or the same.

    Args:
        reference: the volume that is believed.
        other: the volume in question.
        fix: write OTHER here, with the geometry that puts it where REFERENCE is.
        flip: with ``fix``, for a mirrored OTHER: reverse its voxels along the left-right axis.
        reference_frame, frame: which volume of a 4D REFERENCE or OTHER, from 0.
        nifti_transform, reference_nifti_transform: "sform" or "qform" of OTHER, of REFERENCE.
        overwrite: replace ``fix`` where it exists.

    Raises:
        SlabExporterError: a file cannot be used or written.

    Examples:
        >>> import slab_exporter as se
        >>> found = se.compare("ct.nii.gz", "mirrored.nii.gz")
        >>> found.same_place, found.certain, found.verdict
        (False, True, 'mirrored')
        >>> found.displacement.mirrored
        'left-right'
    """
    from .compare.files import CompareRequest, compare_files
    from .files.network.downloads import Downloads

    with Downloads() as files:
        request = CompareRequest(
            reference=files.local(input_of(reference)),
            other=files.local(input_of(other)),
            reference_frame=frame_of(reference_frame),
            frame=frame_of(frame),
            reference_transform=transform_of(reference_nifti_transform),
            transform=transform_of(nifti_transform),
            fix=None if fix is None else path_of(fix),
            flip=flip,
            overwrite=overwrite,
        )
        return files.in_addresses(compare_files(request), "descriptions", "warnings", "refused")


def where(
    file: AnyPath,
    *,
    ijk: Sequence[float] | None = None,
    ras: Sequence[float] | None = None,
    lps: Sequence[float] | None = None,
    frame: int | None = None,
    nifti_transform: NiftiTransform | None = None,
    flirt: AnyPath | None = None,
    reference: AnyPath | None = None,
    reference_nifti_transform: NiftiTransform | None = None,
) -> Place:
    """Return one point in all coordinate systems, and the slabs that hold it.

    Args:
        file: a volume, or the folder of an exported case.
        ijk, ras, lps: the point, in one of them: voxel index in the file's order; mm as in NIfTI and Slicer;
            mm as in DICOM and ITK.
        frame: which volume of a 4D file, from 0.
        nifti_transform, reference_nifti_transform: "sform" or "qform" of the file, of the reference.
        flirt, reference: a registration's matrix and the image it leads to; the point is then returned in that image.

    Raises:
        InputError: a file cannot be used.
        RequestError: not exactly one point.

    Examples:
        >>> import slab_exporter as se
        >>> place = se.where("slabs/ct", ijk=(3, 4, 75))
        >>> place.ras.tolist(), place.lps.tolist()
        ([5.0, -3.0, 87.5], [-5.0, 3.0, 87.5])
        >>> place.slabs[0].image, place.slabs[0].voxel
        ('images/ct_slab-001.nii.gz', (3, 4, 19))
    """
    from .coordinates.where import find_place, through_registration
    from .files.network.downloads import Downloads
    from .volumes.choice import FileChoice

    points = {name: point for name, point in (("ijk", ijk), ("ras", ras), ("lps", lps)) if point is not None}
    if len(points) != 1:
        raise RequestError("A point is given as one of ijk, ras and lps.")
    if (flirt is None) != (reference is None):
        raise RequestError("flirt and reference belong together: the matrix, and the image it leads to.")
    ((space, point),) = points.items()
    with Downloads() as files:
        choice = FileChoice(files.local(input_of(file)), frame_of(frame), transform_of(nifti_transform))
        place = find_place(choice, space, _three(space, point))
        if flirt is not None and reference is not None:
            target = FileChoice(files.local(input_of(reference)), None, transform_of(reference_nifti_transform))
            place = through_registration(place, path_of(flirt), target)
        return files.in_addresses(place, "name", "warnings")


def _three(name: str, point: Sequence[float]) -> tuple[float, float, float]:
    """Return a point as three numbers.

    Raises:
        RequestError: it is something else.
    """
    try:
        x, y, z = (number(name, value) for value in point)
    except (TypeError, ValueError):
        raise RequestError(f"{name} must be three numbers; it is {point!r}.") from None
    return x, y, z
