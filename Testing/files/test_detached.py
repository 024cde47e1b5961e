"""Headers that keep their voxels elsewhere: which files those are, and whether they are whole and may be read."""

from __future__ import annotations

import html
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import slab_exporter as se
from slab_exporter.core.errors import InputError
from slab_exporter.core.manifest import read_manifest
from slab_exporter.files.detached import FilesAsFound, require_whole_files, source_sha256, voxel_files
from slab_exporter.volumes.choice import FileVolume
from slab_exporter.volumes.reading import open_volume, read_ahead

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


@pytest.mark.parametrize("changed", ["ct.mhd", "all.raw"])
def test_a_file_that_changes_while_it_is_read_is_noticed(slices, changed):
    found = FilesAsFound.of(mhd(slices, "all.raw"))
    found.require_unchanged()
    (slices / changed).write_bytes((slices / changed).read_bytes() + b"\n")
    with pytest.raises(InputError, match=f"{changed} was changed while it was being read"):
        found.require_unchanged()


def test_the_same_size_and_time_do_not_make_another_file_the_same(slices):
    found = FilesAsFound.of(mhd(slices, "all.raw"))
    before = (slices / "all.raw").stat()
    (slices / "all.raw").write_bytes(RAW[::-1])
    os.utime(slices / "all.raw", ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InputError, match=r"all\.raw was changed"):
        found.require_unchanged()


@pytest.mark.parametrize("extension", ["mhd", "nrrd", "hdr"])
def test_what_slicer_reads_is_compared_with_what_was_judged_before(tmp_path, runtime, extension):
    """The header is judged while Slicer's libraries are imported, and the voxels are read after that."""
    path = tmp_path / f"ct.{extension}"
    if extension == "hdr":
        nib.save(nib.Nifti1Pair(VOXELS_KJI.T.copy(), np.diag([-1, -1, 1, 1])), tmp_path / "ct.img")
    else:
        sitk.WriteImage(sitk.GetImageFromArray(VOXELS_KJI), str(path))
    file = FileVolume(path)
    ahead = read_ahead(file)
    np.testing.assert_array_equal(open_volume(runtime, file, ahead).voxels_kji, VOXELS_KJI)
    path.write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="was changed while it was being read"):
        open_volume(runtime, file, ahead)


# --- voxels elsewhere that the user allows ---


@pytest.fixture
def elsewhere(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "all.raw").write_bytes(RAW)
    (tmp_path / "in").mkdir()
    return tmp_path


@pytest.mark.parametrize("header", [mhd, nhdr])
@pytest.mark.parametrize("name", ["../raw/all.raw", "{absolute}", "link.raw"])
def test_voxels_elsewhere_are_read_where_that_is_allowed_and_it_is_said(elsewhere, run_cli, header, name):
    data, out = elsewhere / "raw" / "all.raw", elsewhere / "out"
    (elsewhere / "in" / "link.raw").symlink_to(data)
    path = header(elsewhere / "in", name.format(absolute=data))
    asked = ("export", path, "-o", out, "--thickness", 3)
    code, _, errors = run_cli(*asked)
    assert code == 2
    assert "or let export and inspect read them with --allow-outside-data." in errors
    code, _, errors = run_cli(*asked, "--allow-outside-data")
    assert code == 0, errors
    manifest = read_manifest(out / "ct")
    said = f"accepted by --allow-outside-data, and read from {data}."
    assert [text for text in manifest.warnings if said in text]
    assert manifest.source.outside_data == (data.as_posix(),)
    assert manifest.source.sha256 == source_sha256(path, allow_outside=True)
    assert said in html.unescape((out / "report.html").read_text())
    for slab in manifest.slabs:
        voxels = np.asanyarray(nib.load(out / "ct" / slab.image).dataobj).T
        np.testing.assert_array_equal(voxels, VOXELS_KJI[slab.box.start[2] : slab.box.stop[2]])


def test_verify_and_resume_read_voxels_elsewhere_as_the_export_did(elsewhere, run_cli):
    path, out = mhd(elsewhere / "in", "../raw/all.raw"), elsewhere / "out"
    asked = ("export", path, "-o", out, "--allow-outside-data")
    assert run_cli(*asked)[0] == 0
    assert run_cli("verify", out)[0] == 0
    assert "complete already" in run_cli(*asked, "--resume")[2]
    assert "outside of its own folder" in run_cli("export", path, "-o", out, "--resume")[2]
    (elsewhere / "raw" / "all.raw").write_bytes(RAW[::-1])
    code, told, _ = run_cli("verify", out)
    assert (code, "has been changed since the export" in told) == (1, True)
    assert "has changed since it was exported: made again" in run_cli(*asked, "--resume")[2]
    assert run_cli("verify", out)[0] == 0


