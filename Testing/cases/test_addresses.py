"""Inputs at addresses: downloaded, read, recorded without what is secret; and nothing of them stays behind."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

import pytest
import slab_exporter as se
from slab_exporter.files.network.addresses import Address, address_of
from slab_exporter.files.network.downloads import Downloads
from support.phantoms import affine, index_phantom, save_nifti
from support.web import PASSWORD, SIGNATURE, USER, web_server

SHAPE = (6, 7, 9)
SECRETS = (PASSWORD, SIGNATURE)


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    """The folder for scratch files; nothing may be left in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def site(tmp_path) -> Path:
    """The files that are served."""
    folder = tmp_path / "site"
    for name in ("data/ct.nii.gz", "private/ct.nii.gz", "broken/ct.nii.gz", "packed/ct.nii.gz"):
        (folder / name).parent.mkdir(parents=True)
        save_nifti(folder / name, index_phantom(SHAPE), affine())
    save_nifti(folder / "data/organs.nii.gz", (index_phantom(SHAPE) % 3).astype("uint8"), affine())
    (folder / "data/page.html").write_text("<html>Log in</html>")
    (folder / "data/text.nii").write_text("This is no volume.")
    return folder


@pytest.fixture
def server(site):
    pytest.importorskip("aiohttp", reason="aiohttp is not installed (extra 'remote')")
    pytest.importorskip("fsspec", reason="fsspec is not installed (extra 'remote')")
    with web_server(site) as (host, asked):
        yield host, asked


