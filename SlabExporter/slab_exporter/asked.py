"""Keywords of the front door, made the options that the library takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .core.errors import RequestError
from .core.options import (
    AxisName,
    DataSetOptions,
    ExportRequest,
    LabelAffine,
    LabelOptions,
    Layout,
    NiftiTransform,
    Overlapping,
    PrepareOptions,
    Remainder,
    SeriesOptions,
    SlabOptions,
)
from .core.options.data_set import Channels, channel_arguments
from .core.options.prepare import Interpolation, made_ready
from .core.pieces.blocks import GivenOverlap, GivenSizes
from .core.pieces.boundaries import GivenBoundaries
from .core.pieces.keeping import Keep, KeepOptions
from .core.pieces.limiting import CropTo, LimitOptions
from .core.pieces.shape import slab_options
from .core.steps.spacing import GivenSpacing
from .keywords import AnyPath, Fill, number, path_of, whole

if TYPE_CHECKING:
    from .export.from_files import RunOptions


def fill_of(fill: Fill) -> float | None:
    """Return a fill value as the library's options have it: None for "auto".

    Raises:
        RequestError: it is something else than a number.
    """
    return None if fill is None or fill == "auto" else number("fill, unless it is 'auto',", fill)


def shape_of(
    thickness: int | None,
    thickness_mm: float | None,
    axis: AxisName | None,
    overlap: GivenOverlap,
    remainder: Remainder,
    fill: Fill = "auto",
    block: GivenSizes | None = None,
    block_mm: GivenSizes | None = None,
    crop: bool = False,
    cut_at: GivenBoundaries | None = None,
) -> SlabOptions:
    """Return the options that shape slabs, blocks or one piece.

    Raises:
        RequestError: they make no sense, or contradict each other.
    """
    return slab_options(
        None if thickness is None else whole("thickness", thickness),
        None if thickness_mm is None else number("thickness_mm", thickness_mm),
        axis,
        overlap,
        remainder,
        fill_of(fill),
        block,
        block_mm,
        crop,
        cut_at,
    )


def ready_of(
    orient: str | None, spacing: GivenSpacing | None, like: AnyPath | None, interpolation: Interpolation | None
) -> PrepareOptions:
    """Return how volumes are made ready before they are cut.

    Raises:
        RequestError: the options make no sense, or contradict each other.
    """
    return made_ready(orient, spacing, None if like is None else str(path_of(like)), interpolation)


def keep_of(keep: Keep, min_fraction: float | None) -> KeepOptions:
    """Return which pieces are written.

    Raises:
        RequestError: they make no sense.
    """
    return KeepOptions(keep, None if min_fraction is None else number("min_fraction", min_fraction))


def limit_of(crop_to: CropTo | None, margin: float | None) -> LimitOptions:
    """Return which box is cut.

    Raises:
        RequestError: they make no sense.
    """
    return LimitOptions(crop_to, None if margin is None else number("margin", margin))


def labels_of(affine: LabelAffine, tolerance: float | None, overlapping: Overlapping) -> LabelOptions:
    """Return how label maps are taken.

    Raises:
        RequestError: they make no sense.
    """
    return LabelOptions(affine, None if tolerance is None else number("label_tolerance", tolerance), overlapping)


def series_of(allow_uneven: float | None, resample: bool, allow_damaged: bool) -> SeriesOptions:
    """Return what is accepted of a DICOM series.

    Raises:
        RequestError: a value makes no sense.
    """
    tolerance = None if allow_uneven is None else number("allow_uneven", allow_uneven)
    return SeriesOptions(tolerance, resample, allow_damaged)


def key_file_of(given: AnyPath | None, request: ExportRequest) -> Path | None:
    """Return the path of the table of names of a deidentified export.

    Raises:
        RequestError: the export is not deidentified.
    """
    from .export.key_file import require_deidentify

    path = None if given is None else path_of(given)
    require_deidentify(path, request)
    return path


def segments_of(table: AnyPath | None) -> str | None:
    """Return the path of a table of segments.

    Raises:
        RequestError: it is not there.
    """
    if table is not None and not path_of(table).is_file():
        raise RequestError(f"The table of segments {table} does not exist.")
    return None if table is None else str(path_of(table))


def transform_of(name: NiftiTransform | None) -> NiftiTransform | None:
    """Return the name of a NIfTI transform.

    Raises:
        RequestError: it is neither "sform" nor "qform".
    """
    return ExportRequest(nifti_transform=name).nifti_transform


def frame_of(frame: Any) -> int | None:
    """Return the number of a volume in a 4D file.

    Raises:
        RequestError: it is not a whole number from 0 on.
    """
    return ExportRequest(frame=None if frame is None else whole("frame", frame)).frame


def data_set_of(
    split: Sequence[float] | str | None,
    seed: int,
    group_by: str | None,
    split_series: bool,
    channels: Channels,
    layout: Layout | None,
    dataset_id: int | None,
    dataset_name: str | None,
) -> DataSetOptions:
    """Return how the cases of an export are found and dealt, and laid out for other programs.

    Raises:
        RequestError: a value makes no sense.
    """
    from .report.dataset import split_of

    return DataSetOptions(
        split=None if split is None else split_of(split),
        seed=whole("seed", seed),
        group_by=group_by,
        split_series=split_series,
        channels=channel_arguments(channels),
        layout=layout,
        dataset_id=None if dataset_id is None else whole("dataset_id", dataset_id),
        dataset_name=dataset_name,
    )


def run_of(
    jobs: int | None,
    dask: str | None,
    shard: tuple[int, int] | None,
    data_set: DataSetOptions,
    key_file: Path | None,
) -> RunOptions:
    """Return how an export runs.

    Raises:
        RequestError: a value makes no sense.
    """
    from .export.from_files import RunOptions

    return RunOptions(
        jobs=None if jobs is None else whole("jobs", jobs),
        dask=dask,
        shard=shard,
        data_set=data_set,
        key_file=key_file,
    )
