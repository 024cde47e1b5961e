"""One volume of a file that nobody wants to read whole: what is read and summed, and how soon that can be stopped."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.core.errors import Cancelled
from slab_exporter.core.manifest import read_manifest
from slab_exporter.files import stored
from slab_exporter.files.disk import iter_file
from slab_exporter.interrupts import Beside, ended_by_signals, interrupt, signals_deferred
from support.phantoms import affine, index_phantom

SHAPE, FRAMES, CHOSEN = (40, 30, 20), 5, 2
FRAME_BYTES = 2 * 40 * 30 * 20
LONG = (1000, 1000, 1200)  # 2.4 GB
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


@pytest.fixture
def series(tmp_path):
    """A file of five volumes, all different."""
    data = np.stack([index_phantom(SHAPE) + 100 * n for n in range(FRAMES)], axis=3)
    path = tmp_path / "four.nii"
    nib.save(nib.Nifti1Image(data, affine()), path)
    return path


@pytest.fixture
def huge(series, monkeypatch):
    """The same, where a few bytes are many."""
    monkeypatch.setattr(stored, "MOST_BESIDE", 3 * FRAME_BYTES)
    return series


def write_into(path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def start_of(path, frame: int) -> int:
    return nib.load(path).dataobj.offset + frame * FRAME_BYTES


def export(run_cli, path, *more):
    return run_cli("export", path, "-o", path.parent / "out", "--frame", CHOSEN, "--thickness", 9, "--jobs", 1, *more)


def test_only_header_and_frame_are_summed_and_a_field_of_its_own_says_so(huge, run_cli):
    code, _, errors = run_cli("export", huge, "-o", huge.parent / "out", "--frame", CHOSEN)
    assert code == 0, errors
    source = json.loads((huge.parent / "out" / "four" / "manifest.json").read_text())["source"]
    content, start = huge.read_bytes(), start_of(huge, CHOSEN)
    expected = hashlib.sha256(content[: start_of(huge, 0)] + content[start : start + FRAME_BYTES]).hexdigest()
    assert source["frame_sha256"] == expected
    assert "sha256" not in source
    assert source["frame"] == CHOSEN
    (slab,) = read_manifest(huge.parent / "out" / "four").slabs
    voxels = np.asanyarray(nib.load(huge.parent / "out" / "four" / slab.image).dataobj)
    np.testing.assert_array_equal(voxels, np.asanyarray(nib.load(huge).dataobj)[..., CHOSEN])


def test_a_file_that_is_not_huge_is_summed_whole(series, run_cli):
    assert export(run_cli, series)[0] == 0
    source = json.loads((series.parent / "out" / "four" / "manifest.json").read_text())["source"]
    assert source["sha256"] == hashlib.sha256(series.read_bytes()).hexdigest()
    assert "frame_sha256" not in source


@pytest.mark.parametrize(
    ("where", "is_noticed"),
    [("frame", True), ("affine", True), ("extension", True), ("other frame", False)],
)
def test_verify_and_resume_compare_what_was_summed(huge, run_cli, where, is_noticed):
    """Other volumes of the file may change: no slab depends on them."""
    header = nib.load(huge).header
    header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"first"))
    nib.save(nib.Nifti1Image(np.asanyarray(nib.load(huge).dataobj).copy(), affine(), header), huge)
    assert export(run_cli, huge)[0] == 0
    assert "complete already" in export(run_cli, huge, "--resume")[2]
    assert run_cli("verify", huge.parent / "out")[0] == 0
    places = {"frame": start_of(huge, CHOSEN) + 500, "affine": 292, "other frame": start_of(huge, CHOSEN + 1)}
    write_into(huge, places.get(where, 360), b"\x01\x02")
    code, told, _ = run_cli("verify", huge.parent / "out")
    assert (code, "has been changed since the export" in told) == (int(is_noticed), is_noticed)
    errors = export(run_cli, huge, "--resume")[2]
    assert ("complete already" in errors) != is_noticed
    assert run_cli("verify", huge.parent / "out")[0] == 0


@pytest.mark.parametrize("first", ["whole file", "frame"])
def test_like_is_compared_with_like_where_another_version_summed_more_or_less(series, run_cli, monkeypatch, first):
    sizes = {"whole file": 4 << 30, "frame": 3 * FRAME_BYTES}
    monkeypatch.setattr(stored, "MOST_BESIDE", sizes.pop(first))
    assert export(run_cli, series)[0] == 0
    monkeypatch.setattr(stored, "MOST_BESIDE", *sizes.values())
    assert run_cli("verify", series.parent / "out")[0] == 0
    assert "complete already" in export(run_cli, series, "--resume")[2]
    write_into(series, start_of(series, CHOSEN), b"\x01\x02")
    assert run_cli("verify", series.parent / "out")[0] == 1


def sparse(path, shape):
    """A .nii file of zeros that takes no room on the disk."""
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(shape)
    header.set_sform(affine(), 1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    with path.open("wb") as file:
        file.write(header.binaryblock)
        file.truncate(352 + 2 * int(np.prod([float(n) for n in shape])))
    return path


def test_one_frame_of_forty_gigabytes_takes_no_time(tmp_path, run_cli):
    path = sparse(tmp_path / "four.nii", (64, 64, 64, 32000))
    write_into(path, 352 + 524288 * 30000, index_phantom((64, 64, 64)).T.tobytes())
    assert path.stat().st_size > 16e9
    began = time.process_time()
    assert run_cli("export", path, "-o", tmp_path / "out", "--frame", 30000)[0] == 0
    assert time.process_time() - began < 10
    (slab,) = read_manifest(tmp_path / "out" / "four").slabs
    voxels = np.asanyarray(nib.load(tmp_path / "out" / "four" / slab.image).dataobj)
    np.testing.assert_array_equal(voxels, index_phantom((64, 64, 64)))


# --- interruptions ---


def packed(path, shape):
    """A .nii.gz file of zeros: its megabytes inflate to gigabytes."""
    raw = sparse(path.with_name("raw.nii"), (2, 2, 2))
    with gzip.open(path, "wb", 1) as file:
        header = bytearray(raw.read_bytes()[:352])
        header[42:48] = np.array(shape, "<i2").tobytes()
        file.write(header)
        for _ in range(shape[2]):
            file.write(bytes(2 * shape[0] * shape[1]))
    return path


def nrrd(path, shape):
    with path.open("wb") as file:
        file.write(
            b"NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: %d %d %d\n"
            b"space directions: (1,0,0) (0,1,0) (0,0,1)\nendian: little\nencoding: raw\nspace origin: (0,0,0)\n\n"
            % shape
        )
        file.truncate(file.tell() + 2 * int(np.prod(shape)))
    return path


@pytest.fixture(scope="module")
def long_files(tmp_path_factory):
    """Files of 2.4 GB of voxels that take little room, by extension."""
    folder = tmp_path_factory.mktemp("long")
    makers = {"nii": sparse, "nii.gz": packed, "nrrd": nrrd}
    return {extension: make(folder / f"long.{extension}", LONG) for extension, make in makers.items()}


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("extension", "command"),
    [
        *(("nii", "export"), ("nii.gz", "export"), ("nrrd", "export")),
        *(("nii", "inspect"), ("nrrd", "inspect"), ("nii.gz", "compare")),
    ],
)
def test_a_signal_is_answered_within_two_seconds_while_a_huge_file_is_read(
    tmp_path, start_cli, long_files, extension, command, number
):
    path = long_files[extension]
    where = {"export": ("-o", tmp_path / "out"), "compare": (path,)}.get(command, ())
    process = start_cli(command, path, *where)
    if not reads(process, path, 30):
        process.kill()
        pytest.skip("it was read too quickly, or by a process that cannot be watched")
    began = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=30)
    assert time.monotonic() - began < 2
    assert process.returncode in (130, -number)  # by the signal itself while native code reads
    assert not list((tmp_path / "out").glob("*/manifest.json"))


def reads(process: subprocess.Popen, path, seconds: float) -> bool:
    """Wait until a process, or one that it has started, has the file open for a moment; Linux."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        for folder in (f"/proc/{process.pid}/fd", *children(process.pid)):
            try:
                if str(path) in {os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)}:
                    time.sleep(0.3)
                    return process.poll() is None
            except OSError:
                continue
        time.sleep(0.01)
    return False


