"""``export`` of the front door (``api``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .asked import (
    data_set_of,
    frame_of,
    keep_of,
    key_file_of,
    labels_of,
    limit_of,
    ready_of,
    run_of,
    segments_of,
    series_of,
    shape_of,
)
from .core.options import (
    AxisName,
    Compression,
    DicomOptions,
    ExportRequest,
    Format,
    LabelAffine,
    Layout,
    NiftiTransform,
    Overlapping,
    Remainder,
    uid_salt,
)
from .core.options.data_set import Channels
from .core.options.prepare import Interpolation
from .core.pieces.blocks import GivenOverlap, GivenSizes
from .core.pieces.boundaries import GivenBoundaries
from .core.pieces.keeping import Keep
from .core.pieces.limiting import CropTo
from .core.progress import Progress, no_progress
from .core.several.choice import frames_text
from .core.steps.spacing import GivenSpacing
from .keywords import (
    AnyPath,
    Fill,
    Labels,
    inputs_of,
    label_arguments,
    path_of,
    taking_options,
    warn,
)

if TYPE_CHECKING:
    from .export.from_files import ExportResult


@taking_options
def export(
    inputs: AnyPath | Iterable[AnyPath],
    out: AnyPath,
    *,
    thickness: int | None = None,
    thickness_mm: float | None = None,
    cut_at: GivenBoundaries | None = None,
    axis: AxisName | None = None,
    block: GivenSizes | None = None,
    block_mm: GivenSizes | None = None,
    overlap: GivenOverlap = 0,
    remainder: Remainder = "keep",
    fill: Fill = "auto",
    orient: str | None = None,
    spacing: GivenSpacing | None = None,
    like: AnyPath | None = None,
    interpolation: Interpolation | None = None,
    within: AnyPath | None = None,
    keep: Keep = "all",
    min_fraction: float | None = None,
    crop_to: CropTo | None = None,
    margin: float | None = None,
    crop: bool = False,
    labels: Labels = None,
    label_affine: LabelAffine = "file",
    label_tolerance: float | None = None,
    channels: Channels = None,
    overlapping: Overlapping = "layers",
    format: Format = "nii.gz",
    compression: Compression = "fast",
    frame: int | None = None,
    frames: str | int | Sequence[int] | None = None,
    nifti_transform: NiftiTransform | None = None,
    allow_outside_data: bool = False,
    allow_uneven: float | None = None,
    resample: bool = False,
    allow_damaged: bool = False,
    split_series: bool = False,
    modality: str | None = None,
    patient_name: str | None = None,
    patient_id: str | None = None,
    study_description: str | None = None,
    segments: AnyPath | None = None,
    quantize: bool = False,
    new_uids: bool | str = False,
    deidentify: bool = False,
    key_file: AnyPath | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    shard: tuple[int, int] | None = None,
    split: Sequence[float] | str | None = None,
    seed: int = 0,
    group_by: str | None = None,
    layout: Layout | None = None,
    dataset_id: int | None = None,
    dataset_name: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    verify: bool = True,
    options: AnyPath | None = None,
    progress: Progress = no_progress,
) -> ExportResult:
    """Cut volumes into slabs, one folder per case in ``out``; a case that fails does not stop the others.

    Args:
        inputs: one or several of: volume file, folder of volumes or DICOM series, glob pattern, .csv or .txt list,
            address of a file ("https://...", with the package fsspec).
        out: output folder; made if missing.
        thickness: slices in a slab; None for 64.
        thickness_mm: thickness in mm instead, rounded to whole slices.
        cut_at: slabs that are not equally thick: indices along the axis at which they begin, as (40, 104) or "40,104".
        axis: "axial" (None), "coronal", "sagittal" (the index axis nearest to S, A, R), or "i", "j", "k".
        block: blocks instead of slabs: voxels along i, j, k, as (96, 96, 64), "96,96,64" or "all,all,64".
        block_mm: the same in mm, rounded to whole voxels.
        overlap: slices shared by neighbouring slabs; voxels by blocks, along each axis that is cut or (i, j, k).
        remainder: a last slab that is not full: "keep" it short, "pad", "shift", "drop", or "balance" all; of
            blocks along each axis.
        fill: value of padded voxels; "auto" is air for CT-like volumes, 0 otherwise and for labels.
        orient: letters that i, j, k shall point to, as "RAS" or "LPS"; "canonical" is "RAS". Axes are permuted and
            reversed before cutting, no value is touched.
        spacing: mm of a voxel, one number or (i, j, k), 0 for an axis that stays: resample before cutting.
        like: a volume whose grid is taken instead; or a pattern with {case}.
        interpolation: of images that are resampled: "linear" (None) or "bspline".
        within: markups file (.mrk.json) with one ROI, inside which slabs stay; or a pattern with {case}.
        keep: which slabs or blocks are written: "all", "labelled" or "body" (those that hold some of it).
        min_fraction: with ``keep``, the part of a piece's voxels that must be such; None for a single voxel.
        crop_to: cut only the box around the "labels" or around the "body", with a ``margin`` in mm.
        crop: write that box, the ROI's or the whole volume as one piece.
        labels: label map, segmentation, folder, or pattern with {case}; a list of them, or a dict by the sets' names.
        label_affine: "image" gives a label map of the image's shape that does not lie on it the image's geometry.
        label_tolerance: how far, in voxels, a label map may lie off the image's grid; None for a hundredth.
        channels: images of one case: "auto" (nnU-Net, BraTS), "4d", or {"t1": "{case}_t1.nii.gz"} with more of them.
        overlapping: segments that share voxels: "layers" makes several label sets; in one the "last" wins.
        format, compression: "nii.gz", "nii", "nrrd" or "dicom"; "fast" or "small".
        frame: which volume of a 4D file or series, from 0.
        frames: "all", "0:40" (half-open) or a list: these volumes together, in 4D pieces (DICOM: a series for each).
        nifti_transform: "sform" or "qform", where a NIfTI's two transforms differ.
        allow_outside_data: read files of voxels that a header (.nhdr, .mhd, .hdr) names outside of its own folder.
        allow_uneven: mm by which slices of a DICOM series may lie off an even grid.
        resample: make a DICOM series that is no regular volume one, by linear interpolation.
        allow_damaged: take the rest of a DICOM series of which images are lost or damaged.
        split_series: a case for each volume of a DICOM series that holds several.
        modality, patient_name, patient_id, study_description, segments, quantize, new_uids:
            for DICOM slabs, as ``slab-exporter export --help`` explains them.
        deidentify: call cases "case-0001" and so on, and let no file of ``out`` say whose images they are.
        key_file: with ``deidentify``, a new .csv outside of ``out`` for the cases' names and sources.
        jobs, dask: processes, None for what suits the machine; or the address of a Dask scheduler.
        shard: (number from 1, of how many): export this part of the cases only.
        split: shares of training, validation and test, such as (0.8, 0.1, 0.1); ``seed`` deals anew.
        group_by: column of a list whose cases stay together in a split.
        layout: "nnunet": also lay the slabs out for nnU-Net v2, in ``out``/DatasetNNN_NAME.
        dataset_id, dataset_name: its number, from 1 to 999, and its name.
        resume: go on with an earlier export; complete cases stay.
        overwrite: replace what an earlier export left in ``out``.
        verify: read every slab back and compare it with the source.
        options: options.json of an earlier export, or a manifest.json: its options are taken for those not given here.
        progress: called with a ``ProgressEvent`` for each slab and case; may raise ``Cancelled``.

    Returns:
        The ``manifests`` of complete cases, the ``failures`` (case, error) of the others, and ``problems`` of the run.

    Raises:
        InputError: nothing usable in ``inputs`` or ``labels``.
        RequestError: options that make no sense.
        OutputError: ``out`` cannot be used.

    Examples:
        >>> import slab_exporter as se
        >>> result = se.export("scans", "out", thickness=64, remainder="shift", labels="masks")
        >>> [manifest.case for manifest in result.manifests], result.failures
        (['a', 'b'], ())
        >>> slab = result.manifests[0].slabs[2]
        >>> slab.image, slab.box.start, slab.verified
        ('images/a_slab-002.nii.gz', (0, 0, 86), True)
        >>> slab.geometry.affine_ras[:3, 3].tolist()
        [8.0, -7.0, 115.0]
    """
    from .cases.find import find_cases, split_and_grouped
    from .export.from_files import export_cases
    from .export.identity import named_for_export
    from .files.network.downloads import Downloads

    request = ExportRequest(
        slabs=shape_of(thickness, thickness_mm, axis, overlap, remainder, fill, block, block_mm, crop, cut_at),
        prepare=ready_of(orient, spacing, like, interpolation),
        keep=keep_of(keep, min_fraction),
        limit=limit_of(crop_to, margin),
        labels=labels_of(label_affine, label_tolerance, overlapping),
        format=format,
        compression=compression,
        frame=frame_of(frame),
        frames=None if frames is None else frames_text(frames),
        nifti_transform=nifti_transform,
        within=None if within is None else str(path_of(within)),
        verify=verify,
        series=series_of(allow_uneven, resample, allow_damaged),
        dicom=DicomOptions(
            modality=None if modality is None else modality.strip(),
            patient_name=patient_name,
            patient_id=patient_id,
            study_description=study_description,
            quantize=quantize,
            deidentify=deidentify,
            uid_salt=uid_salt(new_uids),
            segments=segments_of(segments),
        ),
        allow_outside_data=allow_outside_data,
    )
    named = layout, dataset_id, dataset_name
    data_set = data_set_of(split, seed, group_by, split_series, channels, *named)
    run = run_of(jobs, dask, shard, data_set, key_file_of(key_file, request))
    with Downloads() as files:
        cases = find_cases(inputs_of(inputs), label_arguments(labels), path_of(out), warn, data_set.channels, files)
        cases = named_for_export(split_and_grouped(cases, request, data_set), deidentify, warn)
        return export_cases(cases, path_of(out), request, progress, resume, overwrite, run)
