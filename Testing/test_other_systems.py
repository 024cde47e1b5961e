"""What differs by system, tried here with the system's name, modules and calls faked."""

from __future__ import annotations

import ast
import ctypes
import errno
import os
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import slab_exporter as se
from slab_exporter import interrupts
from slab_exporter.cases.find import find_cases
from slab_exporter.core.errors import OutputError
from slab_exporter.core.naming import case_names, safe_name
from slab_exporter.export import from_files, output_folder, pool
from slab_exporter.files import atomic, disk, machine
from slab_exporter.mrml import wheel
from support.phantoms import affine, index_phantom, save_nifti

LIBRARY = Path(__file__).parents[1] / "SlabExporter" / "slab_exporter"
WINDOWS, MACOS = SimpleNamespace(platform="win32"), SimpleNamespace(platform="darwin")


# File of the library -> functions that ask which system they are on; each of them is tried below, or where it says.
ASKING = {
    "export/output_folder.py": {"make_output", "_lock"},
    "export/pool.py": {"_start", "_interrupts_for_this_process_only"},
    "files/atomic.py": {"_exchange", "open_to_lock", "try_lock"},
    "files/disk.py": {"open_plain"},
    "files/machine.py": {"available_memory", "usable_processors"},  # also Testing/files/test_machine.py
    "interrupts.py": {"ending_signals"},
    "mrml/runtime.py": {"running_in_application"},  # Testing/mrml
    "mrml/wheel.py": {"_functions_bound_when_called"},
}


def asks_for_the_system(node: ast.AST) -> bool:
    """Whether a piece of code is ``sys.platform``, ``os.name`` or asks what os, signal or sys have."""
    if isinstance(node, ast.Attribute):
        return ast.unparse(node) in ("sys.platform", "os.name", "platform.system")
    named = isinstance(node, ast.Call) and ast.unparse(node.func) in ("hasattr", "getattr")
    return named and ast.unparse(node.args[0]).split(".")[0] in ("os", "signal", "sys", "fcntl", "time")


def test_every_function_that_asks_for_the_system_is_known_here():
    found: dict[str, set[str]] = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and any(map(asks_for_the_system, ast.walk(function))):
                found.setdefault(path.relative_to(LIBRARY).as_posix(), set()).add(function.name)
    found.pop("startup.py", None)  # getattr(sys, "stdin") and so on: every system has them
    assert found == ASKING


@pytest.fixture
def msvcrt(monkeypatch) -> ModuleType:
    """Windows' module for locks: one byte of a file, held by one open file at a time."""
    held: dict[tuple[int, int, int], int] = {}
    module = ModuleType("msvcrt")
    module.LK_NBLCK = 2

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (module.LK_NBLCK, 1)
        about = os.fstat(descriptor)
        place = (about.st_dev, about.st_ino, os.lseek(descriptor, 0, os.SEEK_CUR))
        if held.setdefault(place, descriptor) != descriptor:
            raise PermissionError(errno.EACCES, "Permission denied")

    module.locking = locking
    module.held = held
    monkeypatch.setitem(sys.modules, "msvcrt", module)
    return module


def test_locks_of_windows_lie_beyond_the_text_and_exclude_each_other(tmp_path, monkeypatch, msvcrt):
    monkeypatch.setattr(atomic, "sys", WINDOWS)
    path = tmp_path / "lock"
    with atomic.open_to_lock(path) as first, atomic.open_to_lock(path) as second:
        assert atomic.try_lock(first)
        assert {place[2] for place in msvcrt.held} == {1 << 20}
        first.seek(0)
        first.write("readable")
        first.flush()
        assert path.read_text() == "readable"
        assert not atomic.try_lock(second)
        assert atomic.try_lock(second, shared=True)  # shards exclude each other by files of their own


def test_a_file_system_without_locks_is_used_all_the_same(tmp_path, monkeypatch, msvcrt):
    monkeypatch.setattr(atomic, "sys", WINDOWS)
    msvcrt.locking = lambda *_: (_ for _ in ()).throw(OSError(errno.EINVAL, "no locks"))
    with atomic.open_to_lock(tmp_path / "lock") as file:
        assert atomic.try_lock(file)


