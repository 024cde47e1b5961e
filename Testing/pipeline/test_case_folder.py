"""A case is replaced as a whole or not at all, whatever happens, and never with the user's own files."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest
from slab_exporter.core.errors import OutputError
from slab_exporter.core.manifest import FILE_NAME, SCHEMA
from slab_exporter.export.data_set import DataSetFiles
from slab_exporter.files import atomic
from slab_exporter.pipeline import case_folder
from slab_exporter.pipeline.case_folder import clear_leftovers, new_case_folder, users_files
from support.interrupts import mortal_before
from support.trees import tree

USERS = {"predictions/ct_slab-000.nii.gz": b"predicted", "notes.txt": b"mine"}


def manifest_text(slabs: int) -> str:
    affine = np.eye(4).tolist()
    records = [
        {
            "index": n,
            "image": f"images/ct_slab-{n:03d}.nii.gz",
            "labels": {},
            "ijk_start": [0, 0, 2 * n],
            "ijk_stop": [2, 2, 2 * n + 2],
            "shape_ijk": [2, 2, 2],
            "affine_ras": affine,
            "sha256": "0",
            "verified": True,
            "statistics": {},
        }
        for n in range(slabs)
    ]
    source = {"path": "../../ct.nii", "sha256": "0", "shape_ijk": [2, 2, 2 * slabs], "dtype": "int16"}
    source |= {"orientation": "RAS", "affine_ras": affine}
    return json.dumps({"schema": SCHEMA, "case": "ct", "source": source, "plan": {}, "slabs": records})


def fill(folder, slabs: int) -> None:
    (folder / "images").mkdir(exist_ok=True)
    for n in range(slabs):
        (folder / "images" / f"ct_slab-{n:03d}.nii.gz").write_bytes(f"slab {n} of {slabs}".encode())
    (folder / FILE_NAME).write_text(manifest_text(slabs))


def make(folder, slabs: int) -> None:
    with new_case_folder(folder, ["images"]) as new:
        fill(new, slabs)


def case(slabs: int) -> dict[str, bytes]:
    files = {f"images/ct_slab-{n:03d}.nii.gz": f"slab {n} of {slabs}".encode() for n in range(slabs)}
    return files | {FILE_NAME: manifest_text(slabs).encode()}


@pytest.fixture
def replaced(tmp_path):
    """A finished case of three slabs, with files of the user."""
    folder = tmp_path / "out" / "ct"
    folder.parent.mkdir()
    make(folder, 3)
    for name, content in USERS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_files_of_the_user_move_along_and_nothing_else(replaced):
    assert {p.relative_to(replaced).as_posix() for p in users_files(replaced)} == set(USERS)
    make(replaced, 2)
    assert tree(replaced) == case(2) | USERS


def test_a_failure_leaves_the_earlier_case(replaced):
    def fail():
        with new_case_folder(replaced, ["images"]) as new:
            fill(new, 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert tree(replaced.parent) == {f"ct/{name}": data for name, data in (case(3) | USERS).items()}


def test_a_file_of_the_user_where_a_new_slab_belongs_is_not_replaced(replaced):
    (replaced / "images" / "ct_slab-003.nii.gz").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"ct_slab-003.nii.gz is not of a finished export and would be replaced"):
        make(replaced, 4)
    assert tree(replaced) == case(3) | USERS | {"images/ct_slab-003.nii.gz": b"mine"}


def test_slabs_that_lost_their_manifest_are_taken_over_where_they_are_equal(replaced):
    (replaced / FILE_NAME).unlink()
    make(replaced, 3)
    assert tree(replaced) == case(3) | USERS


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
@pytest.mark.parametrize("link", ["ct", ".partial", "ct/images", "ct/preview"])
def test_nothing_is_written_or_removed_through_a_link(replaced, tmp_path, link):
    outside = tmp_path / "outside"
    outside.mkdir()
    fill(outside, 3)
    (outside / "images" / "precious.txt").write_bytes(b"precious")
    path = replaced.parent / link
    if os.path.lexists(path):
        path.rename(tmp_path / "aside")
    path.symlink_to(outside, target_is_directory=True)
    before = tree(outside)
    if link == "ct/preview":
        make(replaced, 2)
        assert (replaced / "preview").is_symlink()  # the user's: it moves along
    else:
        with pytest.raises(OutputError, match=r"symbolic link|would be replaced"):
            make(replaced, 2)
    assert tree(outside) == before


def test_a_case_that_a_killed_run_left_whole_takes_its_place_and_leaves_nothing_aside(replaced):
    with new_case_folder(replaced, ["images"], leave_aside=True) as new:
        fill(new, 2)
    assert tree(replaced) == case(3) | USERS
    DataSetFiles(replaced.parent, {})
    assert tree(replaced.parent) == {f"ct/{name}": data for name, data in (case(2) | USERS).items()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("can_swap", [True, False])
def test_a_kill_before_any_step_leaves_one_whole_case_and_the_users_files(replaced, can_swap):
    """A child process ends itself before its n-th change of the disk; n grows until it gets to its end."""
    if can_swap and not _swaps(replaced.parent):
        pytest.skip("this file system cannot exchange two names")
    for step in range(1, 60):
        child = os.fork()
        if child == 0:
            _die_before_step(step, can_swap)
            make(replaced, 2)
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if os.path.lexists(replaced):  # without exchange there is a moment between two renames
            assert tree(replaced) in (case(3) | USERS, case(2) | USERS), step
        assert os.path.lexists(replaced) or not can_swap
        clear_leftovers(replaced)
        assert tree(replaced) in (case(3) | USERS, case(2) | USERS), step
        assert not [p for p in (replaced.parent / ".partial").rglob("*") if p.is_file()]
        if ended == 0:
            assert tree(replaced) == case(2) | USERS
            return
        make(replaced, 3)
    pytest.fail("the child never got to its end")


def _swaps(folder) -> bool:
    for name in ("a", "b"):
        (folder / name).mkdir()
    done = atomic.swap(folder / "a", folder / "b")
    for name in ("a", "b"):
        (folder / name).rmdir()
    return done


def _die_before_step(step: int, can_swap: bool) -> None:
    mortal = mortal_before(step)
    case_folder.swap = mortal(atomic.swap) if can_swap else lambda one, other: False
    for name in ("rename", "link", "mkdir", "unlink", "rmdir", "symlink"):
        setattr(os, name, mortal(getattr(os, name)))
