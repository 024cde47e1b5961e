"""Limits of memory and processors that Linux sets this process: containers, batch systems, services.

A process stands in a group of a tree, and every group above it limits it, too. Version 2 has one tree,
version 1 one for each kind of limit; where they are mounted, and from which of their groups on, stands in
``mountinfo`` (Linux: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst; proc(5)).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Where the system's files are; a test has its own.
ROOT = Path("/")
# Version 1 states "no limit" as the largest multiple of a page that fits into 63 bits.
_UNLIMITED = 1 << 60


@dataclass(frozen=True)
class _Names:
    """Names of the files of one version."""

    limit: str
    used: str
    reclaimable: str


_VERSION_2 = _Names("memory.max", "memory.current", "inactive_file")
_VERSION_1 = _Names("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def memory_left() -> int | None:
    """Return the bytes that the groups of this process leave it; None where none of them has a limit."""
    left = [_left(group, _VERSION_2) for group in _groups("")] + [
        _left(group, _VERSION_1) for group in _groups("memory")
    ]
    return min((size for size in left if size is not None), default=None)


def processors() -> int | None:
    """Return how many processors' time the groups of this process allow, rounded up; None without a limit."""
    shares = [_share(_text(group / "cpu.max")) for group in _groups("")]
    for group in _groups("cpu"):
        quota, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
        shares.append(_share(f"{quota} {period}"))
    return min((share for share in shares if share is not None), default=None)


def _left(group: Path, names: _Names) -> int | None:
    """Limit less what is used; pages of files that nobody has looked at lately are given back when need be."""
    try:
        limit, used = int(_text(group / names.limit)), int(_text(group / names.used))
    except ValueError:  # "max", or no such file
        return None
    if limit >= _UNLIMITED:
        return None
    counts = dict(line.split() for line in _text(group / "memory.stat").splitlines() if len(line.split()) == 2)
    return max(0, limit - used + int(counts.get(names.reclaimable, 0)))


def _share(text: str) -> int | None:
    """Processors for "quota period", both in microseconds."""
    try:
        quota, period = map(int, text.split())
    except ValueError:  # "max 100000", or no such file
        return None
    return max(1, math.ceil(quota / period)) if quota > 0 and period > 0 else None


def _groups(controller: str) -> Iterator[Path]:
    """Folders of this process's group and of those above it, as far as they are mounted.

    Args:
        controller: of version 1; "" for version 2.
    """
    path = _own_group(controller)
    if path is None:
        return
    for root, mount in _mounts(controller):
        top = ROOT / mount.relative_to("/")
        folder = top / path.relative_to(root) if path.is_relative_to(root) else top
        if not folder.is_dir():  # a container may see its own group as the top, but under the name outside
            folder = top
        yield folder
        while folder != top:
            folder = folder.parent
            yield folder


def _own_group(controller: str) -> PurePosixPath | None:
    for line in _text(ROOT / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return PurePosixPath(path)
    return None


def _mounts(controller: str) -> Iterator[tuple[PurePosixPath, PurePosixPath]]:
    """(the group that is mounted, where) of each mount of the tree."""
    for line in _text(ROOT / "proc/self/mountinfo").splitlines():
        mount, _, system = line.partition(" - ")
        fields, kind = mount.split(" "), system.split(" ")
        if len(fields) < 5 or len(kind) < 3:
            continue
        of_version_1 = kind[0] == "cgroup" and controller in kind[2].split(",") and controller != ""
        if of_version_1 or (kind[0] == "cgroup2" and controller == ""):
            yield PurePosixPath(_unescaped(fields[3])), PurePosixPath(_unescaped(fields[4]))


def _unescaped(name: str) -> str:
    """A name of mountinfo, where blanks and the like are octal numbers."""
    return name.encode().decode("unicode_escape") if "\\" in name else name


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
