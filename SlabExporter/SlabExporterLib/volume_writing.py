"""A whole volume to disk: Slicer's header, read back piece by piece, then renamed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .files.nifti import HEADER_DTYPE, HEADER_SIZE, SINGLE_FILE_OFFSET
from .files.readback import image_geometry, verify_geometry
from .files.slab_files import finish_slab
from .mrml.nodes import add_volume_node, temporary_nodes
from .mrml.runtime import SlicerRuntime
from .mrml.volume_files import write_uncompressed
from .pure.errors import OutputError, RequestError, VerificationError
from .pure.geometry import VolumeGeometry
from .pure.naming import volume_extension
from .pure.source import SourceVolume

WRITABLE = (".nii.gz", ".nii", ".nrrd")
# Slices that are read back at a time.
_STEP = 16


def require_writable(path: Path, overwrite: bool) -> None:
    """Refuse an output file that is in use or of another format.

    Raises:
        RequestError: the extension is none of ``WRITABLE``.
        OutputError: the file exists.
    """
    if volume_extension(path) not in WRITABLE:
        raise RequestError(f"The output {path} must end in {', '.join(WRITABLE[:-1])} or {WRITABLE[-1]}.")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already; choose another name, or add --overwrite to replace it.")


def write_volume(
    runtime: SlicerRuntime, volume: SourceVolume, final: Path, channels: npt.NDArray | None = None
) -> None:
    """Write a volume; ``final`` appears complete and verified, or not at all.

    Args:
        runtime: Slicer's classes.
        volume: voxels, geometry, and the header whose descriptive fields are kept.
        final: .nii.gz, .nii or .nrrd; its folder is made if missing.
        channels: (channels, k, j, i) to be written instead of ``volume.voxels_kji``, as 4D NIfTI.

    Raises:
        OutputError: it could not be written.
        VerificationError: what was written is not what should have been.
    """
    voxels = volume.voxels_kji[np.newaxis] if channels is None else channels
    if len(voxels) > 1 and volume_extension(final) == ".nrrd":
        raise RequestError(f"{final}: several channels a voxel are written as 4D NIfTI (.nii.gz or .nii) only.")
    first = replace(volume, voxels_kji=voxels[0])
    with _scratch_beside(final) as scratch:
        raw = scratch / ("volume.nrrd" if volume_extension(final) == ".nrrd" else "volume.nii")
        with temporary_nodes(runtime.scene) as nodes:
            nodes.append(add_volume_node(runtime, first.voxels_kji, first.geometry, "volume"))
            write_uncompressed(runtime, nodes[-1], raw)
        try:
            if len(voxels) > 1:
                _append_channels(raw, voxels)
        except OSError as error:
            raise OutputError(f"{final} could not be written: {error.strerror or error}.") from error

        def check(path: Path) -> None:
            _verify(path, final.name, voxels, first.geometry)

        finish_slab(raw, final, first, first.geometry.box, 0, "fast", True, check)


@contextmanager
def _scratch_beside(final: Path) -> Iterator[Path]:
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".partial-", dir=final.parent))
    except OSError as error:
        raise OutputError(f"The folder {final.parent} cannot be written: {error.strerror or error}.") from error
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _append_channels(raw: Path, voxels: npt.NDArray) -> None:
    """Make a 4D file of Slicer's 3D one: NIfTI stores the fourth axis slowest."""
    with raw.open("r+b") as file:
        fields = np.frombuffer(file.read(HEADER_SIZE), HEADER_DTYPE)[0].copy()
        fields["dim"][0], fields["dim"][4] = 4, len(voxels)
        fields["pixdim"][4] = 1
        file.seek(0)
        file.write(fields.tobytes())
        file.seek(SINGLE_FILE_OFFSET + voxels[0].nbytes)
        for channel in voxels[1:]:
            file.write(np.ascontiguousarray(channel).data)


def _verify(path: Path, name: str, voxels: npt.NDArray, geometry: VolumeGeometry) -> None:
    """SimpleITK's opinion of a written file, a few slices at a time, so that no second volume is in memory."""
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size = reader.GetSize()
        expected = geometry.shape_ijk if len(voxels) == 1 else (*geometry.shape_ijk, len(voxels))
        if tuple(size) != expected:
            raise VerificationError(f"{name}: it has {tuple(size)} voxels instead of {expected}.")
        for channel, k in ((c, k) for c in range(len(voxels)) for k in range(0, size[2], _STEP)):
            thick = min(_STEP, size[2] - k)
            reader.SetExtractIndex([0, 0, k, channel][: len(size)])
            # a size of 0 along the fourth axis gives a three-dimensional image
            reader.SetExtractSize([size[0], size[1], thick, 0][: len(size)])
            image = reader.Execute()
            if k == 0:
                head = VolumeGeometry((size[0], size[1], thick), geometry.affine_ras)
                verify_geometry(name, image_geometry(image), head)
            _compare(name, sitk.GetArrayViewFromImage(image), voxels[channel, k : k + thick])
    except RuntimeError as error:
        raise VerificationError(f"{name}: SimpleITK cannot read it back.") from error


def _compare(name: str, found: npt.NDArray, expected: npt.NDArray) -> None:
    if found.dtype != expected.dtype:
        raise VerificationError(f"{name}: voxels are {found.dtype.name} instead of {expected.dtype.name}.")
    if not np.array_equal(found, expected, equal_nan=found.dtype.kind == "f"):
        raise VerificationError(f"{name}: voxels differ from what was to be written.")
