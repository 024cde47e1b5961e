"""Replace in Slicer, interrupted: the earlier case stays whole, or the new one is, and the tables agree."""

from __future__ import annotations

import os

import pytest
from slab_exporter.core.errors import Cancelled
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.export.from_scene import export_nodes
from slab_exporter.pipeline import case_folder, one_case
from support.interrupts import mortal_before
from support.phantoms import affine, index_phantom, save_nifti
from support.scenes import load, node_count, user_scene
from support.trees import assert_tables_agree, tree

OLD, NEW = (ExportRequest(slabs=SlabOptions(thickness=n)) for n in (5, 8))
USERS = {"case/notes.txt": b"mine", "case/predictions/case_slab-000.nii.gz": b"predicted"}


@pytest.fixture
def node(tmp_path):
    scene = user_scene()
    (tmp_path / "in").mkdir()
    yield load(scene, save_nifti(tmp_path / "in" / "case.nii.gz", index_phantom((6, 7, 23)), affine()))
    scene.Clear(True)


@pytest.fixture
def out(tmp_path, node):
    """An export of five slabs, with files of the user."""
    export_nodes(node, tmp_path / "out", OLD)
    for name, content in USERS.items():
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_bytes(content)
    return tmp_path / "out"


@pytest.fixture
def replaced(tmp_path, node):
    """What the new case is when nobody interrupts."""
    export_nodes(node, tmp_path / "fresh", NEW)
    return case(tmp_path / "fresh")


def case(out):
    return {name: data for name, data in tree(out).items() if name.startswith("case/")}


@pytest.mark.parametrize("error", [Cancelled, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("step", range(7))
def test_whatever_ends_the_work_at_any_event_leaves_the_earlier_case(out, node, replaced, error, step):
    before, nodes, events = tree(out), node_count(node.GetScene()), []

    def stop(event):
        events.append(event)
        if len(events) > step:
            raise error("stopped")

    try:
        export_nodes(node, out, NEW, replace=True, progress=stop)
    except error:
        assert tree(out) == before
    else:
        assert len(events) <= step
        assert case(out) == replaced | USERS
    assert_tables_agree(out)
    assert node_count(node.GetScene()) == nodes
    export_nodes(node, out, NEW, replace=True)
    assert case(out) == replaced | USERS
    assert_tables_agree(out)


@pytest.mark.parametrize("module", [one_case, case_folder])
def test_a_failure_of_the_last_steps_leaves_the_earlier_case(out, node, monkeypatch, module):
    """The pictures cannot be made; the two folders cannot be exchanged."""
    before = tree(out)

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(module, "write_previews" if module is one_case else "_swapped", fail)
    with pytest.raises(Exception, match="Input/output error"):
        export_nodes(node, out, NEW, replace=True)
    assert {name: data for name, data in tree(out).items() if not name.startswith(".partial")} == before
    assert_tables_agree(out)
    monkeypatch.undo()
    export_nodes(node, out, NEW, replace=True)
    assert_tables_agree(out)
    assert not list(out.glob(".partial*"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_before_any_change_of_the_disk_leaves_a_whole_case(out, node, replaced):
    """A child process ends itself before its n-th change of a name on the disk; n grows until it gets to its end."""
    old = case(out)
    for step in range(1, 120, 3):
        child = os.fork()
        if child == 0:
            _die_before(step)
            export_nodes(node, out, NEW, replace=True)
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert ended in (0, 9)
        assert case(out) in (old, replaced | USERS), step
        if ended == 0:
            assert case(out) == replaced | USERS
            assert_tables_agree(out)
            return
        export_nodes(node, out, OLD, replace=True)
        assert case(out) == old
        assert_tables_agree(out)
        assert not list(out.glob(".partial*"))
    pytest.fail("the child never got to its end")


def _die_before(step: int) -> None:
    mortal = mortal_before(step)
    case_folder.swap = mortal(case_folder.swap)
    for name in ("rename", "replace", "link", "mkdir", "unlink", "rmdir", "symlink"):
        setattr(os, name, mortal(getattr(os, name)))