@pytest.fixture
def memory(site):
    """The same files on the file system that fsspec keeps in memory."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (extra 'remote')")
    files = fsspec.filesystem("memory")
    for path in site.rglob("*.*"):
        files.pipe_file(f"/bucket/{path.relative_to(site).as_posix()}", path.read_bytes())
    yield "memory://bucket"
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_volume_and_its_label_map_are_downloaded_and_cut_as_if_they_lay_here(server, site, tmp_path, run_cli):
    host, asked = server
    code, _, error = run_cli(
        "export", f"http://{host}/data/ct.nii.gz", "--labels", f"organs=http://{host}/data/organs.nii.gz",
        "-o", tmp_path / "far", "--thickness", 4,
    )  # fmt: skip
    assert code == 0, error
    assert f"slab-exporter: downloading http://{host}/data/ct.nii.gz (0.0 MB)\n" in error
    assert asked.count("GET /data/ct.nii.gz") == 1
    near = se.export(
        site / "data/ct.nii.gz", tmp_path / "near", thickness=4, labels={"organs": site / "data/organs.nii.gz"}
    )
    manifest = se.read_manifest(tmp_path / "far" / "ct")
    assert [slab.sha256 for slab in manifest.slabs] == [slab.sha256 for slab in near.manifests[0].slabs]
    assert manifest.source.path == f"http://{host}/data/ct.nii.gz"
    assert manifest.source.sha256 == sha256(site / "data/ct.nii.gz")
    assert manifest.label_sources["organs"].path == f"http://{host}/data/organs.nii.gz"


@pytest.mark.parametrize("secret", ["user", "signature"])
def test_nothing_secret_is_written_or_printed(server, tmp_path, run_cli, secret):
    host, _ = server
    given = {
        "user": f"http://{USER}:{PASSWORD}@{host}/private/ct.nii.gz",
        "signature": f"http://{host}/private/ct.nii.gz?sig={SIGNATURE}&expires=1",
    }[secret]
    lost = given.replace("/ct.", "/lost.")
    code, out, error = run_cli("export", lost, "-o", tmp_path / "failed")
    assert code == 2
    with pytest.raises(se.InputError) as debugged:
        run_cli("export", lost, "-o", tmp_path / "failed", "--debug")
    error += "".join(traceback.format_exception(debugged.value))
    code, more, told = run_cli("export", given, "-o", tmp_path / "out", "--json")
    assert code == 0, told
    code, table, _ = run_cli("inspect", given)
    assert code == 0
    assert table.startswith(f"ct  (http://{host}/private/ct.nii.gz)\n")
    written = everything_in(tmp_path / "out").decode("latin-1") + out + error + more + told + table
    assert not [word for word in (*SECRETS, f"{USER}:") if word in written]
    assert se.read_manifest(tmp_path / "out" / "ct").source.path == f"http://{host}/private/ct.nii.gz"


REFUSALS = {
    "data/lost.nii.gz": "cannot be downloaded: the server answers 404, there is no such file.",
    "private/ct.nii.gz": "cannot be downloaded: the server answers 401, it asks for a user and password.",
    "forbidden/ct.nii.gz": "cannot be downloaded: the server answers 403, access is refused.",
    "broken/ct.nii.gz": "cannot be downloaded: the connection failed (ClientPayloadError).",
    "data/page.html": "is a web page and not the file itself; give the address of the download.",
    "data/": "cannot be downloaded: the server answers 404, there is no such file.",
    "data/*.nii.gz": "is not the address of one file; name the files in a list, one by one.",
}


@pytest.mark.parametrize("path", REFUSALS)
def test_what_cannot_be_downloaded_is_a_sentence_and_creates_nothing(server, tmp_path, run_cli, path):
    host, _ = server
    code, out, error = run_cli("export", f"http://{host}/{path}", "-o", tmp_path / "out", "--quiet")
    assert (code, out) == (2, "")
    assert error == f"slab-exporter: http://{host}/{path} {REFUSALS[path]}\n"
    assert not (tmp_path / "out").exists()


def test_a_server_that_is_not_there(tmp_path, run_cli):
    pytest.importorskip("aiohttp", reason="aiohttp is not installed (extra 'remote')")
    with web_server(tmp_path) as (host, _):
        pass
    code, _, error = run_cli("inspect", f"http://{host}/ct.nii.gz")
    assert code == 2
    assert (
        f"http://{host}/ct.nii.gz cannot be downloaded: the connection failed (" in error or "refused" in error.lower()
    )


def test_bytes_are_taken_as_they_are_stored(server, site, tmp_path):
    host, _ = server
    (report,) = se.inspect(f"http://{host}/packed/ct.nii.gz")
    assert report.error is None
    with Downloads() as files:
        assert sha256(files.local(Address(f"http://{host}/packed/ct.nii.gz"))) == sha256(site / "packed/ct.nii.gz")


def test_a_file_that_is_no_volume_is_called_by_its_address(server, tmp_path, run_cli):
    host, _ = server
    code, _, error = run_cli("export", f"http://{host}/data/text.nii", "-o", tmp_path / "out", "--quiet")
    assert code == 2
    assert error.startswith(f"slab-exporter: text: http://{host}/data/text.nii ")
    assert "temporary" not in error + (tmp_path / "out" / "errors.csv").read_text()
    assert f'text,http://{host}/data/text.nii,"http' in (tmp_path / "out" / "errors.csv").read_text()


def test_a_list_names_addresses_and_paths(memory, site, tmp_path):
    shutil.copy(site / "data/ct.nii.gz", tmp_path / "near.nii.gz")
    (tmp_path / "list.csv").write_text(
        f"image,label_organs,age\nnear.nii.gz,{memory}/data/organs.nii.gz,60\n"
        f"{memory}/data/ct.nii.gz,{memory}/data/organs.nii.gz,70\n{memory}/data/lost.nii.gz,,80\n"
    )
    result = se.export(tmp_path / "list.csv", tmp_path / "out", thickness=4)
    assert [manifest.case for manifest in result.manifests] == ["near", "ct"]
    assert [manifest.source.path for manifest in result.manifests] == ["../../near.nii.gz", f"{memory}/data/ct.nii.gz"]
    (failure,) = result.failures
    assert failure.case == "lost"
    assert str(failure.error) == f"{memory}/data/lost.nii.gz cannot be downloaded: there is no such file."
    assert f"lost,{memory}/data/lost.nii.gz," in (tmp_path / "out" / "errors.csv").read_text()


def test_a_list_at_an_address_names_files_beside_it(memory, tmp_path):
    import fsspec

    fsspec.filesystem("memory").pipe_file("/bucket/data/list.txt", b"ct.nii.gz\n../private/ct.nii.gz\n/etc/passwd\n")
    result = se.export(f"{memory}/data/list.txt", tmp_path / "out", thickness=4)
    assert [manifest.source.path for manifest in result.manifests] == [f"{memory}/data/ct.nii.gz"]
    assert [str(failure.error).split(" cannot")[0] for failure in result.failures] == [
        f"{memory}/data/../private/ct.nii.gz",
        f"{memory}/data/etc/passwd",
    ]


def test_two_addresses_of_one_name_are_two_cases(memory, tmp_path):
    result = se.export([f"{memory}/data/ct.nii.gz", f"{memory}/packed/ct.nii.gz"], tmp_path / "out", thickness=4)
    assert [manifest.case for manifest in result.manifests] == ["data", "packed"]
    with pytest.raises(se.RequestError, match=rf"^{memory}/data/ct.nii.gz is given twice\.$"):
        se.export([f"{memory}/data/ct.nii.gz"] * 2, tmp_path / "twice", thickness=4)


@pytest.mark.parametrize("order", [1, -1])
def test_an_address_may_go_on_where_another_one_ends(memory, site, tmp_path, order):
    whole = f"{memory}/data/ct.nii.gz"
    (tmp_path / "list.csv").write_text("\n".join(["case,image", *[f"a,{whole}", f"b,{whole}/x.nii.gz"][::order]]))
    with Downloads() as files:
        paths = [files.beside(tmp_path / "list.csv", text)[0] for text in (f"{whole}/x.nii.gz", whole)[::order]]
        assert [path.is_file() for path in paths] == [path.name == "ct.nii.gz" for path in paths]
    result = se.export(tmp_path / "list.csv", tmp_path / "out")
    assert [manifest.case for manifest in result.manifests] == ["a"]
    assert "x.nii.gz cannot be downloaded: there is no such file." in str(result.failures[0].error)


def test_folders_and_patterns_are_refused(memory, site, tmp_path):
    with pytest.raises(se.InputError, match=rf"^{memory}/data is a folder, and only single files are downloaded; "):
        se.export(f"{memory}/data", tmp_path / "out")
    with pytest.raises(se.InputError, match="patterns are for files of this machine; name the label maps in a list"):
        se.export(site / "data/ct.nii.gz", tmp_path / "out", labels=f"{memory}/data/{{case}}_seg.nii.gz")
    assert not (tmp_path / "out").exists()


def test_verify_and_resume_know_that_the_scratch_file_is_gone(memory, tmp_path, run_cli):
    given = f"{memory}/data/ct.nii.gz"
    se.export(given, tmp_path / "out", thickness=4)
    code, out, _ = run_cli("verify", tmp_path / "out")
    assert code == 0
    assert out == (
        f"ct: 3 files as they were written; {given} is not downloaded again: check sums, shapes and positions were "
        "compared, voxels with it were not\n3 files checked, 0 differences\n"
    )
    slab = next((tmp_path / "out/ct/images").glob("*_slab-001*"))
    before = slab.stat().st_mtime_ns
    code, _, error = run_cli("export", given, "-o", tmp_path / "out", "--thickness", 4, "--resume")
    assert code == 0
    assert "ct: complete already" in error
    assert slab.stat().st_mtime_ns == before
    import fsspec

    with fsspec.open(f"{memory}/data/ct.nii.gz", "wb") as file:
        file.write((tmp_path / "site/private/ct.nii.gz").read_bytes()[:-1])
    code, _, error = run_cli("export", given, "-o", tmp_path / "out", "--thickness", 4, "--resume")
    assert f"ct: warning: {given} has changed since it was exported: made again" in error


def test_verify_counts_the_sources_that_are_far(memory, site, tmp_path):
    far, near = f"{memory}/data/organs.nii.gz", site / "data/ct.nii.gz"
    se.export(near, tmp_path / "one", thickness=4, labels=far)
    (report,) = se.verify(tmp_path / "one")
    assert (report.files, report.differences) == (6, ())
    assert report.unchecked.startswith(f"{far} is not downloaded again: ")
    se.export(f"{memory}/data/ct.nii.gz", tmp_path / "two", thickness=4, labels=far)
    (report,) = se.verify(tmp_path / "two")
    assert report.unchecked.startswith(f"{memory}/data/ct.nii.gz and 1 other source are not downloaded again: ")
    assert report.unchecked.endswith(", voxels with them were not")
    near.write_bytes(near.read_bytes() + b" ")
    (report,) = se.verify(tmp_path / "one")
    assert "has been changed since the export" in report.differences[0]


def test_stitch_and_where_go_on_from_an_export(memory, site, tmp_path):
    se.export(f"{memory}/data/ct.nii.gz", tmp_path / "out", thickness=4)
    se.stitch(tmp_path / "out/ct", tmp_path / "whole.nii.gz")
    found = se.compare(f"{memory}/data/ct.nii.gz", tmp_path / "whole.nii.gz")
    assert found.same_place
    assert found.descriptions[0].startswith(f"{memory}/data/ct.nii.gz: 6 x 7 x 9 int16")
    place = se.where(f"{memory}/data/ct.nii.gz", ijk=(1, 2, 3))
    assert (place.name, place.value) == (f"{memory}/data/ct.nii.gz", index_phantom(SHAPE)[1, 2, 3])
    assert len(se.plan(f"{memory}/data/ct.nii.gz", thickness=4).slabs) == 3


def test_dicom_files_given_one_by_one_are_a_series(memory, tmp_path):
    import fsspec
    from support.dicom_phantoms import voxels, write_series

    write_series(tmp_path / "series", voxels())
    names = sorted(path.name for path in (tmp_path / "series").iterdir())
    fsspec.filesystem("memory").put(str(tmp_path / "series"), "/bucket/dicom", recursive=True)
    result = se.export([f"{memory}/dicom/{name}" for name in names], tmp_path / "out", thickness=4)
    assert result.failures == ()
    assert [manifest.source.path for manifest in result.manifests] == [f"{memory}/dicom"]
    near = se.export(tmp_path / "series", tmp_path / "near", thickness=4)
    assert result.manifests[0].source.sha256 == near.manifests[0].source.sha256
    assert [report.differences for report in se.verify(tmp_path / "out")] == [()]


def test_a_deidentified_case_keeps_no_address(memory, tmp_path):
    se.export(f"{memory}/data/ct.nii.gz", tmp_path / "out", thickness=4, deidentify=True, key_file=tmp_path / "key.csv")
    assert b"bucket" not in everything_in(tmp_path / "out")
    assert f"{memory}/data/ct.nii.gz" in (tmp_path / "key.csv").read_text()


def test_processes_and_plans_speak_of_addresses(memory, tmp_path, run_cli):
    given = [f"{memory}/{folder}/ct.nii.gz" for folder in ("data", "packed")]
    code, out, _ = run_cli("export", *given, "-o", tmp_path / "out", "--dry-run")
    assert code == 0
    assert all(address in out for address in given)
    code, _, error = run_cli("export", *given, "-o", tmp_path / "out", "--jobs", 2, "--quiet", "--thickness", 3)
    assert (code, error) == (0, "")
    paths = {json.loads(path.read_text())["source"]["path"] for path in (tmp_path / "out").glob("*/manifest.json")}
    assert paths == set(given)


def test_a_cluster_is_refused(memory, tmp_path):
    with pytest.raises(se.RequestError, match="was downloaded to this machine, where the machines of dask= do not"):
        se.export(f"{memory}/data/ct.nii.gz", tmp_path / "out", dask="tcp://127.0.0.1:1")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_too_large_for_the_disk_is_not_begun(memory, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(se.InputError, match=r"ct.nii.gz has 0 MB, and there are 0 MB of room for it in .*; set TMPDIR"):
        se.inspect(f"{memory}/data/ct.nii.gz")


def test_a_short_download_is_refused(memory, monkeypatch):
    import fsspec

    kind = type(fsspec.filesystem("memory"))
    told = kind.info
    monkeypatch.setattr(kind, "info", lambda self, path, **kw: told(self, path, **kw) | {"size": 10**6})
    with pytest.raises(se.InputError, match=r"was not downloaded whole: \d+ of 1,000,000 bytes came; try again\.$"):
        se.inspect(f"{memory}/data/ct.nii.gz")


def test_an_interrupted_download_leaves_nothing(memory, monkeypatch, tmp_path, temporary):
    import fsspec

    def interrupted(self, place, target, **_):
        Path(target).write_bytes(b"half")
        assert len(list(temporary.rglob("*.part"))) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "get_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        se.export(f"{memory}/data/ct.nii.gz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_fsspec_a_sentence_says_what_to_install(tmp_path, run_cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    code, _, error = run_cli("export", f"https://me:{PASSWORD}@host/ct.nii.gz", "-o", tmp_path / "out")
    assert code == 2
    assert error.startswith(
        "slab-exporter: https://host/ct.nii.gz is an address, and only with the package fsspec are files downloaded: "
        "pip install 'slab-exporter[remote]'"
    )
    assert error.endswith("; or download it first.\n")


def test_a_protocol_whose_package_is_missing(monkeypatch):
    pytest.importorskip("fsspec", reason="fsspec is not installed (extra 'remote')")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(se.InputError, match=r"^s3://scans/ct.nii can be downloaded only with the package s3fs: pip "):
        se.inspect("s3://scans/ct.nii")
    with pytest.raises(se.InputError, match=r"of a kind that fsspec does not know \('gopher'\)\.$"):
        se.inspect("gopher://host/ct.nii")
    with pytest.raises(se.InputError, match=r"^file:///ct.nii is a file of this machine; give its path\.$"):
        se.inspect("file:///ct.nii")


def test_addresses_are_told_from_paths():
    assert address_of("C:\\scans\\ct.nii") is None
    assert address_of(Path("scans/ct.nii")) is None
    assert address_of("organs=https://host/a.nii") is None
    assert address_of(Path("https://host/a.nii")).text == "https://host/a.nii"
    assert address_of("s3://bucket//a.nii").text == "s3://bucket//a.nii"
    assert PASSWORD not in repr(address_of(f"https://me:{PASSWORD}@host/a.nii"))
    assert Address("abfs://container@account.dfs.core.windows.net/a.nii").public.startswith("abfs://container@account")
    assert Address("https://host/" + "a" * 300 + ".nii.gz").parts[-1] == "a" * 100 + ".nii.gz"
    assert Address("https://[::1/a.nii").public == "https://"


@pytest.mark.parametrize("option", ["--within", "--like", "--key-file", "--options", "-o"])
def test_what_has_to_be_a_file_of_this_machine_is_said_and_not_made(site, tmp_path, run_cli, monkeypatch, option):
    monkeypatch.chdir(tmp_path)
    more = () if option == "-o" else ("-o", "out")
    code, _, error = run_cli("export", site / "data/ct.nii.gz", option, f"s3://me:{PASSWORD}@bucket/x", *more)
    assert code == 2
    assert "s3://bucket/x is an address; here a file or folder of this machine is needed.\n" in error
    assert PASSWORD not in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site", "temporary"]


@pytest.mark.parametrize("keyword", ["out", "within", "like"])
def test_so_it_is_in_python(site, tmp_path, keyword):
    given = {"out": tmp_path / "out"} | {keyword: f"s3://me:{PASSWORD}@bucket/x"}
    with pytest.raises(se.RequestError, match=r"^s3://bucket/x is an address; here a file or folder of this machine"):
        se.export(site / "data/ct.nii.gz", **given)
    assert not (tmp_path / "out").exists()
