"""A format is written by the class that the table names, and an independent reader opens what came out."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import SimpleITK as sitk
from slab_exporter.cases.find import Case
from slab_exporter.core import options
from slab_exporter.core.manifest import read_manifest
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.core.options import request as request_module
from slab_exporter.export.from_files import export_cases
from slab_exporter.files import slab_files
from slab_exporter.files.encodings.encoding import VolumeEncoding
from slab_exporter.files.encodings.nifti import GzippedNifti
from slab_exporter.files.encodings.nrrd import Nrrd
from slab_exporter.files.encodings.table import ENCODINGS
from slab_exporter.files.nifti import HEADER_DTYPE, HEADER_SIZE
from slab_exporter.pipeline.formats.table import FORMATS, kind_of
from slab_exporter.pipeline.formats.volume_file import VolumeFile
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (6, 7, 12)


@pytest.fixture
def image(tmp_path):
    return save_nifti(tmp_path / "ct.nii.gz", index_phantom(SHAPE), affine(signs=(-1, 1, 1)))


def written(out):
    about_the_run = ("errors.csv", "options.json")
    return (
        [path for path in out.rglob("*") if path.is_file() and path.name not in about_the_run] if out.exists() else []
    )


def offer(monkeypatch, name: str, encoding: VolumeEncoding | None = None) -> None:
    """A name among the choices, with a row in the table or without."""
    monkeypatch.setattr(request_module, "FORMATS", (*options.FORMATS, name))
    if encoding is not None:
        monkeypatch.setitem(ENCODINGS, f".{name}", encoding)
        monkeypatch.setitem(FORMATS, name, VolumeFile.of_case)


def failure(image, out, name: str) -> str:
    """What is said of an image that cannot be exported in this format."""
    result = export_cases([Case("ct", image, {})], out, ExportRequest(slabs=SlabOptions(thickness=5), format=name))
    return str(result.failures[0])


def test_every_choice_has_a_row_and_every_row_is_a_choice():
    assert tuple(FORMATS) == options.FORMATS


def test_a_name_without_a_row_is_refused_before_anything_is_written(image, tmp_path, monkeypatch):
    offer(monkeypatch, "vtk")
    assert "cannot be written as 'vtk'; choose one of nii.gz, nii, nrrd, dicom" in failure(
        image, tmp_path / "out", "vtk"
    )
    assert written(tmp_path / "out") == []


def test_a_row_that_writes_something_else_is_found_out(image, tmp_path, monkeypatch):
    class NotVtk(GzippedNifti):
        extension = ".vtk"

    offer(monkeypatch, "vtk", NotVtk())
    assert "SimpleITK cannot read it back" in failure(image, tmp_path / "out", "vtk")
    assert written(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"type: short", b"type: unsigned short", "voxels are uint16, the source's are int16"),
        (b"space origin: (", b"space origin: (1", "mm from where it should"),
        (b"endian: little", b"endian: big", "voxels differ from the source"),
    ],
)
def test_a_header_that_packing_spoils_is_found_out(image, tmp_path, monkeypatch, old, new, words):
    """The voxels inflate to the right bytes; only the finished file shows what they have become."""

    class SpoiledNrrd(Nrrd):
        def parts(self, header):
            assert old in header
            plain, head = super().parts(header)
            return plain.replace(old, new), head

    offer(monkeypatch, "nrrd", SpoiledNrrd())
    assert words in failure(image, tmp_path / "out", "nrrd")
    assert written(tmp_path / "out") == []


@pytest.mark.parametrize("name", ["nii.gz", "nii", "nrrd"])
def test_simpleitk_opens_every_finished_file_and_of_each_set_reads_the_smallest_slab(
    run_cli, image, tmp_path, monkeypatch, name
):
    """An NRRD file is read as a whole; of the others the header is enough, once their bytes are right."""
    labels = save_nifti(tmp_path / "seg.nii.gz", index_phantom(SHAPE, "uint8"), affine(signs=(-1, 1, 1)))
    opened, real = {}, slab_files.verify_file

    def verify_file(path, *rest):
        real(path, *rest)
        opened[path.name] = sitk.ReadImage(str(path)).GetSize()[2], rest[-1]

    monkeypatch.setattr(slab_files, "verify_file", verify_file)
    arguments = ("export", image, "--labels", labels, "-o", tmp_path / "out", "--thickness", 5, "--format", name)
    assert run_cli(*arguments)[0] == 0
    slices = {f"{folder}-{n}.ready.{name}": (5, 5, 2)[n] for folder in ("images", "labels") for n in range(3)}
    assert {file: found for file, (found, _) in opened.items()} == slices
    assert {file: compared for file, (_, compared) in opened.items() if compared} == {
        f"images-2.ready.{name}": range(2),
        f"labels-2.ready.{name}": range(2),
    }


class _SpoiledNifti(GzippedNifti):
    def __init__(self, field, value):
        self.field, self.value = field, value

    def described(self, header, source, box):
        fields = np.frombuffer(super().described(header, source, box)[:HEADER_SIZE], HEADER_DTYPE)[0].copy()
        fields[self.field] = self.value
        return fields.tobytes() + header[HEADER_SIZE:]


class _SpoiledNrrd(Nrrd):
    def resized(self, header, shape_ijk, channels):
        return super().resized(header, shape_ijk, channels).replace(b"endian: little", b"endian: big")


@pytest.mark.parametrize("first", [0, 9])
@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("nii.gz", _SpoiledNifti("vox_offset", 348)),
        ("nii.gz", _SpoiledNifti("vox_offset", 356)),
        ("nii.gz", _SpoiledNifti("scl_slope", 2)),
        ("nrrd", _SpoiledNrrd()),
    ],
)
def test_a_spoiled_header_is_found_out_where_most_voxels_are_alike(tmp_path, monkeypatch, name, encoding, first):
    """Zeros stay zeros from the wrong byte on, in the wrong byte order and on the wrong scale."""
    voxels = np.zeros((6, 7, 22), np.float32)  # slabs of 10, 10 and 2 planes
    voxels[2:4, 3, first] = 1.5
    image = save_nifti(tmp_path / "ct.nii.gz", voxels, affine())
    monkeypatch.setitem(ENCODINGS, f".{name}", encoding)
    request = ExportRequest(slabs=SlabOptions(thickness=10), format=name)
    result = export_cases([Case("ct", image, {})], tmp_path / "out", request)
    assert re.search("voxels differ from the source|cannot read it back", str(result.failures[0]))
    assert written(tmp_path / "out") == []


@pytest.mark.parametrize("name", options.FORMATS)
def test_finished_slabs_are_read_verified_and_recorded_alike(run_cli, runtime, image, tmp_path, name):
    labels = save_nifti(tmp_path / "seg.nii.gz", index_phantom(SHAPE, "uint8") % 4, affine(signs=(-1, 1, 1)))
    out = tmp_path / "out"
    assert run_cli("export", image, "--labels", labels, "-o", out, "--thickness", 5, "--format", name)[0] == 0
    manifest = read_manifest(out / "ct")
    for slab in manifest.slabs:
        path = out / "ct" / slab.image
        kind = kind_of(path)
        assert kind.checksum(path) == slab.sha256
        assert kind.shortfall(path, slab.geometry) is None
        kind.verify_place(path, slab.geometry)
        first, last = slab.box.start[2], slab.box.stop[2]
        expected = index_phantom(SHAPE)[:, :, first:last].T
        np.testing.assert_array_equal(kind.read(runtime, path, slab.geometry), expected)
    text = (out / "ct" / "manifest.json").read_text()
    assert manifest.to_text() == text
    assert list(json.loads(text)["plan"])[-1] == ("dicom" if name == "dicom" else "asked")
