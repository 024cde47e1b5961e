"""Read the voxels of slabs, from whatever file holds them, in the slab's own index order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.errors import InputError, reading
from ..core.geometry import VolumeGeometry
from ..core.geometry_difference import SAME_GRID_VOXELS
from ..core.index_map import map_between
from ..core.manifest import Manifest, SlabRecord
from ..core.naming import volume_extension
from ..core.text import Option, Sentence, millimetres
from ..files.machine import THREADS, helpers
from ..files.nifti import NiftiHeader, read_header
from ..files.nifti_transforms import CHOICE, header_geometry, refuse_unusable, transform_warnings
from ..files.nifti_voxels import read_frames
from ..mrml.runtime import SlicerRuntime
from ..mrml.volume_files import is_nifti, require_volume_file
from ..pipeline.formats.table import kind_of
from ..volumes.choice import FileChoice, FileVolume
from ..volumes.reading import open_volume, peek_volume
from .other_files import is_array_file, read_array_file, read_vectors, vector_kind


@dataclass(frozen=True)
class SlabKind:
    """Type of a slab's numbers, and how many there are per voxel."""

    dtype: np.dtype
    channels: int

    def __str__(self) -> str:
        return f"{self.channels} x {self.dtype.name} per voxel"


@dataclass(frozen=True)
class _SlabFile:
    voxels_ckji: npt.NDArray
    geometry: VolumeGeometry | None
    stated: tuple[int, ...] = ()


# Formats whose headers say which type the values have.
_PLAIN_EXTENSIONS = (".nrrd", ".nhdr", ".mha", ".mhd", ".mgh", ".mgz")

_Frames = tuple[NiftiHeader, npt.NDArray] | None

# Number of files to read beyond the one that is needed now.
_AHEAD = THREADS


class FilesAhead:
    """NIfTI files of slabs, read by worker threads shortly before they are needed, in any order.

    Args:
        pool: the threads.
        paths: of the slabs.
    """

    def __init__(self, pool: Executor, paths: list[Path]) -> None:
        self._pool = pool
        self._paths = paths
        self._reading: dict[int, Future[_Frames]] = {}
        self._begin(range(_AHEAD))

    def take(self, n: int) -> _Frames:
        """Return header and voxels (frames, k, j, i) of a file; None for one that is not a NIfTI file.

        Raises:
            InputError: the file cannot be used.
        """
        self._begin(range(n, n + 1 + _AHEAD))
        return self._reading.pop(n).result()

    def _begin(self, numbers: range) -> None:
        for n in numbers:
            if n < len(self._paths) and n not in self._reading:
                self._reading[n] = self._pool.submit(_read_nifti, self._paths[n])


@contextmanager
def read_ahead(paths: list[Path]) -> Iterator[FilesAhead]:
    """Begin to read files; what has not been taken at the end is dropped."""
    with helpers(THREADS) as pool:
        yield FilesAhead(pool, paths)


def _read_nifti(path: Path) -> _Frames:
    if path.is_dir() or not is_nifti(path):
        return None
    require_volume_file(path)
    with reading(path):
        header = read_header(path, vectors=True)
        return header, read_frames(header)


