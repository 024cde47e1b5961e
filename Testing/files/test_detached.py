"""Headers that keep their voxels elsewhere: which files those are, and whether they are whole and may be read."""

from __future__ import annotations

import os

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.core.errors import InputError
from slab_exporter.files.detached import require_whole_files, source_sha256, unchanged, voxel_files

VOXELS_KJI = np.arange(8 * 6 * 5, dtype=np.int16).reshape(8, 6, 5)
RAW = VOXELS_KJI.tobytes()


def mhd(folder, data: str):
    path = folder / "ct.mhd"
    path.write_text(
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
        "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 1 1\nDimSize = 5 6 8\n"
        f"ElementType = MET_SHORT\nElementDataFile = {data}\n"
    )
    return path


def nhdr(folder, data: str):
    path = folder / "ct.nhdr"
    path.write_text(
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 5 6 8\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nendian: little\nencoding: raw\nspace origin: (0,0,0)\n"
        f"data file: {data}\n"
    )
    return path


@pytest.fixture
def slices(tmp_path):
    for k, plane in enumerate(VOXELS_KJI):
        (tmp_path / f"s{k}.raw").write_bytes(plane.tobytes())
    (tmp_path / "all.raw").write_bytes(RAW)
    return tmp_path


NAMES = [f"s{k}.raw" for k in range(8)]


@pytest.mark.parametrize("header", [mhd, nhdr])
@pytest.mark.parametrize(
    ("data", "names"),
    [("all.raw", ["all.raw"]), ("s%d.raw 0 7 1", NAMES), ("LIST\n" + "\n".join(NAMES), NAMES)],
    ids=["one", "pattern", "list"],
)
def test_the_files_that_a_header_names(slices, header, data, names):
    assert [file.name for file in voxel_files(header(slices, data))] == names


@pytest.mark.parametrize("header", [mhd, nhdr])
@pytest.mark.parametrize("name", ["../outside.raw", "{absolute}", "sub/../../outside.raw", "link.raw"])
def test_voxels_outside_of_the_headers_folder_are_not_read(tmp_path, header, name):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "outside.raw").write_bytes(RAW)
    (folder / "link.raw").symlink_to(tmp_path / "outside.raw")
    with pytest.raises(InputError, match="outside of its own folder"):
        voxel_files(header(folder, name.format(absolute=tmp_path / "outside.raw")))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names on this system")
@pytest.mark.parametrize("header", [mhd, nhdr])
def test_a_pipe_is_not_waited_for(tmp_path, header, run_cli):
    os.mkfifo(tmp_path / "pipe.raw")
    path = header(tmp_path, "pipe.raw")
    for command in (["export", path, "-o", tmp_path / "out"], ["inspect", path]):
        code, out, errors = run_cli(*command)
        assert code == 2
        assert "is not a plain file" in out + errors


@pytest.mark.parametrize("data", ["LIST\n" + "\n".join(NAMES[:6]), "s%d.raw 0 5 1"], ids=["list", "pattern"])
def test_six_files_for_eight_slices_are_refused(slices, run_cli, data):
    """ITK fills the rest with whatever is in memory."""
    code, _, errors = run_cli("export", mhd(slices, data), "-o", slices / "out")
    assert code == 2
    assert "promises 480 bytes of voxels, and its 6 files hold 360" in errors


def test_one_short_file_among_others_is_not_made_up_for_by_a_longer_one(slices):
    (slices / "s3.raw").write_bytes(b"")
    (slices / "s4.raw").write_bytes(RAW)
    with pytest.raises(InputError, match="promises 480 bytes"):
        require_whole_files(slices / "ct.mhd", tuple(slices / name for name in NAMES), len(RAW))


@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.AnalyzeImage])
def test_a_pair_with_a_short_image_is_refused(tmp_path, run_cli, kind):
    nib.save(kind(VOXELS_KJI.T.copy(), np.eye(4)), tmp_path / "ct.img")
    whole = (tmp_path / "ct.img").read_bytes()
    assert [file.name for file in voxel_files(tmp_path / "ct.hdr")] == ["ct.img"]
    (tmp_path / "ct.img").write_bytes(whole[:-100])
    code, _, errors = run_cli("export", tmp_path / "ct.hdr", "-o", tmp_path / "out")
    assert code == 2
    assert "promises 480 bytes of voxels, and its file holds 380" in errors


@pytest.mark.parametrize("header", [mhd, nhdr])
def test_resume_notices_other_voxels_behind_the_same_header(slices, run_cli, header):
    path, out = header(slices, "all.raw"), slices / "out"
    assert run_cli("export", path, "-o", out)[0] == 0
    assert "complete already" in run_cli("export", path, "-o", out, "--resume")[2]
    before = source_sha256(path)
    (slices / "all.raw").write_bytes(RAW[::-1])
    assert source_sha256(path) != before
    assert "has changed since it was exported: made again" in run_cli("export", path, "-o", out, "--resume")[2]
    assert run_cli("verify", out)[0] == 0


def test_a_file_that_changes_while_it_is_read_is_noticed(slices):
    path = mhd(slices, "all.raw")

    def change():
        with unchanged(path):
            (slices / "all.raw").write_bytes(RAW + b"more")

    with pytest.raises(InputError, match=r"all.raw was changed while it was being read"):
        change()