def test_inspect_plan_and_dry_run_accept_voxels_elsewhere(elsewhere, run_cli):
    path = nhdr(elsewhere / "in", "../raw/all.raw")
    assert "outside of its own folder" in run_cli("inspect", path)[1]
    code, told, _ = run_cli("inspect", path, "--allow-outside-data")
    assert code == 0
    assert f"read from {elsewhere / 'raw' / 'all.raw'}." in told
    assert run_cli("export", path, "-o", elsewhere / "out", "--dry-run", "--allow-outside-data")[0] == 0
    with pytest.raises(InputError, match="allow_outside_data=True"):
        se.plan(path)
    assert se.plan(path, allow_outside_data=True).geometry.shape_ijk == (5, 6, 8)
    assert se.inspect(path, allow_outside_data=True)[0].error is None
    result = se.export(path, elsewhere / "out", allow_outside_data=True)
    assert result.manifests[0].source.outside_data == ((elsewhere / "raw" / "all.raw").as_posix(),)


def test_a_label_map_and_a_pair_may_keep_their_voxels_elsewhere_too(elsewhere, run_cli):
    nib.save(nib.Nifti1Pair(VOXELS_KJI.T.copy(), np.diag([-1, -1, 1, 1])), elsewhere / "raw" / "ct.img")
    (elsewhere / "raw" / "ct.hdr").rename(elsewhere / "in" / "ct.hdr")
    (elsewhere / "in" / "ct.img").symlink_to(elsewhere / "raw" / "ct.img")
    label = mhd(elsewhere, "../raw/none.raw")
    label.rename(elsewhere / "in" / "ct_seg.mhd")
    label = elsewhere / "in" / "ct_seg.mhd"
    label.write_text(label.read_text().replace("MET_SHORT", "MET_UCHAR").replace("none.raw", "labels.raw"))
    (elsewhere / "raw" / "labels.raw").write_bytes((VOXELS_KJI % 3).astype(np.uint8).tobytes())
    asked = ("export", elsewhere / "in" / "ct.hdr", "-o", elsewhere / "out", "--labels", label)
    assert run_cli(*asked)[0] == 2
    code, _, errors = run_cli(*asked, "--allow-outside-data")
    assert code == 0, errors
    manifest = read_manifest(elsewhere / "out" / "ct")
    assert [Path(name).name for name in manifest.source.outside_data] == ["ct.img"]
    assert [Path(name).name for name in manifest.label_sources["labels"].outside_data] == ["labels.raw"]
    assert run_cli("verify", elsewhere / "out")[0] == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names on this system")
def test_what_is_allowed_is_plain_files_that_hold_enough(elsewhere, run_cli):
    os.mkfifo(elsewhere / "raw" / "pipe.raw")
    path = mhd(elsewhere / "in", "../raw/pipe.raw")
    assert "is not a plain file" in run_cli("export", path, "-o", elsewhere / "out", "--allow-outside-data")[2]
    (elsewhere / "raw" / "all.raw").write_bytes(RAW[:-2])
    path = mhd(elsewhere / "in", "../raw/all.raw")
    errors = run_cli("export", path, "-o", elsewhere / "out", "--allow-outside-data")[2]
    assert "promises 480 bytes of voxels, and its file holds 478" in errors


def test_a_deidentified_case_does_not_say_which_file_it_was(elsewhere, run_cli):
    (elsewhere / "raw" / "all.raw").rename(elsewhere / "raw" / "SMITH.raw")
    path, out = mhd(elsewhere / "in", "../raw/SMITH.raw"), elsewhere / "out"
    code, _, errors = run_cli("export", path, "-o", out, "--allow-outside-data", "--deidentify")
    assert (code, "SMITH.raw" in errors) == (0, True)
    assert read_manifest(out / "case-0001").source.outside_data == ()
    for file in out.rglob("*"):
        assert b"SMITH" not in (file.read_bytes() if file.is_file() else file.name.encode())


def test_manifests_of_other_exports_do_not_mention_the_option(slices, run_cli):
    """So that an export of an earlier version is complete for this one."""
    assert run_cli("export", mhd(slices, "all.raw"), "-o", slices / "out")[0] == 0
    assert "outside" not in (slices / "out" / "ct" / "manifest.json").read_text()
