"""Slabs, or predictions made from them, back into one volume on the source's grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError, OutputError
from ..core.manifest import Manifest, read_manifest
from ..core.progress import Progress, ProgressEvent, no_progress
from ..core.values import fill_value
from ..core.volume import SourceVolume
from ..files.encodings.table import WRITABLE
from ..files.machine import require_memory
from ..files.nifti import LARGEST_SIZE, NiftiHeader, read_header
from ..mrml.runtime import open_runtime
from ..mrml.volume_files import is_nifti
from ..volumes.writing import require_writable, write_volume
from .blending import Stitcher, describe_uncovered, joined_type
from .predictions import Predictions, own_files
from .slab_reading import SlabReader, read_ahead

_AVERAGED_LABELS = "Some slabs hold whole numbers only, as label maps do; labels should not be averaged."


@dataclass(frozen=True)
class StitchRequest:
    """How to stitch.

    Attributes:
        blend: one of ``pure.stitching.BLENDS``; None: "first" for an export's own slabs, "vote" for
            predictions of whole numbers, "mean" for others.
        fill: value of voxels that no slab holds; None: air for a CT-like image, otherwise 0.
        trust_names: take predictions whose geometry was lost, by their names and shapes alone.
        label_set: stitch this label set of the export instead of its images.
    """

    blend: str | None = None
    fill: float | None = None
    trust_names: bool = False
    label_set: str | None = None


@dataclass(frozen=True)
class StitchResult:
    """What was made.

    Attributes:
        case: its name.
        path: the file written.
        slabs: how many went into it.
        channels: numbers a voxel.
        dtype: of the voxels.
        blend: how overlaps were blended.
        overlapping: whether there were any.
        uncovered: what no slab holds, as a sentence; None where all is covered.
        fill: the value of those voxels.
        is_labels: a label set of the export, or predictions of whole numbers from 0 on.
        warnings: sentences.
    """

    case: str
    path: Path
    slabs: int
    channels: int
    dtype: str
    blend: str
    overlapping: bool
    uncovered: str | None
    fill: float
    is_labels: bool
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the document that a program reads."""
        return self.__dict__ | {"path": str(self.path), "warnings": list(self.warnings)}