def test_an_output_folder_on_windows_is_locked_and_its_lock_removed_when_it_is_closed(tmp_path, monkeypatch, msvcrt):
    monkeypatch.setattr(atomic, "sys", WINDOWS)
    monkeypatch.setattr(output_folder, "sys", WINDOWS)
    monkeypatch.setattr(output_folder, "PATIENCE_SECONDS", 0)
    lock = tmp_path / output_folder.LOCK_NAME
    remove = Path.unlink

    def unlink(self: Path, missing_ok: bool = False) -> None:
        """Windows removes no file that somebody has open."""
        assert str(lock) not in [os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
        remove(self, missing_ok)

    if Path("/proc/self/fd").is_dir():
        monkeypatch.setattr(Path, "unlink", unlink)
    with output_folder.locked(tmp_path):
        second = output_folder.locked(tmp_path)
        with pytest.raises(OutputError, match=rf"^Another run \(process {os.getpid()} on "):
            second.__enter__()
    assert not lock.exists()


@pytest.mark.parametrize("flag", ["O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"])
def test_files_to_lock_and_plain_files_are_opened_where_a_flag_is_missing(tmp_path, monkeypatch, flag):
    monkeypatch.delattr(os, flag, raising=False)
    (tmp_path / "target").write_bytes(b"1\r\n2")
    (tmp_path / "link").symlink_to("target")
    with atomic.open_to_lock(tmp_path / "lock") as file:
        assert file.writable()
    with pytest.raises(OSError, match=r"not a plain file|symbolic links"):
        atomic.open_to_lock(tmp_path / "link")
    with disk.open_plain(tmp_path / "target") as file:
        assert file.read() == b"1\r\n2"


def test_windows_reads_bytes_and_not_lines(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"1")
    asked = []
    really = os.open
    monkeypatch.setattr(os, "O_BINARY", 1 << 30, raising=False)
    monkeypatch.setattr(os, "open", lambda path, flags: asked.append(flags) or really(path, flags & ~(1 << 30)))
    with disk.open_plain(tmp_path / "a"):
        assert asked[0] & (1 << 30)


class _Library:
    """A C library with some of the calls that exchange names."""

    def __init__(self, **calls) -> None:
        self.__dict__ |= calls


@pytest.mark.parametrize(("system", "call", "folder"), [(MACOS, "renameatx_np", -2), (None, "renameat2", -100)])
def test_two_names_are_exchanged_by_the_call_that_the_system_has(tmp_path, monkeypatch, system, call, folder):
    asked = []
    library = _Library(**{call: lambda *arguments: asked.append(arguments) or 0})
    monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: library)
    monkeypatch.setattr(atomic, "sys", system or SimpleNamespace(platform="linux"))
    one, other = tmp_path / "a", tmp_path / "b"
    assert atomic.swap(one, other)
    assert asked == [(folder, os.fsencode(one), folder, os.fsencode(other), 2)]


@pytest.mark.parametrize("lacking", [AttributeError, OSError, TypeError])
def test_where_names_cannot_be_exchanged_that_is_said(tmp_path, monkeypatch, lacking):
    """An older C library lacks the call; on Windows there is no library without a name."""

    def without(*_, **__):
        if lacking is not AttributeError:
            raise lacking("no such library")
        return _Library()

    monkeypatch.setattr(ctypes, "CDLL", without)
    assert not atomic.swap(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize(("code", "expected"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.ENOENT, OSError)])
def test_a_file_system_that_cannot_is_told_from_a_name_that_is_not_there(tmp_path, monkeypatch, code, expected):
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: _Library(renameat2=lambda *_: -1, renameatx_np=lambda *_: -1))
    monkeypatch.setattr(ctypes, "get_errno", lambda: code)
    if expected is False:
        assert not atomic.swap(tmp_path / "a", tmp_path / "b")
    else:
        with pytest.raises(OSError, match="No such file"):
            atomic.swap(tmp_path / "a", tmp_path / "b")


