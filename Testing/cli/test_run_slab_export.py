"""The launcher script under a plain Python with slicer-core: the command line, and a log file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.phantoms import affine, index_phantom, save_nifti

SCRIPT = Path(__file__).parents[2] / "SlabExporter" / "Scripts" / "run_slab_export.py"

# What Slicer does with --python-script: run the text in __main__, with an application that must be
# told to exit (ctkAbstractPythonManager::executeFile, slicer.util.exit).
AS_SLICER_DOES = """
import sys, types
slicer = types.ModuleType("slicer")
slicer.app = object()
slicer.util = types.SimpleNamespace(exit=lambda code: print("APPLICATION EXITS WITH", code))
sys.modules["slicer"] = slicer
script = {script!r}
sys.argv = [script] + {arguments!r}
globals()["__file__"] = script
exec(open(script).read(), globals())
print("APPLICATION GOES ON")
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / "in").mkdir()
    return save_nifti(tmp_path / "in" / "case.nii.gz", index_phantom((5, 6, 12)), affine())


def run(tmp_path, *arguments, **options):
    environment = os.environ | {"SLAB_EXPORTER_LOG": str(tmp_path / "run.log")} | options
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )


def test_it_exports_like_the_command_line_and_logs_everything(tmp_path, source, run_cli):
    done = run(tmp_path, "export", source, "-o", tmp_path / "script", "--thickness", 5)
    assert done.returncode == 0, done.stderr
    run_cli("export", source, "-o", tmp_path / "cli", "--thickness", 5)
    ours = {p.name: p.read_bytes() for p in (tmp_path / "script").rglob("*.nii.gz")}
    assert ours == {p.name: p.read_bytes() for p in (tmp_path / "cli").rglob("*.nii.gz")}
    assert len(ours) == 3
    log = (tmp_path / "run.log").read_text()
    assert all(line in log for line in (done.stdout + done.stderr).splitlines())
    assert "3 slabs" in log


def test_exit_codes_are_the_contracts(tmp_path, source):
    (tmp_path / "in" / "broken.nii.gz").write_bytes(b"not a volume")
    assert run(tmp_path, "export", source.parent, "-o", tmp_path / "some").returncode == 1
    assert run(tmp_path, "export", tmp_path / "in" / "broken.nii.gz", "-o", tmp_path / "none").returncode == 2
    wrong = run(tmp_path, "export")
    assert wrong.returncode == 2
    told = "slab-exporter: INPUT and -o OUT are missing."
    assert told in wrong.stderr
    assert told in (tmp_path / "run.log").read_text()


def test_a_log_that_cannot_be_written_is_no_obstacle(tmp_path, source):
    done = run(tmp_path, "export", source, "-o", tmp_path / "out", SLAB_EXPORTER_LOG=str(tmp_path / "no" / "log"))
    assert done.returncode == 0
    assert "no log file" in done.stderr


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["export"], 2)])
def test_inside_the_application_it_always_tells_it_to_exit(tmp_path, arguments, code):
    program = AS_SLICER_DOES.format(script=str(SCRIPT), arguments=arguments)
    environment = os.environ | {"SLAB_EXPORTER_LOG": str(tmp_path / "run.log")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120)
    assert f"APPLICATION EXITS WITH {code}\nAPPLICATION GOES ON" in done.stdout


def test_a_bug_in_the_library_does_not_leave_the_application_hanging(tmp_path):
    (tmp_path / "sub").mkdir()
    copy = tmp_path / "sub" / "run_slab_export.py"  # no library beside it, and a broken one in front
    copy.write_text(SCRIPT.read_text())
    (tmp_path / "slab_exporter").mkdir()
    (tmp_path / "slab_exporter" / "__init__.py").write_text("")
    (tmp_path / "slab_exporter" / "cli.py").write_text("raise ValueError('a bug')")
    program = AS_SLICER_DOES.format(script=str(copy), arguments=["--version"])
    environment = os.environ | {"SLAB_EXPORTER_LOG": str(tmp_path / "run.log")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=60)
    assert "APPLICATION EXITS WITH 1" in done.stdout
    assert "ValueError: a bug" in (tmp_path / "run.log").read_text()


def test_ctrl_c_interrupts_also_where_the_application_gave_the_signal_back(tmp_path):
    """Slicer resets C's handler of SIGINT when it starts Python, and the process would end with the signal."""
    volume = save_nifti(tmp_path / "case.nii.gz", index_phantom((40, 40, 400)), affine())
    arguments = ["export", str(volume), "-o", str(tmp_path / "out"), "--thickness", "1", "--jobs", "1"]
    program = (
        "import runpy, signal, sys\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        f"sys.argv = {[str(SCRIPT), *arguments]!r}\nrunpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    environment = os.environ | {"SLAB_EXPORTER_LOG": str(tmp_path / "run.log")}
    running = subprocess.Popen([sys.executable, "-c", program], env=environment)
    until = time.monotonic() + 60
    while not list((tmp_path / "out").rglob("case_slab-*")) and time.monotonic() < until:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=60) == 130
    assert "go on with --resume" in (tmp_path / "run.log").read_text()
    assert not (tmp_path / "out" / "case").exists()
