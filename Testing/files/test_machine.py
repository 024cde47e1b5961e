"""Memory and processors that this process may use, where groups, batch systems and other systems limit them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from slab_exporter.files import machine

GB = 1 << 30
V2 = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "35 31 0:32 {root} /sys/fs/cgroup/{name} rw,relatime - cgroup cgroup rw,{name}\n"
NO_LIMIT_V1 = 9223372036854771712


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A function that lays out the files of a system: path -> content."""
    monkeypatch.setattr(machine, "ROOT", tmp_path)

    def lay_out(files: dict[str, object]) -> None:
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(f"{content}\n")

    return lay_out


def version_2(path: str, root: str = "/") -> dict[str, object]:
    return {"proc/self/cgroup": f"0::{path}", "proc/self/mountinfo": V2.format(root=root)}


def version_1(path: str, root: str = "/") -> dict[str, object]:
    mounts = "".join(V1.format(root=root, name=name) for name in ("memory", "cpu"))
    return {"proc/self/cgroup": f"4:memory:{path}\n3:cpu,cpuacct:{path}\n0::/", "proc/self/mountinfo": mounts}


def test_without_groups_nothing_is_limited(system):
    system({})
    assert machine.left_by_groups() is None
    assert machine.processors_of_groups() is None


def test_a_container_that_sees_its_own_group_as_the_top(system):
    system(version_2("/") | {"sys/fs/cgroup/memory.max": 4 * GB, "sys/fs/cgroup/memory.current": GB})
    assert machine.left_by_groups() == 3 * GB


def test_pages_of_files_count_as_free(system):
    used = {"sys/fs/cgroup/memory.current": 3 * GB, "sys/fs/cgroup/memory.stat": f"anon 5\ninactive_file {2 * GB}"}
    system(version_2("/") | {"sys/fs/cgroup/memory.max": 4 * GB} | used)
    assert machine.left_by_groups() == 3 * GB


@pytest.mark.parametrize(
    ("inner", "outer", "left"), [("max", 2 * GB, GB), (4 * GB, "max", 3 * GB), (4 * GB, 2 * GB, GB)]
)
def test_every_group_above_limits_a_nested_one(system, inner, outer, left):
    """As a service in a slice, or a container in a pod."""
    group = "sys/fs/cgroup/user.slice/job"
    system(
        version_2("/user.slice/job")
        | {f"{group}/memory.max": inner, f"{group}/memory.current": GB}
        | {"sys/fs/cgroup/user.slice/memory.max": outer, "sys/fs/cgroup/user.slice/memory.current": GB}
    )
    assert machine.left_by_groups() == left


def test_slurm_limits_the_step_or_the_job(system):
    job = "/slurm/uid_1000/job_7"
    memory, cpu = f"sys/fs/cgroup/memory{job}", f"sys/fs/cgroup/cpu{job}"
    system(
        version_1(f"{job}/step_0/task_0")
        | {f"{memory}/step_0/task_0/memory.limit_in_bytes": NO_LIMIT_V1}
        | {f"{memory}/step_0/task_0/memory.usage_in_bytes": GB}
        | {f"{memory}/memory.limit_in_bytes": 8 * GB, f"{memory}/memory.usage_in_bytes": 2 * GB}
        | {f"{cpu}/step_0/task_0/cpu.cfs_quota_us": -1, f"{cpu}/step_0/task_0/cpu.cfs_period_us": 100000}
        | {f"{cpu}/cpu.cfs_quota_us": 250000, f"{cpu}/cpu.cfs_period_us": 100000}
    )
    assert machine.left_by_groups() == 6 * GB
    assert machine.processors_of_groups() == 3


@pytest.mark.parametrize("root", ["/docker/abc", "/elsewhere", "/"])
def test_docker_of_version_1_mounts_its_group_under_the_name_outside(system, root):
    memory = "sys/fs/cgroup/memory"
    limits = {f"{memory}/memory.limit_in_bytes": 2 * GB, f"{memory}/memory.usage_in_bytes": GB}
    system(version_1("/docker/abc", root) | limits)
    assert machine.left_by_groups() == GB


@pytest.mark.parametrize(("quota", "expected"), [("max 100000", None), ("50000 100000", 1), ("150000 100000", 2)])
def test_processors_of_version_2_are_rounded_up(system, quota, expected):
    system(version_2("/job") | {"sys/fs/cgroup/job/cpu.max": quota, "sys/fs/cgroup/cpu.max": "400000 100000"})
    assert machine.processors_of_groups() == (expected or 4)


def test_names_with_blanks_are_read(system):
    mount = V2.format(root="/").replace("/sys/fs/cgroup", r"/my\040groups")
    system({"proc/self/cgroup": "0::/", "proc/self/mountinfo": mount})
    system({"my groups/memory.max": GB, "my groups/memory.current": 0})
    assert machine.left_by_groups() == GB


def test_the_smallest_number_counts(system, monkeypatch):
    system(version_2("/") | {"sys/fs/cgroup/memory.max": 4 * GB, "sys/fs/cgroup/memory.current": GB})
    system({"sys/fs/cgroup/cpu.max": "100000 100000"})
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(machine, "_available_on_linux", lambda: 2 * GB)
    assert machine.available_memory() == 2 * GB
    monkeypatch.setattr(machine, "_available_on_linux", lambda: 5 * GB)
    assert machine.available_memory() == 3 * GB
    assert machine.usable_processors() == 1


MACOS = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10000.
Pages active:                            200000.
Pages inactive:                           30000.
Pages speculative:                         5000.
Pages wired down:                        100000.
Pages purgeable:                           1000.
"Translation faults":                 500000000.
"""


def test_macos_counts_what_it_gives_up(system, monkeypatch):
    system({})
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, stdout=MACOS))
    assert machine.available_memory() == 46000 * 16384


def test_macos_without_its_program_knows_how_much_there_is(system, monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError

    system({})
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", missing)
    assert machine.available_memory() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
