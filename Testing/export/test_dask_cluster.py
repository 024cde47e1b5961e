"""The same cases on a Dask cluster: the same bytes, and workers may die."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from slab_exporter.core.errors import SlabExporterError
from slab_exporter.core.progress import no_progress
from support.command_line import LIBRARY, make_data_set
from support.trees import tree

pytest.importorskip("distributed", reason="dask[distributed] is not installed (extra 'dask')")

SMALL = ("--thickness", 8)

SLOW = """
import time
from slab_exporter.export import job
good = job.run_job
def run_job(runtime, one, progress, first=None):
    def slowly(event):
        if event.kind == "slab-finished":
            time.sleep(0.2)
        progress(event)
    return good(runtime, one, slowly, first)
job.run_job = run_job
"""


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers with nannies, each a process of its own; gives (address, worker processes)."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SLOW)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(LIBRARY), str(tmp_path / "site")])}
    scheduler_file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": tmp_path}
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    started = [subprocess.Popen([*command, "--no-dashboard", "--scheduler-file", scheduler_file], **quiet)]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", scheduler_file]
    options = ["--nthreads", "1", "--no-dashboard", "--local-directory", tmp_path / "spill", "--death-timeout", "60"]
    started += [subprocess.Popen([*command, *options], **quiet) for _ in range(2)]
    until = time.monotonic() + 60
    while not scheduler_file.exists() and time.monotonic() < until:
        time.sleep(0.1)
    try:
        yield scheduler_file
    finally:
        for process in started[::-1]:
            process.terminate()
        for process in started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def test_two_dask_workers_give_the_same_bytes_as_one_process(tmp_path, cluster, cli):
    make_data_set(tmp_path / "in")
    (tmp_path / "in" / "volume-2.nii.gz").write_bytes(b"no volume")
    assert cli("export", tmp_path / "in", "-o", tmp_path / "a" / "out", *SMALL, "--jobs", 1)[0] == 1
    code, _, err = cli("export", tmp_path / "in", "-o", tmp_path / "b" / "out", *SMALL, "--dask", cluster)
    assert code == 1, err
    assert tree(tmp_path / "b" / "out") == tree(tmp_path / "a" / "out")
    code, _, err = cli("export", tmp_path / "in", "-o", tmp_path / "b" / "out", *SMALL, "--dask", cluster, "--resume")
    assert err.count("complete already") == 3


def documented_cluster() -> str:
    """The script of docs/batch.md, with two workers."""
    text = (LIBRARY.parent / "docs" / "batch.md").read_text("utf-8")
    script = next(part for part in text.split("```python\n")[1:] if "LocalCluster(" in part).split("```")[0]
    assert "n_workers=4" in script
    return script.replace("n_workers=4", "n_workers=2")


def test_the_documented_local_cluster_gives_the_same_bytes_as_one_process(tmp_path, cli):
    make_data_set(tmp_path / "in")
    assert cli("export", tmp_path / "in", "-o", tmp_path / "a" / "out", *SMALL, "--jobs", 1)[0] == 0
    (tmp_path / "cluster.py").write_text(documented_cluster())
    environment = os.environ | {"PYTHONPATH": str(LIBRARY)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "cluster.py"], cwd=tmp_path, env=environment, text=True, **pipes)
    address = process.stdout.readline().strip()
    code, _, err = cli("export", tmp_path / "in", "-o", tmp_path / "b" / "out", *SMALL, "--dask", address)
    process.communicate("\n", timeout=60)
    assert code == 0, err
    assert tree(tmp_path / "b" / "out") == tree(tmp_path / "a" / "out")


@pytest.mark.skipif(sys.platform == "win32", reason="a worker is killed by a POSIX signal")
def test_a_dask_worker_killed_mid_case_loses_nothing(tmp_path, cluster, start_cli, cli):
    from distributed import Client

    make_data_set(tmp_path / "in")
    assert cli("export", tmp_path / "in", "-o", tmp_path / "a" / "out", *SMALL)[0] == 0
    out = tmp_path / "b" / "out"
    process = start_cli("export", tmp_path / "in", "-o", out, *SMALL, "--dask", cluster)
    until = time.monotonic() + 120
    while not list(out.glob("*/images/*")) and time.monotonic() < until:
        time.sleep(0.02)
    with Client(scheduler_file=str(cluster), set_as_default=False) as client:
        busy = next(address for address, keys in client.processing().items() if keys)
        pid = client.scheduler_info()["workers"][busy].get("pid") or client.run(os.getpid, workers=[busy])[busy]
    os.kill(pid, signal.SIGKILL)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert tree(out) == tree(tmp_path / "a" / "out")


def test_a_cluster_without_workers_is_one_sentence(monkeypatch):
    from distributed import LocalCluster
    from slab_exporter.export import dask_cluster

    monkeypatch.setattr(dask_cluster, "_CONNECT_SECONDS", 2)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster,
        pytest.raises(SlabExporterError, match="has no workers; start some"),
    ):
        list(dask_cluster.run_on_dask([], cluster.scheduler_address, no_progress))


def test_a_scheduler_that_does_not_answer_is_one_sentence(tmp_path, cli, monkeypatch):
    make_data_set(tmp_path / "in", cases=2)
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "2s")
    code, _, err = cli("export", tmp_path / "in", "-o", tmp_path / "out", "--dask", "tcp://127.0.0.1:9")
    assert code == 2
    assert "No Dask scheduler answers at tcp://127.0.0.1:9" in err
    assert "Traceback" not in err


def test_a_scheduler_file_that_is_not_there_is_said_at_once(tmp_path, cli):
    make_data_set(tmp_path / "in", cases=2)
    code, _, err = cli("export", tmp_path / "in", "-o", tmp_path / "out", *SMALL, "--dask", tmp_path / "no.json")
    assert code == 2
    assert err.splitlines()[-1].endswith("no.json does not exist; start the scheduler first.")


def test_a_scheduler_that_accepts_and_never_answers_is_given_up(monkeypatch):
    from slab_exporter.export import dask_cluster

    monkeypatch.setattr(dask_cluster, "_CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(SlabExporterError, match="No Dask scheduler answers at tcp"):
            next(dask_cluster.run_on_dask([], address, lambda _: None))
        assert time.monotonic() - began < 15