def test_an_export_replaces_a_case_where_names_cannot_be_exchanged(tmp_path, monkeypatch):
    ct = save_nifti(tmp_path / "ct.nii", index_phantom((4, 5, 9)), affine())
    se.export(ct, tmp_path / "out", thickness=3)
    (tmp_path / "out/ct/notes.txt").write_text("mine")
    monkeypatch.setattr(atomic, "_exchange", lambda *_: None)
    result = se.export(ct, tmp_path / "out", thickness=5, overwrite=True)
    assert len(result.manifests[0].slabs) == 2
    assert (tmp_path / "out/ct/notes.txt").read_text() == "mine"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "ct", "dataset.json", "options.json", "report.html", "slabs.csv",
    ]  # fmt: skip


def test_memory_of_windows_is_what_its_kernel_says(monkeypatch):
    def status(pointer) -> int:
        found = pointer._obj
        assert found.length == ctypes.sizeof(found)
        found.available = 3 << 30
        return 1

    kernel = SimpleNamespace(GlobalMemoryStatusEx=status)
    monkeypatch.setattr(machine, "sys", WINDOWS)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    assert machine.available_memory() == 3 << 30
    kernel.GlobalMemoryStatusEx = lambda _: 0
    assert machine.available_memory() is None


def test_processors_are_counted_where_a_process_cannot_ask_for_its_own(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    monkeypatch.setattr(machine, "processors_of_groups", lambda: None)
    assert machine.usable_processors() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.usable_processors() == 1


@pytest.mark.parametrize(
    ("system", "expected"),
    [(WINDOWS, {"creationflags": 0x08000000}), (MACOS, {"pass_fds": (7,)})],
)
def test_workers_are_new_processes_with_what_the_system_knows(monkeypatch, system, expected):
    """Windows opens no console window for each; elsewhere they hold the lock of the output folder open."""
    started = []
    monkeypatch.setattr(pool, "sys", system)
    monkeypatch.setattr(subprocess, "Popen", lambda command, **given: started.append((command, given)))
    pool._start((7,))
    ((command, given),) = started
    assert command[:2] == [sys.executable, "-c"]
    assert {name: value for name, value in given.items() if name not in ("stdin", "stdout")} == expected


def test_workers_start_where_signals_cannot_be_masked(monkeypatch):
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    with pool._interrupts_for_this_process_only():
        pass


def test_libraries_load_where_there_are_no_flags_for_it(monkeypatch):
    monkeypatch.delattr(sys, "setdlopenflags", raising=False)
    with wheel._functions_bound_when_called():
        pass


def test_ctrl_break_of_windows_ends_a_command_as_ctrl_c_does(monkeypatch, run_cli, tmp_path):
    """SIGBREAK, played by a signal that this system has."""
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGINT if sys.platform == "win32" else signal.SIGUSR1, raising=False)
    assert interrupts.ending_signals() == (signal.SIGTERM, signal.SIGBREAK)
    before = signal.getsignal(signal.SIGBREAK)
    ct = save_nifti(tmp_path / "ct.nii", index_phantom((4, 5, 9)), affine())

    def pressed(*_, **__):
        signal.raise_signal(signal.SIGBREAK)

    monkeypatch.setattr(from_files, "export_cases", pressed)
    code, _, error = run_cli("export", ct, "-o", tmp_path / "out")
    assert code == 130
    assert error.endswith("slab-exporter: interrupted; complete cases stay, go on with --resume.\n")
    assert signal.getsignal(signal.SIGBREAK) == before


DEVICES = ["CON", "con.nii", "Nul", "aux.tar", "COM1", "lpt9.x", "COM¹", "CONIN$", "prn .x"]


@pytest.mark.parametrize("name", DEVICES)
def test_no_case_is_called_like_a_device_of_windows(name):
    first = safe_name(name).split(".")[0].rstrip().lower()
    assert first not in {"con", "nul", "aux", "prn", "com1", "lpt9", "com¹", "conin$"}


