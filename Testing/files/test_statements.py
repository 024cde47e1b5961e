"""Headers that leave open where their voxels lie, or count in other units: said, and never guessed in silence."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from slab_exporter.core.errors import InputError
from slab_exporter.core.manifest import read_manifest
from slab_exporter.files.nifti import HEADER_DTYPE
from slab_exporter.files.statements.table import read_statement
from SlabExporterPanel.views.panel_view import PanelSettings, panel_view
from support.headers import nifti_header
from support.phantoms import index_phantom
from support.scenes import load, user_scene

SHAPE = (5, 6, 8)
VOXELS = index_phantom(SHAPE)
RAS = np.array([[2.0, 0, 0, -50], [0, 3, 0, -60], [0, 0, 4, 70], [0, 0, 0, 1]])
LPS = "space: left-posterior-superior\n"
DIRECTIONS = "space directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (10,20,30)\n"


def write_nrrd(path: Path, fields: str) -> Path:
    head = "NRRD0005\ntype: int16\ndimension: 3\nsizes: 5 6 8\nendian: little\nencoding: raw\n"
    path.write_bytes(f"{head}{fields}\n".encode() + VOXELS.tobytes(order="F"))
    return path


def write_mha(path: Path, fields: str) -> Path:
    head = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
    tail = "DimSize = 5 6 8\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    path.write_bytes(f"{head}{fields}{tail}".encode() + VOXELS.tobytes(order="F"))
    return path


def write_pair(path: Path, magic: bytes, **fields) -> Path:
    """An Analyze 7.5 or a NIfTI pair; ``path`` is that of the .img file."""
    header = nifti_header(SHAPE, **fields)
    header["vox_offset"], header["magic"] = 0, magic
    path.with_suffix(".hdr").write_bytes(header.binaryblock)
    path.write_bytes(VOXELS.tobytes(order="F"))
    return path


MATRIX, PLACE, SIZES = "TransformMatrix = 1 0 0 0 1 0 0 0 1\n", "Offset = 10 20 30\n", "ElementSpacing = 2 3 4\n"
OPEN = [
    (write_nrrd, "t.nrrd", DIRECTIONS.replace("space d", "space dimension: 3\nspace d"), "states no space"),
    (write_nrrd, "t.nrrd", "spacings: 2 3 4\n", "states no orientation"),
    (write_nrrd, "t.nrrd", "", "states no orientation and no voxel size"),
    (write_nrrd, "t.nrrd", "spacings: 2 NaN 4\n", "no voxel size along some axis"),
    (write_nrrd, "t.nrrd", "space: scanner-xyz\n" + DIRECTIONS, "states the space 'scanner-xyz', which says nothing"),
    (write_nrrd, "t.nrrd", "space: 3D-left-handed\n" + DIRECTIONS, "states the space '3d-left-handed'"),
    (write_nrrd, "t.nrrd", LPS + DIRECTIONS.splitlines()[0] + "\n", "states no origin"),
    (write_mha, "t.mha", PLACE + SIZES, "states no orientation"),
    (write_mha, "t.mha", MATRIX + SIZES, "states no origin"),
    (write_mha, "t.mha", MATRIX + PLACE, "states no voxel size (1 mm is taken)"),
]


@pytest.mark.parametrize(("write", "name", "fields", "said"), OPEN)
def test_what_a_header_leaves_open_is_said_by_inspect_export_and_report(run_cli, tmp_path, write, name, fields, said):
    path = write(tmp_path / name, fields)
    assert said in run_cli("inspect", path)[1]
    assert said in run_cli("export", path, "-o", tmp_path / "dry", "--dry-run")[1]
    code, _, err = run_cli("export", path, "-o", tmp_path / "out", "--thickness", 4)
    assert code == 0
    assert said in err
    assert said.replace("'", "&#x27;") in (tmp_path / "out" / "report.html").read_text().replace("&#39;", "&#x27;")


@pytest.mark.parametrize(
    ("write", "name", "fields"),
    [
        (write_nrrd, "t.nrrd", LPS + DIRECTIONS),
        (write_nrrd, "t.nrrd", "space: RAS\n" + DIRECTIONS),
        (write_nrrd, "t.nrrd", LPS + DIRECTIONS + 'space units: "mm" "mm" "mm"\n'),
        (write_mha, "t.mha", MATRIX + PLACE + SIZES),
        (
            write_mha,
            "t.mha",
            "Rotation = 1 0 0 0 1 0 0 0 1\nPosition = 1 2 3\nElementSize = 2 3 4\nDistanceUnits = mm\n",
        ),
    ],
)
def test_headers_that_state_everything_are_taken_without_a_word(tmp_path, write, name, fields):
    stated = read_statement(write(tmp_path / name, fields))
    assert (stated.unit_mm, stated.warnings) == (1.0, ())


@pytest.mark.parametrize(
    ("write", "name", "fields", "unit"),
    [
        (write_nrrd, "t.nrrd", LPS + DIRECTIONS + 'space units: "microns" "microns" "microns"\n', 0.001),
        (write_nrrd, "t.nrrd", LPS + DIRECTIONS + 'space units: "µm" "µm" "µm"\n', 0.001),
        (write_nrrd, "t.nrrd", LPS + DIRECTIONS + 'space units: "cm" "cm" "cm"\n', 10),
        (write_nrrd, "t.nrrd", LPS + DIRECTIONS + 'space units: "nm" "nm" "nm"\n', 1e-6),
        (write_nrrd, "t.nrrd", LPS + DIRECTIONS + 'space units: "m" "m" "m"\n', 1000),
        (write_mha, "t.mha", MATRIX + PLACE + SIZES + "DistanceUnits = um\n", 0.001),
        (write_mha, "t.mha", MATRIX + PLACE + SIZES + "DistanceUnits = cm\n", 10),
    ],
)
def test_units_are_converted_and_said(run_cli, tmp_path, write, name, fields, unit):
    """Slabs are in mm: 2 x 3 x 4 um are 0.002 x 0.003 x 0.004 mm."""
    path = write(tmp_path / name, fields)
    assert "converted to mm" in run_cli("inspect", path)[1]
    code, _, err = run_cli("export", path, "-o", tmp_path / "out", "--thickness", 4, "--format", "nii")
    assert code == 0, err
    assert "converted to mm; ITK, and so Slicer, ignores it" in err
    slab = nib.load(sorted((tmp_path / "out" / "t" / "images").glob("*.nii"))[1])
    expected = np.diag([-2 * unit, -3 * unit, 4 * unit, 1])
    expected[:3, 3] = (-10 * unit, -20 * unit, 46 * unit)
    np.testing.assert_allclose(slab.affine, expected, rtol=1e-6)
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_a_unit_that_nobody_knows_is_said(tmp_path):
    stated = read_statement(write_nrrd(tmp_path / "t.nrrd", LPS + DIRECTIONS + 'space units: "ell" "ell" "ell"\n'))
    assert stated.unit_mm == 1
    assert "unit of length is unknown ('space units': 'ell'); it is taken for mm" in stated.warnings[0]


@pytest.mark.parametrize(
    ("write", "name", "fields", "said"),
    [
        (write_nrrd, "t.nrrd", LPS + DIRECTIONS + 'space units: "mm" "mm" "um"\n', "different units"),
        (write_nrrd, "t.nrrd", "spacings: 2 -3 4\n", "negative size"),
        (write_mha, "t.mha", MATRIX + PLACE + "ElementSpacing = -2 3 4\n", "must be positive"),
        (
            write_mha,
            "t.mha",
            MATRIX.replace("= 1", "= 2") + PLACE + SIZES,
            "length 1; theirs are 2, 1, 1",
        ),
    ],
)
def test_headers_that_contradict_themselves_are_refused(run_cli, tmp_path, write, name, fields, said):
    path = write(tmp_path / name, fields)
    with pytest.raises(InputError, match=said):
        read_statement(path)
    for command in (["inspect", path], ["export", path, "-o", tmp_path / "out"], ["export", path, "--dry-run"]):
        code, text, err = run_cli(*command, *(["-o", tmp_path / "dry"] if "--dry-run" in command else []))
        assert said in text + err
        assert code != 0 or "--dry-run" in command


@pytest.mark.parametrize("opened", ["t.img", "t.hdr"])
def test_analyze_states_no_orientation(cli, tmp_path, opened):
    """SPM, FSL and nibabel guess LAS, ITK guesses LPS: a front-back mirror image."""
    path = write_pair(tmp_path / "t.img", b"", pixdim=[0, 2, 3, 4, 0, 0, 0, 0]).with_name(opened)
    for command in (["inspect", path], ["export", path, "-o", tmp_path / "out", "--thickness", 4]):
        code, text, err = cli(*command)
        assert code == 0
        assert "Analyze 7.5 states no orientation" in text + err
        assert "SPM, FSL and nibabel LAS, which is the mirror image" in text + err
        assert "WARNING" not in err  # ITK's own
        assert ".mat" not in text + err
    code, _, err = cli("export", path, "-o", tmp_path / "other", "--nifti-transform", "sform")
    assert code == 0
    assert f"--nifti-transform sform does not apply to {opened}, which is not a NIfTI file" in err


def test_a_matrix_of_spm_beside_it_is_said_to_be_ignored(run_cli, tmp_path):
    path = write_pair(tmp_path / "t.img", b"", pixdim=[0, 2, 3, 4, 0, 0, 0, 0])
    (tmp_path / "t.mat").write_bytes(b"any")
    said = "that SPM has put into t.mat beside it is ignored: the slabs lie elsewhere than SPM shows the image"
    assert said in run_cli("inspect", path)[1]
    code, _, err = run_cli("export", path, "-o", tmp_path / "out", "--thickness", 4)
    assert code == 0
    assert said in err
    assert said in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert any(said in text for text in read_manifest(tmp_path / "out" / "t" / "manifest.json").warnings)
    scene = user_scene()
    assert any(said in note for note in panel_view(PanelSettings(thickness=4), load(scene, path)).notes)
    scene.Clear(True)


@pytest.mark.parametrize("opened", ["t.img", "t.hdr"])
def test_a_nifti_pair_lies_where_its_forms_say(run_cli, tmp_path, opened):
    """ITK mirrors it for its negative pixdim."""
    write_pair(tmp_path / "t.img", b"ni1", sform=RAS, qform=RAS, pixdim=[1, -2, 3, 4, 0, 0, 0, 0])
    path = tmp_path / opened
    code, text, _ = run_cli("inspect", path)
    assert code == 0
    assert "orientation  RAS" in text
    assert "pixdim[1] of the header is negative" in text
    code, _, err = run_cli("export", path, "-o", tmp_path / "out", "--thickness", 4, "--nifti-transform", "sform")
    assert code == 0, err
    slab = nib.load(sorted((tmp_path / "out" / "t" / "images").iterdir())[1])
    expected = RAS.copy()
    expected[2, 3] += 16
    np.testing.assert_array_equal(slab.affine, expected)
    np.testing.assert_array_equal(np.asanyarray(slab.dataobj), VOXELS[:, :, 4:])
    assert run_cli("verify", tmp_path / "out")[0] == 0


def test_a_nifti_without_forms_says_so_as_before(tmp_path):
    pair = read_statement(write_pair(tmp_path / "t.img", b"ni1", pixdim=[1, 2, 3, 4, 0, 0, 0, 0]))
    assert "states no orientation" in pair.warnings[0]
    assert HEADER_DTYPE.itemsize == 348
    assert sitk.ReadImage(str(tmp_path / "t.hdr")).GetSpacing() == (2, 3, 4)
