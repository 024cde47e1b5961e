"""Arguments and lists that are not what they should be get one sentence, and nothing vanishes."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys

import pytest
from slab_exporter.cases.find import find_cases
from slab_exporter.cli.main import main
from slab_exporter.core.errors import InputError, RequestError
from slab_exporter.report.summary import write_table
from support.command_line import LIBRARY


def test_a_link_to_nothing_is_a_case_that_fails(data_set, tmp_path, cli):
    (data_set / "volume-9.nii").symlink_to("/nowhere/v.nii")
    assert "volume-9" in [case.name for case in find_cases([data_set], [])]
    code, _, err = cli("export", data_set, "-o", tmp_path / "out", "--thickness", 8)
    assert code == 1
    assert "does not exist" in err


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_a_folder_that_cannot_be_read_is_named(data_set):
    (data_set / "closed").mkdir(mode=0)
    command = [sys.executable, "-m", "slab_exporter", "inspect", str(data_set)]
    if os.geteuid() == 0:  # root reads everything, unless it gives that up
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv (util-linux) is not installed, and root reads everything")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    run = subprocess.run(command, cwd=LIBRARY, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "closed cannot be read" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ('a.nii,"5 mm\nb.nii,x\n', "unexpected end of data"),
        ('a.nii,"5 mm\nb.nii,x"\n', "goes over several lines"),
        ("a.nii," + "x" * 140_000 + "\n", "field larger than field limit"),
        ("a.nii,\0\n", "zero bytes"),
    ],
)
def test_a_table_with_a_damaged_row_is_refused(tmp_path, rows, sentence):
    (tmp_path / "a.nii").touch()
    (tmp_path / "l.csv").write_text(f"image,note\n{rows}")
    with pytest.raises(InputError, match=sentence):
        find_cases([tmp_path / "l.csv"], [])


def test_a_name_that_is_too_long_is_a_case_with_a_problem(tmp_path):
    (tmp_path / "a.nii").touch()
    (tmp_path / "l.txt").write_text(f"a.nii\n{'x' * 300}.nii\n")
    first, second = find_cases([tmp_path / "l.txt"], [])
    assert first.problem is None
    assert "cannot be read" in second.problem
    with pytest.raises(InputError, match="cannot be read"):
        find_cases([tmp_path / f"{'x' * 300}.nii"], [])


def test_links_in_a_circle_are_cases_that_fail(tmp_path):
    (tmp_path / "a.nii").symlink_to("a.nii")
    assert [case.name for case in find_cases([tmp_path / "a.nii"], [])] == ["a"]


def test_a_pattern_that_asks_for_more_than_text_is_refused(data_set):
    with pytest.raises(RequestError, match="cannot be filled in"):
        find_cases([data_set], ["x/{case.foo}.nii"])


@pytest.mark.parametrize("arguments", [["", "-o", "out"], ["in", "-o", ""], ["in", "-o", "out", "--labels", ""]])
def test_an_empty_argument_is_refused(arguments, capsys):
    assert main(["export", *arguments]) == 2
    assert "it is empty; is a shell variable unset?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [(BrokenPipeError(), 130), (AttributeError("'x' has no 'y'"), 2), (OSError(5, "I/O error", "x.nii"), 2)],
)
def test_nothing_unexpected_ends_as_done_or_as_a_traceback(monkeypatch, capfd, error, code):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("slab_exporter.cases.find.find_cases", fail)
    with monkeypatch.context() as context:
        context.setattr("os.dup2", lambda *_: None)
        assert main(["inspect", "x.nii"]) == code
    err = capfd.readouterr().err
    assert "Traceback" not in err


def test_no_cell_is_a_formula_and_no_name_stops_a_table(tmp_path):
    write_table(tmp_path / "t.csv", ["case", "=1+1"], [["@SUM(A1)", "-3.5"], ["caf\udce9", -2]])
    with (tmp_path / "t.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [["case", "'=1+1"], ["'@SUM(A1)", "-3.5"], ["caf\\udce9", "-2"]]
