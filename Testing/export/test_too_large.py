"""What cannot fit, and what inflates without end: one sentence for that case, and the others go on."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import nibabel as nib
import numpy as np
import pydicom
import pytest
from slab_exporter.core.errors import InputError
from slab_exporter.core.options import SeriesOptions
from slab_exporter.dicom.reading.load import load_series
from slab_exporter.dicom.reading.scan import find_series
from slab_exporter.files import stored
from slab_exporter.files.nifti import read_header
from slab_exporter.files.nifti_voxels import read_nifti
from support.dicom_phantoms import voxels, write_series
from support.phantoms import affine, index_phantom, save_nifti

DEFLATED = "1.2.840.10008.1.2.1.99"


def header_alone(path, shape, size=0):
    """A .nii file whose header promises ``shape``, and which has ``size`` bytes, of which the disk holds few."""
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(shape)
    header.set_sform(affine(), 1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    with path.open("wb") as file:
        file.write(header.binaryblock + bytes(1000))
        file.truncate(max(size, 1348))
    return path


@pytest.fixture
def hostile_folder(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    save_nifti(folder / "good.nii.gz", index_phantom((6, 7, 9)), affine())
    header_alone(folder / "sparse.nii", (4000, 4000, 8000), 352 + 2 * 4000 * 4000 * 8000)
    header_alone(folder / "claims.nii", (10000, 10000, 10000))
    content = gzip.decompress((folder / "good.nii.gz").read_bytes())
    (folder / "inflates.nii.gz").write_bytes(gzip.compress(content + bytes(300 << 20), 1))
    (folder / "mha.mha").write_bytes(
        b"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
        b"DimSize = 10000 10000 10000\nElementType = MET_SHORT\nElementDataFile = LOCAL\n" + bytes(100)
    )
    return folder


def test_an_export_goes_on_after_what_cannot_fit(hostile_folder, run_cli, tmp_path):
    code, _, errors = run_cli("export", hostile_folder, "-o", tmp_path / "out", "--thickness", 4)
    assert code == 1
    assert errors.count("of memory is free") == 3
    assert {p.parent.name for p in (tmp_path / "out").glob("*/manifest.json")} == {"good", "inflates"}


def test_an_inspection_goes_on_after_what_cannot_fit(hostile_folder, run_cli):
    code, output, _ = run_cli("inspect", hostile_folder, "--json")
    reports = {r["case"]: r for r in map(json.loads, output.splitlines()) if r["event"] == "inspected"}
    assert code == 1
    assert {case for case, r in reports.items() if r["usable"]} == {"good", "inflates"}
    assert all("of memory is free" in reports[case]["error"] for case in ("sparse", "claims", "mha"))


def test_no_memory_is_the_fault_of_its_file(tmp_path, run_cli, monkeypatch):
    for name in ("first", "second"):
        save_nifti(tmp_path / f"{name}.nii.gz", index_phantom((6, 7, 9)), affine())

    def read(header, frame=None):
        if header.path.name.startswith("first"):
            raise MemoryError
        return read_nifti(header, frame)

    monkeypatch.setattr("slab_exporter.volumes.reading.read_nifti", read)
    code, output, _ = run_cli("inspect", tmp_path, "--json")
    errors = [r["error"] for r in map(json.loads, output.splitlines()) if r["event"] == "inspected"]
    assert code == 1
    assert errors[0].endswith("first.nii.gz does not fit into this machine's memory.")
    assert errors[1] is None


@pytest.mark.parametrize("extension", [".nii", ".nii.gz"])
@pytest.mark.parametrize("frame", [0, 17, 79])
def test_one_volume_of_a_4d_file_is_read_without_the_rest(tmp_path, extension, frame):
    data = np.stack([index_phantom((64, 64, 128)) + n for n in range(80)], axis=3)
    nib.save(nib.Nifti1Image(data, affine()), tmp_path / f"four{extension}")
    header = read_header(tmp_path / f"four{extension}")
    tracemalloc.start()
    volume = read_nifti(header, frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(volume.voxels_kji, data[..., frame].T)
    assert peak < data.nbytes


def test_gzip_is_not_inflated_far_beyond_the_volume(tmp_path, monkeypatch):
    data = np.stack([index_phantom((16, 16, 8)) + n for n in range(5)], axis=3)
    path = tmp_path / "four.nii.gz"
    nib.save(nib.Nifti1Image(data, affine()), path)
    monkeypatch.setattr(stored, "MOST_BESIDE", 5000)
    volume = read_nifti(read_header(path), 1)
    np.testing.assert_array_equal(volume.voxels_kji, data[..., 1].T)
    assert "check sum of the gzip data" in volume.warnings[0]
    assert not read_nifti(read_header(path), 4).warnings
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))
    with pytest.raises(InputError, match="truncated"):
        read_nifti(read_header(path), 1)


def deflate(path, beyond=b""):
    """Rewrite a DICOM file deflated, with more content at the end."""
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DEFLATED
    dataset.save_as(path, enforce_file_format=True)
    if beyond:
        raw = path.read_bytes()
        start = 144 + int.from_bytes(raw[140:144], "little")
        content = zlib.decompress(raw[start:], -zlib.MAX_WBITS)
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        path.write_bytes(raw[:start] + packer.compress(content + beyond) + packer.flush())


def test_a_deflate_bomb_is_bounded_by_what_its_header_promises(tmp_path, monkeypatch):
    monkeypatch.setattr("slab_exporter.dicom.reading.parsing._MOST_BESIDE_PIXELS", 1 << 20)
    good, bomb = (write_series(tmp_path / name, voxels(), SeriesInstanceUID=f"1.2.{len(name)}") for name in ("g", "bo"))
    for file in (*good.iterdir(), *bomb.iterdir()):
        deflate(file)
    deflate(bomb / "002", bytes(100 << 20))
    assert (bomb / "002").stat().st_size < 200_000
    found = find_series(tmp_path)
    tracemalloc.start()
    volume = load_series(next(s for s in found if s.info.series_uid == "1.2.1"), SeriesOptions())
    np.testing.assert_array_equal(volume.voxels_kji, voxels())
    with pytest.raises(InputError, match="inflates to far more"):
        load_series(next(s for s in found if s.info.series_uid == "1.2.2"), SeriesOptions())
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("text", ["[" * 300_000, '{"markups": ' * 100_000, "[1]", "\x00", "NaN"])
def test_a_roi_file_that_is_no_markup_is_refused_before_slicer_reads_it(tmp_path, run_cli, text):
    path = tmp_path / "roi.mrk.json"
    path.write_text(text)
    image = save_nifti(tmp_path / "ct.nii.gz", index_phantom((6, 7, 9)), affine())
    code, _, errors = run_cli("export", image, "-o", tmp_path / "out", "--within", path)
    assert code == 2
    assert "holds no ROI" in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("statistics", ["text", {"min": "low"}, {"labels": {"labels": {"liver": 3}}}, {"labels": 3}])
def test_a_manifest_with_text_for_numbers_is_no_fault_of_the_others(tmp_path, run_cli, statistics):
    (tmp_path / "in").mkdir()
    for name in ("one", "two"):
        save_nifti(tmp_path / "in" / f"{name}.nii.gz", index_phantom((6, 7, 9)), affine())
    out = tmp_path / "out"
    assert run_cli("export", tmp_path / "in", "-o", out, "--thickness", 4)[0] == 0
    path = out / "one" / "manifest.json"
    document = json.loads(path.read_text())
    document["slabs"][0]["statistics"] = statistics
    path.write_text(json.dumps(document))
    code, output, _ = run_cli("verify", out)
    assert code == 1
    assert "two: 3 files as the source has it" in output
    code, _, errors = run_cli("export", tmp_path / "in", "-o", out, "--thickness", 4, "--resume")
    assert code in (0, 1)
    assert "two: complete already" in errors