@pytest.mark.parametrize(("name", "expected"), [("ct.", "ct"), ("ct . .", "ct"), (" ct", "ct"), ("a:b", "a_b")])
def test_names_end_with_what_windows_keeps(name, expected):
    assert safe_name(name) == expected


def test_names_that_macos_takes_for_one_are_two_cases():
    """Its file systems know neither capitals nor how an accent is stored."""
    composed, apart = (unicodedata.normalize(form, "Müller.nii") for form in ("NFC", "NFD"))
    names = case_names([Path("/d") / name for name in (composed, apart, "MÜLLER.nii", "ct.nii", "CT.nii")])
    assert len({unicodedata.normalize("NFD", name).casefold() for name in names}) == 5


@pytest.mark.parametrize("image_form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("image", "label", "given"),
    [
        ("Müller.nii", "Müller_seg.nii", None),
        ("imagesTr/Jürg_0000.nii", "labelsTr/Jürg.nii", None),
        ("in/Ähn.nii", "masks/Ähn.nii", "masks"),
        ("in/Ähn.nii", "masks/Ähn_gt.nii", "masks/{case}_gt.nii"),
    ],
)
def test_label_maps_are_found_however_accents_are_stored(tmp_path, image, label, given, image_form):
    """A zip file made on macOS stores them apart from their letters, and one made elsewhere does not."""
    label_form = "NFD" if image_form == "NFC" else "NFC"
    for name, form in ((image, image_form), (label, label_form)):
        path = tmp_path / unicodedata.normalize(form, name)
        path.parent.mkdir(exist_ok=True)
        save_nifti(path, index_phantom((3, 4, 5), "uint8"), affine())
    inputs = [tmp_path if given is None else tmp_path / "in"]
    (case,) = find_cases(inputs, [] if given is None else [str(tmp_path / given)])
    assert unicodedata.normalize("NFC", case.labels["labels"].name) == Path(label).name
    assert case.problem is None


def test_a_list_names_files_however_accents_are_stored(tmp_path):
    save_nifti(tmp_path / unicodedata.normalize("NFD", "Müller.nii"), index_phantom((3, 4, 5)), affine())
    (tmp_path / "list.txt").write_text(unicodedata.normalize("NFC", "Müller.nii\n"), encoding="utf-8")
    (case,) = find_cases([tmp_path / "list.txt"], [])
    assert case.image.exists()
    assert case.name == unicodedata.normalize("NFC", "Müller")


@pytest.fixture
def windows_with(monkeypatch):
    """Windows whose registry allows long paths, or not, or says nothing."""

    def fake(allowed: int | None) -> None:
        winreg = ModuleType("winreg")
        winreg.HKEY_LOCAL_MACHINE = 0

        class Key:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

        def query(key, name):
            assert name == "LongPathsEnabled"
            if allowed is None:
                raise FileNotFoundError
            return allowed, 4

        winreg.OpenKey, winreg.QueryValueEx = lambda root, path: Key(), query
        monkeypatch.setitem(sys.modules, "winreg", winreg)
        monkeypatch.setattr(output_folder, "sys", WINDOWS)

    return fake


@pytest.mark.parametrize("allowed", [0, None, 1])
def test_paths_that_are_too_long_for_windows_are_refused_before_anything_is_made(tmp_path, windows_with, allowed):
    windows_with(allowed)
    ct = save_nifti(tmp_path / f"{'c' * 90}.nii", index_phantom((4, 5, 9)), affine())
    cases, out = find_cases([ct], []), tmp_path / "out"
    if allowed:
        output_folder.make_output(cases, out)
        return
    with pytest.raises(OutputError, match=r"would have paths of \d{3} characters in .*, and Windows allows 259;"):
        output_folder.make_output(cases, out)
    assert not out.exists()
    output_folder.make_output(
        find_cases([save_nifti(tmp_path / "ct.nii", index_phantom((4, 5, 9)), affine())], []), out
    )


def test_paths_of_other_systems_may_be_long(tmp_path):
    ct = save_nifti(tmp_path / f"{'c' * 90}.nii", index_phantom((4, 5, 9)), affine())
    assert se.export(ct, tmp_path / "out", thickness=5).failures == ()