def children(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [f"/proc/{child}/fd" for child in file.read().split()]
    except OSError:
        return []


def test_what_is_read_beside_is_abandoned_at_the_next_piece(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(1000))
    pieces, go_on, ended = [], threading.Event(), []

    def work():
        try:
            for piece in iter_file(path, size=10):
                pieces.append(piece)
                go_on.wait(20)
        except Cancelled:
            ended.append(len(pieces))
            raise

    with pytest.raises(KeyboardInterrupt), Beside(work) as beside:  # noqa: PT012
        while not pieces:
            time.sleep(0.001)
        raise KeyboardInterrupt
    go_on.set()
    with pytest.raises(Cancelled):
        beside.take()
    assert ended == [1]
    assert beside.take() is None


def test_what_is_read_on_other_threads_is_read_to_its_end(tmp_path):
    (tmp_path / "file").write_bytes(bytes(1000))
    with Beside(lambda: sum(map(len, iter_file(tmp_path / "file", size=10)))) as beside:
        assert beside.take() == 1000
    assert sum(map(len, iter_file(tmp_path / "file", size=10))) == 1000


@posix
def test_signals_of_a_process_that_is_not_the_command_line_are_left_alone():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with ended_by_signals():
        assert {number: signal.getsignal(number) for number in before} == before
    try:
        signal.signal(signal.SIGTERM, interrupt)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with ended_by_signals():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.fixture
def _answers_ctrl_c():
    """A program that a shell has started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix
@pytest.mark.usefixtures("_answers_ctrl_c")
def test_an_import_is_not_interrupted_but_what_follows_it_is():
    done = []
    with pytest.raises(KeyboardInterrupt), signals_deferred():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        done.append(1)
    assert done == [1]
    with signals_deferred():
        done.append(2)
    assert done == [1, 2]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@posix
@pytest.mark.parametrize("signals", [1, 2])
def test_the_command_line_waits_for_an_import_no_longer_than_a_moment(signals):
    script = (
        "import os, signal, time; from slab_exporter.interrupts import interrupt, signals_deferred\n"
        "signal.signal(signal.SIGTERM, interrupt); signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with signals_deferred():\n"
        "    print('there', flush=True); time.sleep(60)\n"
    )
    library = os.path.dirname(os.path.dirname(sys.modules["slab_exporter"].__file__))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": library}
    )
    assert process.stdout.readline() == "there\n"
    began = time.monotonic()
    for _ in range(signals):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    process.communicate(timeout=30)
    assert process.returncode == {1: 130, 2: -signal.SIGTERM}[signals]
    assert time.monotonic() - began < 2


@posix
def test_an_interrupted_start_is_neither_a_crash_nor_something_unexpected(tmp_path, start_cli):
    """Modules of VTK that are interrupted while they are imported crash the process."""
    path = packed(tmp_path / "long.nii.gz", (1000, 1000, 100))
    for number in range(12):
        process = start_cli("export", path, "-o", tmp_path / f"out{number}")
        while not (tmp_path / f"out{number}").exists() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(0.05 * number)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130, errors
        assert "interrupted; complete cases stay" in errors