def stitch_case(
    manifest_path: Path,
    output: Path,
    request: StitchRequest,
    predictions: Predictions | None = None,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> StitchResult:
    """Stitch one case.

    Args:
        manifest_path: of the case.
        output: .nii.gz, .nii or .nrrd file to be written.
        request: how.
        predictions: files to take instead of the export's own slabs.
        overwrite: replace ``output`` where it exists.
        progress: told of each slab; may raise ``Cancelled``.

    Raises:
        SlabExporterError: with a sentence; nothing is left behind.
    """
    require_writable(output, overwrite)
    manifest = read_manifest(manifest_path)
    folder = manifest_path.parent
    paths = own_files(manifest, folder, request.label_set) if predictions is None else predictions.of(manifest)
    _require_apart(output, manifest, folder, paths)
    own = _recorded_type(manifest, request.label_set) if predictions is None else None
    with read_ahead(paths) as files, open_runtime() as runtime:
        reader = SlabReader(runtime, files, manifest, paths, request.trust_names, own)
        voxels, result = _Stitching(manifest, paths, reader, request, predictions is not None).run(output, progress)
        volume = SourceVolume(
            name=str(output),
            path=None,
            sha256="",
            geometry=manifest.geometry,
            voxels_kji=voxels[0],
            header=_header(folder / manifest.slabs[0].image, manifest, paths[0], predictions is not None),
            nifti_transform=manifest.source.nifti_transform,
        )
        write_volume(runtime, volume, output, voxels)
    return result


def _require_apart(output: Path, manifest: Manifest, folder: Path, paths: list[Path]) -> None:
    """Refuse to replace the source, a slab or a prediction by the result."""
    if not output.exists():
        return
    named = [relative for slab in manifest.slabs for relative in (slab.image, *slab.labels.values())]
    sources = (manifest.source, *manifest.label_sources.values())
    named += [source.path for source in sources if source.path is not None]
    kept = [*paths, *(folder / relative for relative in named if "\0" not in relative)]
    if output.resolve() in {path.resolve() for path in kept}:
        raise OutputError(f"{output} is what the volume is made from, and stays as it is; choose another name.")


class _BeginAgain(Exception):
    """A slab holds what the slabs before it gave no reason to expect: another type, or fractions."""


class _Stitching:
    """One run over the slabs of a case."""

    def __init__(
        self, manifest: Manifest, paths: list[Path], reader: SlabReader, request: StitchRequest, foreign: bool
    ) -> None:
        self._manifest = manifest
        self._paths = paths
        self._reader = reader
        self._request = request
        self._foreign = foreign
        self._dtype: np.dtype | None = None
        self._has_fractions = False

    def run(self, output: Path, progress: Progress) -> tuple[npt.NDArray, StitchResult]:
        """The volume as (channels, k, j, i), and what was made of it."""
        while True:
            try:
                return self._attempt(output, progress)
            except _BeginAgain:
                continue

    def _attempt(self, output: Path, progress: Progress) -> tuple[npt.NDArray, StitchResult]:
        whole, boxes = self._manifest.geometry.box, [slab.box for slab in self._manifest.slabs]
        voxels = self._reader.read(0)
        dtype, channels = self._dtype or voxels.dtype, len(voxels)
        require_memory(self._paths[0], channels * math.prod(whole.shape) * dtype.itemsize)
        blend = self._request.blend or self._default_blend(voxels, dtype)
        stitcher = Stitcher(whole, boxes, blend, dtype, channels)
        lowest, averages_labels = np.inf, False
        for n in range(len(boxes)):
            voxels = voxels if n == 0 else self._reader.read(n)
            voxels = self._of_type(n, voxels, dtype, channels)
            self._require_whole(voxels, blend)
            lowest = min(lowest, float(np.fmin.reduce(voxels, axis=None)))  # type: ignore[call-overload]
            if blend in ("mean", "gaussian") and channels == 1 and np.max(voxels) > 1:
                averages_labels |= _is_whole(voxels)
            stitcher.add(n, voxels)
            progress(ProgressEvent("slab-finished", self._manifest.case, n + 1, len(boxes)))
        uncovered = describe_uncovered(stitcher.uncovered, whole)
        fill = self._fill(np.array([lowest]).astype(dtype)) if uncovered else 0.0
        result = StitchResult(
            case=self._manifest.case,
            path=output,
            slabs=len(boxes),
            channels=channels,
            dtype=dtype.name,
            blend=blend,
            overlapping=stitcher.overlapping,
            uncovered=uncovered,
            fill=fill,
            is_labels=self._is_labels(blend, dtype, channels, lowest),
            warnings=self._reader.warnings + ((_AVERAGED_LABELS,) if averages_labels else ()),
        )
        return stitcher.finish(fill), result

    def _of_type(self, n: int, voxels: npt.NDArray, dtype: np.dtype, channels: int) -> npt.NDArray:
        joined = joined_type(dtype, voxels)
        if joined is None or len(voxels) != channels:
            raise InputError(
                f"{self._paths[n]} holds {len(voxels)} x {voxels.dtype.name} a voxel, "
                f"{self._paths[0].name} {channels} x {dtype.name}; all slabs must be of one type."
            )
        if joined != dtype:
            self._dtype = joined
            raise _BeginAgain
        return voxels.astype(dtype, copy=False)

    def _require_whole(self, voxels: npt.NDArray, blend: str) -> None:
        """Begin again where a vote, taken for labels by itself, would be one over fractions."""
        chosen = self._request.blend is not None
        if blend == "vote" and not chosen and voxels.dtype.kind == "f" and not _is_whole(voxels):
            self._has_fractions = True
            raise _BeginAgain

    def _is_labels(self, blend: str, dtype: np.dtype, channels: int, lowest: float) -> bool:
        if not self._foreign:
            return self._request.label_set is not None
        return channels == 1 and lowest >= 0 and (dtype.kind in "iu" or blend == "vote")

    def _fill(self, lowest: npt.NDArray) -> float:
        automatic = self._foreign or self._request.label_set is not None
        return 0.0 if self._request.fill is None and automatic else fill_value(self._request.fill, lowest)

    def _default_blend(self, first: npt.NDArray, dtype: np.dtype) -> str:
        if not self._foreign:
            return "first"
        if self._has_fractions:
            return "mean"
        if dtype.kind in "iu":
            return "vote"
        # Label maps are often saved as floats: look at the first slab that is not empty.
        n = 0
        while not np.any(first) and n + 1 < len(self._paths):
            n += 1
            first = self._reader.read(n)
        return "vote" if len(first) == 1 and _is_whole(first) else "mean"


def _recorded_type(manifest: Manifest, label_set: str | None) -> np.dtype:
    """Of what the slabs were cut from; DICOM may store them as another one."""
    record = manifest.source if label_set is None else manifest.label_sources[label_set]
    try:
        return np.dtype(str(record.dtype))
    except TypeError as error:
        raise InputError(f"The manifest of {manifest.case} does not say of what type its source was.") from error


def _is_whole(voxels: npt.NDArray) -> bool:
    return bool(np.all(voxels == np.round(voxels)))


def _header(image: Path, manifest: Manifest, used: Path, foreign: bool) -> Any:
    """NIfTI fields for the result: those of the source, which the slabs kept, at the source's place.

    None where no slab is a NIfTI file, or NIfTI cannot hold the whole; then Slicer's defaults are written.
    """
    path = used if not foreign else image
    if not is_nifti(path) or not path.is_file() or max(manifest.geometry.shape_ijk) > LARGEST_SIZE:
        return None
    header: NiftiHeader = read_header(path)
    fields = header.fields.copy()
    affine = manifest.geometry.affine_ras
    fields["dim"][1:4] = manifest.geometry.shape_ijk
    fields["srow"] = affine[:3]
    fields["qoffset"] = affine[:3, 3]
    if foreign:
        # What describes the image's values does not describe a prediction's.
        for name in ("cal_max", "cal_min", "intent_p", "intent_code"):
            fields[name] = 0
        fields["intent_name"], fields["aux_file"] = b"", b""
    return fields


def default_output(manifest_path: Path, folder: Path) -> Path:
    """Where a case of a whole export goes: ``<case>`` in ``folder``, in the format of its slabs if that is a file.

    Raises:
        InputError: the manifest cannot be read.
    """
    manifest = read_manifest(manifest_path)
    extension = f".{manifest.plan.format}"
    return folder / f"{manifest.case}{extension if extension in WRITABLE else WRITABLE[0]}"
