"""What is mistyped gets one sentence and the way to the help; the help has examples, and costs nothing."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest
from slab_exporter.cli.main import COMMANDS, build_parser
from slab_exporter.cli.usage.examples import EXAMPLES
from slab_exporter.cli.usage.parser import DOCUMENTATION, commands_of
from slab_exporter.core.errors import InputError
from slab_exporter.files.disk import require_there
from support.command_line import LIBRARY
from support.phantoms import affine, index_phantom, save_nifti


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("export a.nii -o x --thickness abc", "--thickness: 'abc' is not a whole number."),
        ("export a.nii -o x --margin wide", "--margin: 'wide' is not a number."),
        ("export a.nii -o x --fill bone", "--fill: 'bone' is neither a number nor auto."),
        ("export a.nii -o x --shard 3", "--shard: '3' is not I/N, such as 3/8."),
        (
            "export a.nii -o x --axis axila",
            "--axis: 'axila' is none of axial, coronal, sagittal, i, j, k; is axial meant?",
        ),
        ("export a.nii -o x --thicknes 4", "there is no option --thicknes; is --thickness meant?"),
        ("export a.nii -o x --qqq", "there is no option --qqq."),
        ("export a.nii -o x --thick 4", "there is no option --thick; is --thickness meant?"),
        ("exprot a.nii", "there is no command 'exprot'; is export meant?"),
        ("export", "INPUT and -o OUT are missing."),
        ("export a.nii", "-o OUT is missing."),
        ("export a.nii -o", "--output needs one argument."),
        ("where f --ijk 1 2", "--ijk needs 3 arguments."),
        ("verify a b", "'b' is one argument too many."),
        ("where f", "one of --ijk, --ras, --lps is missing."),
        (
            "export a.nii -o x --thickness 3 --thickness-mm 4",
            "--thickness-mm cannot be given together with --thickness.",
        ),
    ],
)
def test_a_mistyped_command_gets_one_sentence_and_the_way_to_the_help(run_cli, typed, sentence):
    code, out, error = run_cli(*typed.split())
    command = typed.split()[0]
    known = f" {command}" if command in EXAMPLES else ""
    assert (code, out) == (2, "")
    assert error.splitlines() == [f"slab-exporter: {sentence}", f"'slab-exporter{known} --help' lists what it takes."]


def test_no_argument_at_all_shows_the_help(run_cli):
    code, out, error = run_cli()
    assert (code, out) == (2, "")
    assert error.startswith("usage: slab-exporter")
    assert "slab-exporter demo" in error


@pytest.mark.parametrize("command", EXAMPLES)
def test_every_help_has_examples_that_can_be_typed(run_cli, command):
    code, out, _ = run_cli(command, "--help")
    assert code == 0
    assert DOCUMENTATION in out
    for line in EXAMPLES[command]:
        assert f"  {line}\n" in out
        program, *arguments = shlex.split(line)
        assert program == "slab-exporter"
        assert build_parser().parse(arguments).command == command


def test_every_command_has_examples():
    assert set(EXAMPLES) == set(commands_of(build_parser())) == {c.__name__.rpartition(".")[2] for c in COMMANDS}


def test_options_of_an_export_stand_in_groups(run_cli):
    _, out, _ = run_cli("export", "--help")
    titles = [line for line in out.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert len(titles) >= 10
    general = out.partition("\noptions:\n")[2].partition("\n\n")[0]
    assert sum(line.startswith("  -") for line in general.splitlines()) <= 12


@pytest.mark.skipif(sys.platform == "win32", reason="processor time of children is not told")
def test_help_comes_at_once():
    """Within 0.15 s; in time on a processor, which others' work changes less, and in starts of Python itself."""
    import resource

    def seconds(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], cwd=LIBRARY, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    of_python = min(seconds("-c", "import argparse, dataclasses, inspect") for _ in range(5))
    assert min(seconds("-m", "slab_exporter", "--help") for _ in range(5)) < max(0.15, 4 * of_python)


@pytest.fixture
def ct(tmp_path):
    return save_nifti(tmp_path / "liver.nii.gz", index_phantom((6, 7, 9)), affine())


@pytest.mark.parametrize("command", ["export", "inspect"])
def test_a_mistyped_input_creates_nothing(run_cli, ct, tmp_path, command):
    typed = tmp_path / "livre.nii.gz"
    more = ("-o", tmp_path / "out") if command == "export" else ("--csv", tmp_path / "out")
    code, out, error = run_cli(command, ct, typed, *more)
    assert (code, out) == (2, "")
    assert error == f"slab-exporter: {typed} does not exist; is {ct} meant?\n"
    assert [path.name for path in tmp_path.iterdir()] == [ct.name]


def test_a_mistyped_label_path_is_named(run_cli, ct, tmp_path):
    code, _, error = run_cli("export", ct, "--labels", tmp_path / "liver.nii", "-o", tmp_path / "out")
    assert code == 2
    assert error == f"slab-exporter: The label path {tmp_path / 'liver.nii'} does not exist; is {ct} meant?\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["https://host/ct.nii.gz?v=1", "s3://scans/ct.nii.gz"])
@pytest.mark.parametrize("command", ["export", "inspect", "where", "labels"])
def test_an_address_is_told_from_a_file(run_cli, ct, tmp_path, monkeypatch, address, command):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    typed = {
        "export": ("export", address, "-o", tmp_path / "out"),
        "inspect": ("inspect", address),
        "where": ("where", address, "--ijk", 0, 0, 0),
        "labels": ("export", ct, "--labels", f"organs={address}", "-o", tmp_path / "out"),
    }
    code, _, error = run_cli(*typed[command])
    assert code == 2
    shown = address.partition("?")[0]
    assert f"slab-exporter: {shown} is an address, and only with the package fsspec are files downloaded" in error
    assert not (tmp_path / "out").exists()


def test_a_link_to_nothing_is_there_and_a_name_below_a_file_is_not(ct, tmp_path):
    (tmp_path / "link.nii").symlink_to("nowhere.nii")
    require_there(tmp_path / "link.nii")
    with pytest.raises(InputError, match="does not exist"):
        require_there(ct / "a.nii")


def test_inspect_says_units(run_cli, ct):
    _, out, _ = run_cli("inspect", ct)
    shown = dict(line.split(maxsplit=1) for line in out.splitlines()[1:])
    assert shown["shape"] == "6 x 7 x 9 voxels"
    assert shown["spacing"] == "0.7 x 0.9 x 2.5 mm"
    assert shown["obliquity"].endswith(" degrees")
    assert shown["sform-qform"] == "corner distance 0 mm"


@pytest.mark.parametrize(("shell", "mark"), [("bash", "complete -o"), ("zsh", "#compdef slab-exporter")])
def test_completion_knows_commands_and_options(run_cli, shell, mark):
    pytest.importorskip("shtab", reason="shtab is not installed (extra 'completion')")
    code, out, _ = run_cli("--print-completion", shell)
    assert code == 0
    assert mark in out
    assert "--thickness-mm" in out
    assert "compare" in out


def test_completion_without_its_package_says_what_to_install(run_cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    code, out, error = run_cli("--print-completion", "bash")
    assert (code, out) == (2, "")
    assert "pip install 'slab-exporter[completion]'" in error
