"""The process behind the panel's section Folder: looked at, exported, cancelled, gone on with, hurt."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from slab_exporter.core.naming import SCRATCH
from SlabExporterPanel.folder.board import FolderBoard
from SlabExporterPanel.folder.lines import EventLines
from SlabExporterPanel.folder.process import command, line_of
from SlabExporterPanel.folder.task import FolderTask, FolderTexts, folder_command, folder_task
from SlabExporterPanel.settings import PanelSettings
from support.command_line import make_data_set

SETTINGS = PanelSettings(thickness=4, overlap=1)


class Running:
    """A process at work, and the board that it fills."""

    def __init__(self, task: FolderTask, board: FolderBoard) -> None:
        self.board = board
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command(), **streams)  # type: ignore[call-overload]
        self.process.stdin.write(line_of(task))
        self.process.stdin.flush()

    def events(self) -> Iterator[dict]:
        """Yield the events, each after the board has seen it, until the process closes its output."""
        lines = EventLines()
        while data := self.process.stdout.read1(65536):
            for event in lines.take(data):
                self.board.take(event)
                yield event

    def until(self, kind: str) -> dict:
        """Go on to the first event of a kind."""
        return next(event for event in self.events() if event["event"] == kind)

    def end(self) -> int:
        """Go on to the end, and return the exit code."""
        for _ in self.events():
            pass
        code = self.process.wait(30)
        self.process.stdin.close()
        self.process.stdout.close()
        return code

    def stop(self) -> int:
        """Do what *Cancel* does."""
        self.process.stdin.close()
        return self.end()


@pytest.fixture
def start():
    """Start a task on a board; whatever still runs at the end is ended."""
    started: list[Running] = []

    def begin(task: FolderTask, board: FolderBoard | None = None) -> Running:
        started.append(Running(task, FolderBoard(task) if board is None else board))
        return started[-1]

    yield begin
    for one in started:
        one.process.kill()
        one.process.wait()
        one.process.stdin.close()
        one.process.stdout.close()


@pytest.fixture
def texts(tmp_path) -> FolderTexts:
    return FolderTexts(str(tmp_path / "in"), "", str(tmp_path / "out"))


def looked_at(start, texts, settings=SETTINGS) -> tuple[FolderTask, FolderBoard]:
    running = start(folder_task(texts, settings))
    assert running.end() == 0
    return folder_task(texts, settings), running.board


def contents(out: Path) -> dict[str, str]:
    """Return the checksum of every slab."""
    files = (path for path in out.glob("*/**/*") if path.is_file() and path.suffix == ".gz")
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def states(board: FolderBoard) -> list[str]:
    return [row.state for row in board.rows]


def test_cases_are_listed_before_anything_is_written(start, texts, tmp_path):
    make_data_set(tmp_path / "in")
    (tmp_path / "in" / "volume-9.nii.gz").write_bytes(b"no volume")
    _, board = looked_at(start, texts)
    assert [row.case for row in board.rows] == [f"volume-{n}" for n in (0, 1, 2, 3, 9)]
    assert board.rows[1].cells == (
        "volume-1",
        "planned",
        "8",
        "segmentation-1.nii.gz",
        "volume-1",
        "training",
        "12 x 10 x 23, 0.7 x 0.9 x 2.5 mm, LAS",
    )
    assert board.rows[4].state.startswith("cannot be exported: ")
    assert "volume-9.nii.gz" in board.rows[4].error
    assert "5 looked at: 4 can be exported, in 34 slabs." in board.sums
    assert (board.is_whole, board.usable, board.output) == (True, 4, "new")
    assert not (tmp_path / "out").exists()


def test_an_export_says_of_each_case_what_became_of_it_and_makes_the_bytes_of_the_command(
    start, texts, tmp_path, run_cli
):
    make_data_set(tmp_path / "in", labels=True)
    (tmp_path / "in" / "volume-9.nii.gz").write_bytes(b"no volume")
    task, board = looked_at(start, texts)
    assert start(task.export(resume=False), board).end() == 0
    assert states(board)[:4] == [f"complete: {n} slabs, verified" for n in (7, 8, 9, 10)]
    assert board.rows[4].state.startswith("failed: ")
    assert board.rows[4].is_bad
    assert board.ending.startswith("4 cases, 34 slabs, 34 verified, 1 failed (their rows and errors.csv say why)")
    assert (board.percent, board.is_good) == (100, False)
    assert Path(board.report) == tmp_path / "out" / "report.html"
    words = folder_command(FolderTexts(texts.inputs, "", str(tmp_path / "typed")), SETTINGS).split()
    code, _, error = run_cli(*words[1:], "--quiet")
    assert code == 1, error
    assert contents(tmp_path / "typed") == contents(tmp_path / "out")
    assert len(contents(tmp_path / "out")) == 68


def test_cancel_keeps_what_is_complete_and_resume_makes_the_rest(start, texts, tmp_path):
    make_data_set(tmp_path / "in", shape=(40, 40, 100))
    settings = PanelSettings(thickness=2)
    task, board = looked_at(start, texts, settings)
    running = start(task.export(resume=False), board)
    first = running.until("case-finished")["case"]
    before = contents(tmp_path / "out" / first)
    began = time.monotonic()
    assert running.stop() == 130
    assert time.monotonic() - began < 5
    assert board.ending.startswith("Cancelled: ")
    assert "complete and stay" in board.ending
    assert contents(tmp_path / "out" / first) == before
    stopped = [row for row in board.rows if row.stage == "stopped"]
    assert stopped
    assert not [row.case for row in stopped if (tmp_path / "out" / row.case / "manifest.json").exists()]
    assert not list((tmp_path / "out").glob(f"**/{SCRATCH}*"))
    assert start(task.export(resume=True), board).end() == 0
    assert board.ending.startswith("4 cases, 210 slabs, 210 verified (")
    assert "complete already" in states(board)
    undisturbed = folder_task(FolderTexts(texts.inputs, "", str(tmp_path / "other")), settings)
    assert start(undisturbed.export(resume=False)).end() == 0
    assert contents(tmp_path / "other") == contents(tmp_path / "out")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_it_stops_behind_a_launcher_too(start, texts, tmp_path, monkeypatch):
    """As PythonSlicer is one, to which a signal would go instead: standard input goes through it."""
    make_data_set(tmp_path / "in", shape=(40, 40, 100), labels=False)
    task, board = looked_at(start, texts, PanelSettings(thickness=1))
    launcher = tmp_path / "PythonSlicer"
    launcher.write_text(f'#!/bin/sh\n"{os.path.abspath(sys.executable)}" "$@"\nexit $?\n')
    launcher.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(launcher))
    running = start(task.export(resume=False), board)
    running.until("slab-finished")
    assert running.stop() == 130
    assert board.ending.startswith("Cancelled: ")
    assert not list((tmp_path / "out").glob(f"**/{SCRATCH}*"))


def test_looking_can_be_stopped(start, texts, tmp_path):
    make_data_set(tmp_path / "in", cases=2)
    running = start(folder_task(texts, SETTINGS))
    assert running.stop() in (0, 130)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="children of a process are found in /proc")
def test_a_killed_worker_fails_its_case_and_no_other(start, texts, tmp_path):
    make_data_set(tmp_path / "in", cases=3, shape=(60, 60, 300), labels=False)
    task, board = looked_at(start, texts, PanelSettings(thickness=1))
    running = start(task.export(resume=False), board)
    hurt = running.until("case-started")["case"]
    for child in children(running.process.pid):
        os.kill(child, signal.SIGKILL)
    assert running.end() == 0
    failed = {row.case for row in board.rows if row.stage == "failed"}
    assert hurt in failed
    assert {row.case for row in board.rows if row.stage == "complete"} == {row.case for row in board.rows} - failed
    assert all("was ended by signal 9 (SIGKILL)" in row.error for row in board.rows if row.case in failed)
    assert start(task.export(resume=True), board).end() == 0
    assert {row.stage for row in board.rows} == {"complete"}
    assert board.is_good


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="children of a process are found in /proc")
def test_nothing_goes_on_when_the_process_is_killed(start, texts, tmp_path):
    make_data_set(tmp_path / "in", cases=2, shape=(60, 60, 300), labels=False)
    task, board = looked_at(start, texts, PanelSettings(thickness=1))
    running = start(task.export(resume=False), board)
    running.until("case-started")
    workers = children(running.process.pid)
    running.process.kill()
    assert running.end() == -signal.SIGKILL
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    board.stop(False, "The process ended with code -9")
    assert board.ending == (
        "The process ended with code -9: 0 of 2 cases are complete and stay; 'Resume' goes on with the others."
    )
    assert start(task.export(resume=True), board).end() == 0
    assert board.is_good


def test_what_cannot_be_done_at_all_is_one_sentence_in_the_panels_words(start, texts, tmp_path):
    make_data_set(tmp_path / "in", cases=1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    task, board = looked_at(start, texts)
    assert board.output == "other"
    assert start(task.export(resume=False), board).end() == 1
    assert board.ending.endswith("or add 'Resume' to go on with an earlier export, or 'Replace' to replace it.")
    assert states(board) == ["not begun"]
    (tmp_path / "empty").mkdir()
    running = start(folder_task(FolderTexts(str(tmp_path / "empty")), SETTINGS))
    assert running.end() == 1
    assert str(tmp_path / "empty") in running.board.ending


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
