"""Standard streams that are closed, as daemons and schedulers leave them, and sentences about what really failed."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain, combinations

import pytest
from slab_exporter.core.errors import OutputError
from slab_exporter.export import from_files
from slab_exporter.files.disk import refuses_writing
from slab_exporter.pipeline.case_folder import new_case_folder
from support.command_line import LIBRARY, make_data_set
from support.phantoms import affine, index_phantom, save_nifti

CLOSED = [*chain.from_iterable(combinations((0, 1, 2), n) for n in (1, 3))]


def run_closed(descriptors, *arguments):
    """Run the command line with streams closed; returns (exit code, errors)."""
    code = (
        "import os, sys\n"
        f"for number in {tuple(descriptors)}: os.close(number)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'slab_exporter', *sys.argv[1:]])"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="other file descriptors")
@pytest.mark.parametrize("descriptors", CLOSED, ids=str)
def test_the_work_is_done_and_the_exit_code_is_true(tmp_path, descriptors):
    folder, out = make_data_set(tmp_path / "in", cases=2, labels=False), tmp_path / "out"
    done = run_closed(descriptors, "export", folder, "-o", out, "--thickness", 10)
    assert done.returncode == 0, done.stderr
    assert len(list(out.glob("*/manifest.json"))) == 2
    assert not list(out.glob(".slab-exporter*"))
    (folder / "volume-1.nii.gz").write_bytes(b"damaged")
    done = run_closed(descriptors, "export", folder, "-o", tmp_path / "other", "--thickness", 10)
    assert done.returncode == 1
    assert (tmp_path / "other" / "errors.csv").is_file()


def test_a_rename_that_fails_is_no_unexpected_thing(tmp_path, run_cli, monkeypatch):
    image = save_nifti(tmp_path / "ct.nii.gz", index_phantom((6, 7, 9)), affine())

    def refuse(*_):
        raise PermissionError(13, "Permission denied", "a", None, "b")

    monkeypatch.setattr(from_files, "make_output", refuse)
    code, _, errors = run_cli("export", image, "-o", tmp_path / "out")
    assert (code, errors) == (2, "slab-exporter: a and b cannot be read or written: Permission denied.\n")


def test_a_full_disk_is_not_an_output_that_cannot_be_printed(tmp_path, run_cli, monkeypatch):
    image = save_nifti(tmp_path / "ct.nii.gz", index_phantom((6, 7, 9)), affine())

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(from_files, "make_output", refuse)
    _, _, errors = run_cli("export", image, "-o", tmp_path / "out")
    assert errors == "slab-exporter: A file cannot be read or written: No space left on device.\n"


def test_a_terminal_that_takes_nothing_is(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no device that is always full")
    image = save_nifti(tmp_path / "ct.nii.gz", index_phantom((6, 7, 9)), affine())
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "slab_exporter", "export", image, "-o", tmp_path / "out"],
            env={**os.environ, "PYTHONPATH": str(LIBRARY)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "the output cannot be printed: No space left on device." in done.stderr
    assert (tmp_path / "out" / "ct" / "manifest.json").is_file()


def test_an_output_that_was_removed_is_no_full_disk(tmp_path):
    assert not refuses_writing(tmp_path / "removed")

    def removed_meanwhile():
        import shutil

        with new_case_folder(tmp_path / "out" / "case", ["images"]):
            shutil.rmtree(tmp_path / "out")

    with pytest.raises(OutputError, match="cannot be written: No such file or directory") as caught:
        removed_meanwhile()
    assert type(caught.value) is OutputError


@pytest.mark.parametrize("name", ["manifest.json", "..", ".", "images", "Image", "preview", ".partial", " "])
def test_a_label_set_that_cannot_be_a_folder_is_refused_at_once(tmp_path, run_cli, name):
    image = save_nifti(tmp_path / "ct.nii.gz", index_phantom((6, 7, 9)), affine())
    code, _, errors = run_cli("export", image, "-o", tmp_path / "out", "--labels", f"{name}={image}")
    assert code == 2
    assert f"A label set cannot be called '{name}'" in errors
    assert len(errors.splitlines()) == 1
    assert not (tmp_path / "out").exists()
