"""``SlabDataset``: the slabs of an export as items of a data set; torch's DataLoader takes it as it is."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .core.errors import InputError, RequestError
from .core.manifest import FILE_NAME, Manifest, SlabRecord, find_manifests, read_manifest
from .core.naming import DATA_LIST
from .core.records import SourceRecord
from .dicom.writing.readback import read_segmentation, read_slab_folder
from .files.disk import written_part
from .files.readback import read_voxels
from .files.stacks.frame_readback import read_frames_at
from .keywords import AnyPath, path_of
from .pipeline.formats.table import kind_of
from .report.dataset import LISTS, UNLABELLED, label_keys, main_label_set, read_parts

if TYPE_CHECKING:
    import numpy.typing as npt

    from .core.geometry import VolumeGeometry

Item = dict[str, Any]


@dataclass(frozen=True)
class _SlabFile:
    """One file of a slab, and the type of what it was cut from."""

    path: Path
    geometry: VolumeGeometry
    dtype: str
    holds_frames: bool = False

    def read(self) -> npt.NDArray:
        """The voxels as [1, I, J, K].

        Raises:
            InputError: it is missing.
            VerificationError: it cannot be read, or does not lie where its manifest says.
        """
        if not self.path.exists():
            raise InputError(f"The slab {self.path} is missing; make it again with export and resume=True.")
        if self.holds_frames:
            return np.asarray(read_frames_at(self.path, self.geometry).transpose(0, 3, 2, 1))
        if kind_of(self.path).is_volume_file:
            voxels_kji = read_voxels(self.path, self.geometry)
        else:
            read = read_slab_folder if self.path.is_dir() else partial(read_segmentation, name=self.path.name)
            # DICOM stores whole numbers with a slope; readers choose a type of their own
            voxels_kji = read(self.path, self.geometry).astype(self.dtype)
        return voxels_kji.T[np.newaxis]


@dataclass(frozen=True)
class _Entry:
    """One slab: "image" and label keys -> files (of several channels several), and its record."""

    case: str
    record: SlabRecord
    files: dict[str, tuple[_SlabFile, ...]]

    @property
    def paths(self) -> dict[str, str | list[str]]:
        """Key -> path, or the paths of several channels."""
        found = {key: [str(file.path) for file in files] for key, files in self.files.items()}
        return {key: paths if len(paths) > 1 else paths[0] for key, paths in found.items()}


class SlabDataset:
    """The slabs of an export, one item each: a map-style data set that needs neither torch nor Slicer.

    An item is a dict:

    * ``image``: array [1, I, J, K] in the index order of the slab's file (nibabel's, not SimpleITK's), in its type;
      of a case with channels [C, I, J, K], in the type that holds them all; of one with frames [F, I, J, K];
    * ``label``: the same of the label map; of further sets ``label_NAME``, as in dataset.json;
    * ``affine``: 4x4, voxel index (i, j, k, 1) of the slab -> RAS in mm;
    * ``case``, ``index``: name of the case, number of the slab in it;
    * ``ijk_start``, ``ijk_stop``: the slab's half-open box in the source's voxel indices;
    * ``paths``: the files, by the same keys as the arrays; of channels a list.

    Every slab is checked on reading to lie where its manifest says.

    Args:
        out: output folder of an export, or the folder of one case.
        part: "training", "validation", "test" or "unlabelled" of dataset.json; None for all slabs.
        labels: names of the label sets to read; None for all that the export has.
        transform: called with each item; what it returns is the item.

    Raises:
        InputError: no export there, no such part or label set in it, or a damaged manifest.
        RequestError: a part of another name.

    Examples:
        >>> import slab_exporter as se
        >>> slabs = se.SlabDataset("slabs", part="training")
        >>> len(slabs)
        3
        >>> slab = slabs[1]
        >>> slab["image"].shape, slab["image"].dtype.name, slab["label"].shape
        ((1, 16, 14, 64), 'int16', (1, 16, 14, 64))
        >>> slab["case"], slab["index"], slab["ijk_start"].tolist(), slab["affine"][:3, 3].tolist()
        ('ct', 1, [0, 0, 56], [8.0, -7.0, 40.0])
        >>> sum(int(slab["label"].max()) for slab in slabs)
        6
    """

    def __init__(
        self,
        out: AnyPath,
        part: str | None = None,
        labels: str | Sequence[str] | None = None,
        transform: Callable[[Item], Any] | None = None,
    ) -> None:
        self._transform = transform
        self._entries: list[_Entry] = []
        wanted = [labels] if isinstance(labels, str) else labels
        manifests = {path: read_manifest(path) for path in _manifests(path_of(out), part)}
        # The unlabelled may have other sets than the one that is called "label".
        others = map(read_manifest, _manifests(path_of(out), None)) if part == UNLABELLED else manifests.values()
        main = main_label_set(name for manifest in others for slab in manifest.slabs for name in slab.labels)
        for path, manifest in manifests.items():
            self._entries += [_entry(path.parent, manifest, slab, wanted, main) for slab in manifest.slabs]

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, number: int) -> Any:
        entry = self._entries[number]
        item: Item = {key: _stacked(files) for key, files in entry.files.items()}
        item |= {
            "affine": entry.record.geometry.affine_ras.copy(),
            "case": entry.case,
            "index": entry.record.index,
            "ijk_start": np.array(entry.record.box.start),
            "ijk_stop": np.array(entry.record.box.stop),
            "paths": entry.paths,
        }
        return item if self._transform is None else self._transform(item)

    def __iter__(self) -> Iterator[Any]:
        return (self[number] for number in range(len(self)))

    def data_list(self) -> list[dict[str, Any]]:
        """Return what MONAI's data sets take: one dict per slab, with the paths of its files (of channels a list).

        Examples:
            >>> import slab_exporter as se
            >>> entry = se.SlabDataset("slabs").data_list()[0]
            >>> sorted(entry), entry["slab"]
            (['image', 'label', 'slab'], {'case': 'ct', 'index': 0, 'ijk_start': [0, 0, 0]})
        """
        return [
            entry.paths
            | {"slab": {"case": entry.case, "index": entry.record.index, "ijk_start": list(entry.record.box.start)}}
            for entry in self._entries
        ]

    def subjects(self) -> list[Any]:
        """Return what TorchIO's SubjectsDataset takes: one subject per slab; voxels are read when they are asked for.

        A subject has the keys of an item that are arrays of voxels, as images, and ``case`` and ``index``.

        Raises:
            RequestError: TorchIO is not installed.

        Examples:
            >>> import slab_exporter as se
            >>> subject = se.SlabDataset("slabs").subjects()[1]
            >>> subject["image"].shape, subject["image"].orientation
            ((1, 16, 14, 64), ('L', 'A', 'S'))
        """
        try:
            torchio = importlib.import_module("torchio")
        except ImportError as error:
            raise RequestError("Subjects need the package torchio (pip install 'torchio<2').") from error
        return [
            torchio.Subject(
                **{
                    key: (torchio.ScalarImage if key == "image" else torchio.LabelMap)(
                        files[0].path, reader=partial(_read_for_torchio, files)
                    )
                    for key, files in entry.files.items()
                },
                case=entry.case,
                index=entry.record.index,
            )
            for entry in self._entries
        ]


def _stacked(files: Sequence[_SlabFile]) -> npt.NDArray:
    """The voxels of all channels as [C, I, J, K]."""
    return files[0].read() if len(files) == 1 else np.concatenate([file.read() for file in files])


def _read_for_torchio(files: Sequence[_SlabFile], _: Any) -> tuple[npt.NDArray, npt.NDArray]:
    return _stacked(files), files[0].geometry.affine_ras.copy()


def _manifests(out: Path, part: str | None) -> list[Path]:
    """The manifests of a part in the order of dataset.json; of all cases below ``out`` where there is none."""
    if part is not None and part not in LISTS:
        raise RequestError(f"The part cannot be '{part}'; choose one of {', '.join(LISTS)}.")
    data_list = out / DATA_LIST
    if not data_list.is_file():
        if part is not None:
            raise InputError(f"{out} has no {DATA_LIST}, which alone knows what belongs to the part '{part}'.")
        return find_manifests(out)
    parts = read_parts(data_list)
    cases = [case for name in LISTS if part in (None, name) for case in parts[name]]
    if not cases:
        filled = ", ".join(name for name in LISTS if parts[name]) or "none"
        raise InputError(f"{data_list} has no slabs in the part '{part}' (it has: {filled}); see export's split.")
    return [out / case / FILE_NAME for case in cases]


def _entry(
    folder: Path, manifest: Manifest, slab: SlabRecord, wanted: Sequence[str] | None, main: str | None
) -> _Entry:
    sources = {None: manifest.source} | {channel.name: channel.source for channel in manifest.channels}
    images = ((slab.image if name is None else slab.channels[name], source) for name, source in sources.items())
    frames = manifest.frames is not None and not manifest.frames.apart
    files = {"image": tuple(_file(written_part(folder, path), source, slab, frames) for path, source in images)}
    for key, name in label_keys(slab.labels, main).items():
        if wanted is None or name in wanted:
            label = manifest.label_sources.get(name)
            several = label is not None and label.frames is not None
            files[key] = (_file(written_part(folder, slab.labels[name]), label, slab, several),)
    for name in wanted or ():
        if name not in slab.labels:
            held = ", ".join(slab.labels) or "none"
            raise InputError(f"{folder} holds no label set called '{name}' (it holds: {held}).")
    return _Entry(manifest.case, slab, files)


def _file(path: Path, source: SourceRecord | None, slab: SlabRecord, frames: bool = False) -> _SlabFile:
    if source is None or source.dtype is None:
        raise InputError(f"The manifest of {path} does not say of what type its source was.")
    return _SlabFile(path, slab.geometry, np.dtype(source.dtype).name, frames)