class SlabReader:
    """Reader of the files of a case's slabs, which checks them against the manifest.

    Args:
        runtime: Slicer's classes.
        files: the slabs' NIfTI files, being read ahead.
        manifest: of the case.
        paths: one file per slab, in the manifest's order.
        trust_names: accept files whose geometry was lost, by their names and shapes alone.
        own: type of what the slabs were cut from, where the files are the export's own; None for others.
    """

    def __init__(
        self,
        runtime: SlicerRuntime,
        files: FilesAhead,
        manifest: Manifest,
        paths: list[Path],
        trust_names: bool,
        own: np.dtype | None = None,
    ) -> None:
        self._runtime = runtime
        self._files = files
        self._manifest = manifest
        self._paths = paths
        self._trust_names = trust_names
        self._own = own
        self._kind = manifest.plan.kind
        self._astray: dict[int, float | None] = {}
        self._unusual: dict[str, list[str]] = {}

    def read(self, n: int) -> npt.NDArray:
        """Return the voxels of slab ``n`` as (channels, k, j, i).

        A file on the slab's grid in another storage order is put back into the slab's order.

        Raises:
            SlabExporterError: the file cannot be used, or lies elsewhere and names are not trusted.
        """
        slab, path = self._manifest.slabs[n], self._paths[n]
        shape = slab.geometry.shape_ijk
        if self._own is not None and not kind_of(path).is_volume_file:
            return kind_of(path).read(self._runtime, path, slab.geometry).astype(self._own)[np.newaxis]
        file = self._open(n, path)
        if file.geometry is not None:
            order = map_between(slab.geometry, file.geometry, SAME_GRID_VOXELS)
            if order is not None and order.box(shape) == file.geometry.box:
                return np.swapaxes(order.arranged(np.swapaxes(file.voxels_ckji, 1, 3), shape), 1, 3)
        self._judge(n, slab, path, file)
        return file.voxels_ckji

    @property
    def count(self) -> int:
        """Number of slabs."""
        return len(self._paths)

    def kind(self, n: int) -> SlabKind:
        """Return the kind of slab ``n``, from its header; the voxels are read only where scaling decides on their type.

        Raises:
            SlabExporterError: the file cannot be used.
        """
        path = self._paths[n]
        if self._own is not None and not kind_of(path).is_volume_file:
            return SlabKind(self._own, 1)
        if not path.is_dir() and is_nifti(path):
            require_volume_file(path)
            with reading(path):
                header = read_header(path, vectors=True)
            if _is_channel_first(header, self._manifest.slabs[n].geometry.shape_ijk):
                return SlabKind(header.dtype.newbyteorder("="), header.shape[0])
            if header.scaling == (1.0, 0.0) and sorted(header.shape_ijk) == sorted(self._manifest.slabs[n].box.shape):
                return SlabKind(header.dtype.newbyteorder("="), header.frames)
        elif volume_extension(path) in _PLAIN_EXTENSIONS:
            vectors = vector_kind(path)
            return SlabKind(peek_volume(FileVolume(path)).dtype, 1) if vectors is None else SlabKind(*vectors)
        voxels = self.read(n)
        return SlabKind(voxels.dtype, len(voxels))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about the files that were read."""
        unusual = tuple(_about_files(text, names) for text, names in self._unusual.items())
        if not self._astray:
            return unusual
        known = [distance for distance in self._astray.values() if distance is not None]
        where = (
            f"lie up to {millimetres(max(known))} mm away from their {self._kind}s" if known else "state no geometry"
        )
        return (
            f"{len(self._astray)} of {len(self._paths)} files {where}; their geometry is ignored, "
            "their names are trusted.",
            *unusual,
        )

    def _judge(self, n: int, slab: SlabRecord, path: Path, file: _SlabFile) -> None:
        """Refuse a file whose grid is not the slab's, unless names are to be trusted and the shape fits."""
        shape: tuple[int, ...] = file.voxels_ckji.shape[:0:-1]
        if shape != slab.geometry.shape_ijk:
            hint = " Its axes may be in numpy's order k, j, i." if shape[::-1] == slab.geometry.shape_ijk else ""
            if len(file.stated) > 3:
                shape, hint = file.stated, " Its axes fit with channels neither first nor last."
            raise InputError(
                f"{path} has {shape} voxels, its {self._kind} {slab.image} has {slab.geometry.shape_ijk}.{hint}"
            )
        distance = None if file.geometry is None else file.geometry.corner_distance(slab.geometry)
        if self._trust_names:
            self._astray[n] = distance
            return
        text = f"{path}: its geometry cannot be read"
        if file.geometry is not None and distance is not None:
            text = f"{path} lies up to {millimetres(distance)} mm away from its {self._kind} {slab.image}"
            if np.allclose(np.abs(file.geometry.affine_ras[:3, :3]), np.eye(3)):
                text += " (voxels of 1 mm along the axes: the program that wrote it has lost the geometry)"
        raise InputError(
            f"{text}. If it was made voxel for voxel from that {self._kind}, add ",
            Option.on("trust_names"),
            ": then its own geometry is ignored.",
        )

    def _open(self, n: int, path: Path) -> _SlabFile:
        taken = self._files.take(n)
        if taken is None:
            return self._open_other(path, self._manifest.slabs[n].geometry)
        header, frames = taken
        try:
            refuse_unusable(header, None)
            geometry = header_geometry(header)
        except InputError:
            if not self._trust_names:
                raise
            return _SlabFile(frames, None)
        self._note(path, transform_warnings(header))
        if _is_channel_first(header, self._manifest.slabs[n].geometry.shape_ijk):
            frames = np.moveaxis(frames, -1, 0)
            geometry = VolumeGeometry(header.shape[1:4], geometry.affine_ras)  # type: ignore[arg-type]
        return _SlabFile(frames, geometry, header.shape)

    def _open_other(self, path: Path, slab: VolumeGeometry) -> _SlabFile:
        if is_array_file(path):
            array = read_array_file(path, slab.shape_ijk, self._trust_names)
            self._note(path, () if array.note is None else (array.note,))
            return _SlabFile(array.voxels_ckji, array.geometry if array.note is None else slab)
        if not path.is_dir() and vector_kind(path) is not None:
            vectors = read_vectors(path)
            return _SlabFile(vectors.voxels_ckji, vectors.geometry)
        volume = open_volume(self._runtime, FileChoice(path))
        self._note(path, volume.warnings)
        return _SlabFile(volume.voxels_kji[np.newaxis], volume.geometry)

    def _note(self, path: Path, warnings: Sequence[str]) -> None:
        # the export's own files were judged when they were made
        for text in warnings if self._own is None else ():
            names = self._unusual.setdefault(text.removesuffix(CHOICE), [])
            if path.name not in names:
                names.append(path.name)


def _is_channel_first(header: NiftiHeader, shape_ijk: tuple[int, int, int]) -> bool:
    """Return whether a NIfTI file holds channels along its first axis, as numpy and PyTorch users save them."""
    return len(header.shape) == 4 and header.shape_ijk != shape_ijk and header.shape[1:] == shape_ijk


def _about_files(text: str, names: list[str]) -> str:
    others = len(names) - 1
    more = f" and {others} other{'s' if others > 1 else ''}" if others else ""
    return Sentence(f"{names[0]}{more}: ", text)
