"""``plan`` of the front door (``api``): where a volume would be cut, and a picture of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from .asked import frame_of, keep_of, ready_of, series_of, shape_of, transform_of
from .core.errors import InputError
from .core.options import AxisName, ExportRequest, NiftiTransform, Remainder
from .core.pieces.blocks import GivenOverlap, GivenSizes
from .core.pieces.boundaries import GivenBoundaries
from .core.pieces.keeping import Keep
from .core.planning import SlabPlan, plan_slabs
from .core.steps.spacing import GivenSpacing
from .keywords import AnyPath, Labels, input_of, label_arguments, path_of

if TYPE_CHECKING:
    from .core.geometry import VolumeGeometry
    from .files.network.addresses import Address
    from .files.network.downloads import Downloads
    from .mrml.runtime import SlicerRuntime
    from .pipeline.case_sources import CaseSources
    from .volumes.choice import FileChoice


@dataclass(frozen=True, kw_only=True)
class FilePlan(SlabPlan):
    """Where the volume of one file would be cut.

    Attributes:
        source: path or address of the volume.
        request: what was asked for.
    """

    source: Path | Address
    request: ExportRequest

    def show(self, file: AnyPath | None = None) -> None:
        """Show the volume's three middle planes with the slabs drawn over them, in a notebook or a window.

        The patient's right is on the left, as radiologists look at it; slabs that are left out are grey.

        Args:
            file: picture to write instead, .png, .svg or .pdf.

        Raises:
            InputError: matplotlib is not installed, or the volume cannot be read.
            OutputError: the picture cannot be written.

        Examples:
            >>> import slab_exporter as se
            >>> se.plan("ct.nii.gz", thickness=64, overlap=8).show("plan.png")
        """
        from .files.network.downloads import Downloads
        from .mrml.runtime import open_runtime
        from .prepare.preparation import preparation_of
        from .report.plan_figure import require_matplotlib, show_plan
        from .volumes.reading import open_volume

        require_matplotlib()
        with Downloads() as files, open_runtime() as runtime:
            image = open_volume(runtime, _choice(files.local(self.source), self.request))
            preparation = preparation_of(image.geometry, self.request.prepare)
            image = image if preparation is None else preparation.image(image)
        show_plan(self, image, None if file is None else path_of(file))


def plan(
    path: AnyPath,
    *,
    thickness: int | None = None,
    thickness_mm: float | None = None,
    cut_at: GivenBoundaries | None = None,
    axis: AxisName | None = None,
    block: GivenSizes | None = None,
    block_mm: GivenSizes | None = None,
    overlap: GivenOverlap = 0,
    remainder: Remainder = "keep",
    orient: str | None = None,
    spacing: GivenSpacing | None = None,
    like: AnyPath | None = None,
    within: AnyPath | None = None,
    keep: Keep = "all",
    min_fraction: float | None = None,
    labels: Labels = None,
    frame: int | None = None,
    nifti_transform: NiftiTransform | None = None,
    allow_uneven: float | None = None,
    resample: bool = False,
    allow_damaged: bool = False,
    allow_outside_data: bool = False,
) -> FilePlan:
    """Return where one volume would be cut; nothing is written, and without ``keep`` no voxel is read.

    Args:
        path: a volume file, the folder of one DICOM series, or a DICOM file that holds a volume.
        thickness, thickness_mm, cut_at, axis, block, block_mm, overlap, remainder, within: the shape of the slabs or
            blocks, as in ``export``.
        orient, spacing, like: how the volume is made ready before it is cut, as in ``export``.
        keep, min_fraction, labels: which slabs or blocks would be written, as in ``export``; for this voxels are read.
        frame, nifti_transform, allow_uneven, resample, allow_damaged, allow_outside_data:
            how the file is read, as in ``export``.

    Returns:
        The plan: ``describe()`` says it in a line, ``slabs`` are its boxes, ``show()`` draws them (with matplotlib).

    Raises:
        InputError: the file cannot be used.
        RequestError: the options make no sense, or do not fit this volume.

    Examples:
        >>> import slab_exporter as se
        >>> plan = se.plan("ct.nii.gz", thickness=64, overlap=8)
        >>> plan.describe()
        '16 x 14 x 150, LAS, 1 x 1 x 2.5 mm: 3 slabs of up to 64 slices along k, numbered I to S'
        >>> plan.slabs[1].box.start, plan.slabs[1].box.stop
        ((0, 0, 56), (16, 14, 120))
        >>> plan.geometry.cropped(plan.slabs[1].box).affine_ras[:3, 3].tolist()
        [8.0, -7.0, 40.0]
    """
    from .files.network.downloads import Downloads
    from .prepare.preparation import cut_grid
    from .volumes.reading import peek_volume

    request = ExportRequest(
        slabs=shape_of(
            thickness, thickness_mm, axis, overlap, remainder, block=block, block_mm=block_mm, cut_at=cut_at
        ),
        prepare=ready_of(orient, spacing, like, None),
        keep=keep_of(keep, min_fraction),
        frame=frame_of(frame),
        nifti_transform=transform_of(nifti_transform),
        within=None if within is None else str(path_of(within)),
        series=series_of(allow_uneven, resample, allow_damaged),
        allow_outside_data=allow_outside_data,
    )
    source = input_of(path)
    with Downloads() as files:
        geometry = cut_grid(peek_volume(_choice(files.local(source), request)).geometry, request.prepare)
        if within is None and keep == "all":
            made = plan_slabs(geometry, request.slabs)
        else:
            made = _with_voxels(files, source, geometry, request, label_arguments(labels))
    known = {one.name: getattr(made, one.name) for one in fields(SlabPlan)}
    return FilePlan(**known, source=source, request=request)


def _choice(path: Path, request: ExportRequest) -> FileChoice:
    from .volumes.choice import FileChoice

    return FileChoice(path, request.frame, request.nifti_transform, request.series, request.allow_outside_data)


def _with_voxels(
    files: Downloads, source: Path | Address, geometry: VolumeGeometry, request: ExportRequest, labels: list[str]
) -> SlabPlan:
    """Return the plan inside an ROI, without the pieces that are not kept."""
    from .mrml.roi import read_roi_box
    from .mrml.runtime import open_runtime
    from .pipeline.keeping import keep_pieces

    with open_runtime() as runtime:
        limits = None if request.within is None else read_roi_box(runtime, Path(request.within), geometry)
        made = plan_slabs(geometry, request.slabs, limits)
        if request.keep.keep == "all":
            return made
        case = _in_memory(runtime, files, source, request, labels)
        return keep_pieces(made, case.image, list(case.labels.values()), request.keep)


def _in_memory(
    runtime: SlicerRuntime, files: Downloads, source: Path | Address, request: ExportRequest, labels: list[str]
) -> CaseSources:
    """Return the volume and its label maps on the grid that is cut.

    Raises:
        InputError: a file cannot be used, or there is not one volume.
    """
    from .cases.find import find_cases
    from .export.job import read_case
    from .prepare.preparation import preparation_of

    cases = find_cases([source], labels, files=files)
    if len(cases) != 1:
        raise InputError(f"{files.local(source)} holds {len(cases)} volumes; a plan is of one.")
    case = read_case(runtime, cases[0], request)
    case.require_one_grid()
    preparation = preparation_of(case.image.geometry, request.prepare)
    return case if preparation is None else case.prepared(preparation)
