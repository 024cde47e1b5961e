"""NRRD files that are read beside Slicer's scene against the same files as Slicer reads them: equal to the last bit."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import nrrd
import numpy as np
import pytest
from slab_exporter.attended import beside
from slab_exporter.core.errors import Cancelled, InputError
from slab_exporter.mrml import volume_files
from slab_exporter.volumes.choice import FileVolume
from slab_exporter.volumes.reading import open_volume
from support.phantoms import affine, index_phantom

SHAPE = (7, 5, 6)


class Waiting:
    """A caller who is called often."""

    patience_seconds = 0.02

    def __call__(self, event):
        """Do nothing."""


@pytest.fixture
def loaded_by_slicer(monkeypatch):
    """Sizes of the files that Slicer itself loads, and on which thread."""
    seen, load = [], volume_files._read_node

    def note(runtime, path, nodes):
        seen.append((path.stat().st_size, threading.current_thread()))
        return load(runtime, path, nodes)

    monkeypatch.setattr(volume_files, "_read_node", note)
    return seen


def write(path: Path, voxels: np.ndarray, **fields) -> Path:
    matrix = affine(signs=(-1, 1, 1), oblique=17)
    place = {"space": "right-anterior-superior", "space directions": matrix[:3, :3].T, "space origin": matrix[:3, 3]}
    nrrd.write(str(path), voxels, place | fields, index_order="F")
    return path


def both(runtime, path: Path):
    """The file as the command line reads it, and as the panel does."""
    file = FileVolume(path)
    return open_volume(runtime, file), beside(lambda _: open_volume(runtime, file), Waiting())


def assert_same(one, other):
    assert one.geometry.affine_ras.tobytes() == other.geometry.affine_ras.tobytes()
    assert one.voxels_kji.dtype == other.voxels_kji.dtype
    assert one.voxels_kji.tobytes() == other.voxels_kji.tobytes()
    assert (one.sha256, one.warnings, one.record) == (other.sha256, other.warnings, other.record)


@pytest.mark.parametrize("encoding", ["gzip", "raw"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_voxels_and_place_are_slicers_and_slicer_loads_next_to_nothing(
    tmp_path, runtime, loaded_by_slicer, dtype, encoding
):
    voxels = (index_phantom(SHAPE) % 120).astype(dtype)
    one, other = both(runtime, write(tmp_path / "a.nrrd", voxels, encoding=encoding))
    assert_same(one, other)
    assert np.array_equal(other.voxels_kji, voxels.T)
    assert other.voxels_kji.flags.c_contiguous
    assert loaded_by_slicer[1][1] is threading.current_thread()
    twins = 8 * np.dtype(dtype).itemsize
    assert loaded_by_slicer[1][0] < loaded_by_slicer[0][0] or encoding == "gzip"
    assert loaded_by_slicer[1][0] <= (tmp_path / "a.nrrd").stat().st_size + twins


@pytest.mark.parametrize(
    "fields",
    [
        {"space": "left-posterior-superior"},
        {"space": "left-anterior-superior", "space origin": [1 / 3, -1e3 / 7, 0.1]},
        {"space units": ["cm", "cm", "cm"]},
        {"key with a name": "sizes: 1 1 1"},
        {"endian": "big"},
        {"encoding": "ascii"},
    ],
    ids=str,
)
def test_other_headers_are_read_alike_or_left_to_slicer(tmp_path, runtime, fields):
    assert_same(*both(runtime, write(tmp_path / "a.nrrd", index_phantom(SHAPE), **fields)))


def test_one_voxel_and_a_detached_header_and_large_integers(tmp_path, runtime):
    assert_same(*both(runtime, write(tmp_path / "one.nrrd", np.full((1, 1, 1), 7, np.int16))))
    assert_same(*both(runtime, write(tmp_path / "apart.nhdr", index_phantom(SHAPE))))
    large = np.full(SHAPE, 2**53 + 1, np.int64)
    one, other = both(runtime, write(tmp_path / "large.nrrd", large))
    assert_same(one, other)
    assert other.voxels_kji[0, 0, 0] == 2**53 + 1


def test_a_damaged_file_fails_alike(tmp_path, runtime):
    path = write(tmp_path / "a.nrrd", index_phantom(SHAPE))
    path.write_bytes(path.read_bytes()[:-40])
    sentences = []
    for read in (lambda: open_volume(runtime, FileVolume(path)), lambda: both(runtime, path)):
        with pytest.raises(InputError) as error:
            read()
        sentences.append(str(error.value))
    assert sentences[0] == sentences[1]


def test_reading_can_be_cancelled(tmp_path, runtime):
    path = write(tmp_path / "a.nrrd", np.zeros((400, 400, 400), np.int16), encoding="raw")

    class Impatient(Waiting):
        patience_seconds = 0.001

        def __call__(self, event):
            raise Cancelled("Cancelled.")

    began = time.monotonic()
    with pytest.raises(Cancelled):
        beside(lambda _: open_volume(runtime, FileVolume(path)), Impatient())
    assert time.monotonic() - began < 2
