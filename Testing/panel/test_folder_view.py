"""The panel's section Folder without a window: tasks, rows, sums, buttons."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from slab_exporter.cli.export import request_of as request_of_command
from slab_exporter.cli.main import build_parser
from slab_exporter.core.errors import SlabExporterError
from slab_exporter.core.options import DataSetOptions
from slab_exporter.core.text import Option, Sentence
from SlabExporterPanel.folder import board as boards
from SlabExporterPanel.folder.board import FolderBoard
from SlabExporterPanel.folder.lines import EventLines
from SlabExporterPanel.folder.rows import HEADERS
from SlabExporterPanel.folder.task import FolderTask, FolderTexts, folder_command, folder_task
from SlabExporterPanel.folder.view import folder_view
from SlabExporterPanel.settings import PanelSettings, request_of
from SlabExporterPanel.views.words import in_panel_words


def planned(case: str, pieces: int = 5, **changes) -> dict:
    event = {"event": "planned", "case": case, "there": False, "part": "training", "patient": case, "labels": {}}
    event |= {"images": [f"/in/{case}.nii.gz"], "warnings": [], "pieces": pieces, "piece": "slab", "bytes": 100}
    return event | {"voxels": "9 x 8 x 23", "spacing": "1 x 1 x 2", "axes": "LAS"} | changes


def broken(case: str) -> dict:
    event = planned(case, error=f"/in/{case}.nii.gz is damaged.")
    return {key: value for key, value in event.items() if key not in ("pieces", "piece", "voxels", "spacing", "axes")}


TASK = FolderTask(Path("/in"), (), Path("/out"), request_of(PanelSettings()), DataSetOptions())


def looked_at(*events: dict, output: str = "new", task: FolderTask = TASK) -> FolderBoard:
    board = FolderBoard(task)
    board.take({"event": "found", "cases": len(events), "summary": f"{len(events)} images"})
    for event in events:
        board.take(event)
    board.take({"event": "looked", "output": output})
    return board


def step(kind: str, case: str, done: int = 0, total: int = 5, message: str = "", **more) -> dict:
    return {"event": kind, "case": case, "done": done, "total": total, "piece": "slab", "message": message} | more


def finished(**changes) -> dict:
    event = {"event": "finished", "cases": 2, "failed": 0, "pieces": 10, "piece": "slab", "verified": 10}
    return event | {"problems": [], "report": "/out/report.html", "seconds": 1.25} | changes


@pytest.fixture
def texts(tmp_path) -> FolderTexts:
    (tmp_path / "in").mkdir()
    return FolderTexts(str(tmp_path / "in"), "", str(tmp_path / "out"))


def test_the_command_asks_for_what_the_section_does(texts, tmp_path):
    settings = PanelSettings(block="64,64,all", overlap=8, keep="labelled", min_percent=5)
    labels = f"organs={tmp_path / 'in'}; {tmp_path}/{{case}}_seg.nii.gz"
    texts = FolderTexts(texts.inputs, labels, texts.output)
    options = build_parser().parse_args(shlex.split(folder_command(texts, settings))[1:])
    task = folder_task(texts, settings)
    assert request_of_command(options) == request_of(settings) == task.request
    assert [Path(path) for path in options.inputs] == [task.inputs]
    assert options.labels == list(task.labels) == labels.split("; ")
    assert options.output == task.out
    assert "OUT" in folder_command(FolderTexts(), PanelSettings())


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"inputs": " "}, "Choose a folder of volumes, or a list of them (.csv, .txt)."),
        ({"inputs": "scans"}, "'scans' is not a full path; choose it with the button."),
        ({"labels": "organs=masks"}, "'masks' is not a full path; choose the label maps with the button."),
        ({"output": "out"}, "'out' is not a full path; choose the folder with the button."),
    ],
)
def test_what_is_missing_is_said_beside_grey_buttons(typed, sentence, texts):
    one = FolderTexts(**{"inputs": texts.inputs, "labels": "", "output": texts.output} | typed)
    with pytest.raises(SlabExporterError):
        folder_task(one, PanelSettings())
    view = folder_view(one, PanelSettings(), None, False)
    assert (view.status, view.start.tooltip, view.resume.tooltip, view.task) == (sentence, sentence, sentence, None)
    assert not view.start.enabled
    assert not view.resume.enabled


def test_a_folder_that_is_not_there_is_said_so(tmp_path):
    gone = tmp_path / "gone"
    assert folder_view(FolderTexts(str(gone)), PanelSettings(), None, False).status == f"{gone} does not exist."


def test_the_options_that_will_be_used_are_said(texts):
    view = folder_view(texts, PanelSettings(thickness=96, unit="mm"), None, False)
    assert view.options.startswith("Options of this panel: thickness_mm 96")
    assert not any(word in view.options for word in ("seed", "verify", "label_affine", "overlapping"))
    assert "ROI and case name are not used" in view.options
    assert view.status == "The folder is being looked at …"
    wrong = folder_view(texts, PanelSettings(overlap=64), None, False)
    assert "must be smaller than the thickness" in wrong.status


@pytest.mark.parametrize(
    ("output", "start", "resume", "sentence"),
    [
        ("new", True, False, ""),
        ("earlier", False, True, "Go on with the export in the output folder"),
        ("other", False, False, "holds something else than an export; choose another one."),
        ("locked", False, False, "You are not allowed to write to the folder"),
    ],
)
def test_start_and_resume_depend_on_the_output_folder(output, start, resume, sentence, texts):
    task = folder_task(texts, PanelSettings())
    view = folder_view(texts, PanelSettings(), looked_at(planned("a"), output=output, task=task), False)
    assert (view.start.enabled, view.resume.enabled) == (start, resume)
    assert sentence in view.status
    busy = folder_view(texts, PanelSettings(), looked_at(planned("a"), output=output, task=task), True)
    assert not busy.start.enabled
    assert not busy.resume.enabled
    assert busy.status == "0 of 1 case done, 0 % of the slabs."


def test_nothing_is_started_without_a_folder_or_a_usable_case(texts):
    here, task = FolderTexts(texts.inputs), folder_task(texts, PanelSettings())
    board = looked_at(planned("a"), task=folder_task(here, PanelSettings()))
    assert folder_view(here, PanelSettings(), board, False).status == "Choose the folder to write to."
    view = folder_view(texts, PanelSettings(), looked_at(broken("a"), task=task), False)
    assert view.status == "None of the cases can be exported; their rows say why."
    refused = FolderBoard(task)
    refused.take({"event": "refused", "message": "There are no volumes in /in."})
    assert folder_view(texts, PanelSettings(), refused, False).start.tooltip == "There are no volumes in /in."


def test_the_folder_is_looked_at_again_when_it_has_to_be(texts, tmp_path):
    """Not by itself after an export: its table stays, whatever the panel is used for next."""
    assert folder_view(texts, PanelSettings(), None, False).looks
    board = looked_at(planned("a"), task=folder_task(texts, PanelSettings()))
    assert not folder_view(texts, PanelSettings(), board, False).looks
    changed = folder_view(texts, PanelSettings(thickness=32), board, False)
    assert (changed.looks, changed.start.enabled) == (True, False)
    board.take({"event": "begun", "cases": ["a"]})
    assert folder_view(texts, PanelSettings(thickness=32), board, True).options == changed.options.replace("32", "64")
    board.take(finished(cases=1))
    kept = folder_view(texts, PanelSettings(thickness=32), board, False)
    assert (kept.looks, kept.resume.enabled) == (False, False)
    assert kept.status == "1 case, 10 slabs, 10 verified (1.2 s)."
    assert "press 'Look again'" in kept.resume.tooltip
    assert folder_view(texts, PanelSettings(), board, False).resume.enabled
    elsewhere = FolderTexts(texts.inputs, "", str(tmp_path / "other"))
    assert folder_view(elsewhere, PanelSettings(), board, False).looks


def test_rows_tell_what_matched_what_and_what_became_of_it():
    labels = {"organs": "/masks/a.nii.gz", "vessels": r"C:\masks\a_v.nii"}
    board = looked_at(planned("a", labels=labels, warnings=["Old."]), broken("b"), planned("c", there=True))
    cells = (
        "a",
        "planned; 1 warning",
        "5",
        "organs: a.nii.gz, vessels: a_v.nii",
        "a",
        "training",
        "9 x 8 x 23, 1 x 1 x 2 mm, LAS",
    )
    assert board.rows[0].cells == cells
    assert len(HEADERS) == len(cells)
    assert board.rows[0].details.splitlines()[:2] == ["Warning: Old.", "Image: /in/a.nii.gz"]
    assert board.rows[1].cells[1:4] == ("cannot be exported: b.nii.gz is damaged.", "-", "none")
    assert board.rows[1].details.splitlines()[0] == "/in/b.nii.gz is damaged."
    assert board.rows[2].state == "complete in the output folder"
    assert board.sums == "3 images. 3 looked at: 2 can be exported, in 10 slabs."
    assert board.changed() == [0, 1, 2]
    assert board.changed() == []
    board.take({"event": "begun", "cases": ["a", "b", "c"]})
    assert [row.state for row in board.rows] == ["waiting"] * 3
    board.take(step("slab-finished", "a", 1, verified=True))
    assert (board.rows[0].state, board.percent) == ("1 of 5 slabs", 10)
    assert board.changed() == [0, 1, 2]
    board.take(step("warning", "a", message="New."))
    for n in range(2, 6):
        board.take(step("slab-finished", "a", n, verified=n > 2))
    board.take(step("case-finished", "a", 5))
    assert board.rows[0].state == "complete: 5 slabs, 4 verified"
    assert board.rows[0].notes == ("Old.", "New.")
    board.take(step("case-failed", "b", total=0, message="/in/b.nii.gz is damaged."))
    board.take(step("case-skipped", "c", 5))
    assert [row.state for row in board.rows][1:] == ["failed: b.nii.gz is damaged.", "complete already"]
    assert board.percent == 100
    board.take(step("warning", "out", total=0, message="Few parts."))
    assert board.notes == ["Few parts."]


def test_the_end_is_a_sentence():
    board = looked_at(planned("a"), planned("b"))
    board.take(finished())
    assert (board.ending, board.is_good) == ("2 cases, 10 slabs, 10 verified (1.2 s).", True)
    board.take(finished(cases=1, failed=1, problems=["No report."]))
    assert board.ending == (
        "1 case, 10 slabs, 10 verified, 1 failed (their rows and errors.csv say why) (1.2 s).\nNo report."
    )
    assert not board.is_good
    board.take({"event": "begun", "cases": ["a", "b"]})
    assert (board.ending, board.report) == ("", "")
    board.take(step("case-finished", "a", 5))
    board.take(step("case-started", "b"))
    board.take({"event": "cancelled"})
    assert board.ending == "Cancelled: 1 of 2 cases is complete and stays; 'Resume' goes on with the others."
    assert [row.state for row in board.rows] == ["complete: 5 slabs, 0 verified", "cancelled"]
    assert board.output == "earlier"


def test_what_is_downloaded_is_said_until_the_cases_are_known():
    board = FolderBoard(TASK)
    board.take({"event": "downloading", "message": "Downloading https://host/a.nii.gz ..."})
    assert board.sums == "Downloading https://host/a.nii.gz ..."
    board.take({"event": "found", "cases": 1, "summary": "1 image"})
    board.take(planned("a"))
    assert board.sums == "1 image. 1 looked at: 1 can be exported, in 5 slabs."


def test_a_long_list_ends_with_a_sentence(monkeypatch):
    monkeypatch.setattr(boards, "MOST_ROWS", 2)
    board = looked_at(planned("a"), planned("b"), planned("c"), broken("d"))
    assert [row.case for row in board.rows] == ["a", "b"]
    told = "The table lists the first 2 cases; 2 more are treated like them, 1 of these cannot be exported or failed."
    assert board.sums.splitlines()[1] == told
    board.take({"event": "begun", "cases": ["a", "b", "c", "d"]})
    board.take(step("case-finished", "c", 5))
    assert board.percent == 33
    board.take({"event": "cancelled"})
    assert board.ending.startswith("Cancelled: 1 of 4 cases is complete")


def test_lines_arrive_in_any_pieces_and_broken_ones_are_dropped():
    lines, data = EventLines(), b'{"event": "a"}\n{"ev\n[1]\n{"event": "\xc3\xa4"}\n'
    assert [e for n in range(len(data)) for e in lines.take(data[n : n + 1])] == [{"event": "a"}, {"event": "ä"}]


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (Option("deidentify"), "the command line's option --deidentify"),
        (Option.to("jobs", 1), "the command line's option --jobs 1"),
        (Option("split_series"), "the command line's option --split-series"),
        (Option.on("resume"), "'Resume'"),
    ],
)
def test_options_without_a_control_are_named_as_they_are_typed(option, sentence):
    assert in_panel_words(Sentence("Try ", option, ".")) == f"Try {sentence}."
