"""The output folder before and after a run: refuse, prepare, tidy up."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from ..cases.find import Case
from ..core.errors import OutputError, writing
from ..core.naming import DATA_LIST, ERRORS_TABLE, OPTIONS, REPORT, SCRATCH, SLABS_TABLE, slab_name, slab_name_pattern
from ..core.text import Option, Sentence
from ..files.atomic import clear_abandoned, open_to_lock, try_lock
from ..files.disk import begins_with, is_exported_case
from ..pipeline.case_folder import cases_left_aside, clear_leftovers, is_whole_aside
from ..report.pictures import PREVIEW_FOLDER
from .nnunet import is_nnunet_folder

# What stands at the beginning of our own files beside the cases.
_MARKS = {
    SLABS_TABLE: "case,slab,image,",
    ERRORS_TABLE: "case,image,error\n",
    DATA_LIST: "cut by SlabExporter",
    REPORT: "SlabExporter</title>",
    OPTIONS: '"schema": "slab-exporter-options/',
}
# "Maximum Path Length Limitation" of Microsoft's documentation; one character of the 260 ends the text.
_LONGEST_PATH_OF_WINDOWS = 259
_LONG_PATHS = r"SYSTEM\CurrentControlSet\Control\FileSystem"


def make_output(cases: list[Case], out: Path) -> None:
    """Make the output folder.

    Raises:
        OutputError: it holds a source, lies among DICOM images, is a file, or cannot be written.
    """
    for case in cases:
        for path in case.files:
            if path.resolve().parent == out.resolve():
                raise OutputError(f"The output folder {out} is where the source {path.name} lies; choose another one.")
        for folder in case.series_folders:
            if folder in (out.resolve(), *out.resolve().parents):
                raise OutputError(
                    f"The output folder {out} lies in the DICOM folder {folder}; choose one outside of it."
                )
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; the output must be a folder.")
    if sys.platform == "win32":
        _refuse_long_paths(cases, out)
    with writing(f"The output folder {out}"):
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f"{SCRATCH}-{os.getpid()}"
        probe.touch()
        probe.unlink()


def _refuse_long_paths(cases: list[Case], out: Path) -> None:
    """Refuse paths that are too long for Windows, unless it has been told to allow them.

    Raises:
        OutputError: with the first case of which files would have such paths.
    """
    import winreg

    with contextlib.suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _LONG_PATHS) as key:  # type: ignore[attr-defined]
        if winreg.QueryValueEx(key, "LongPathsEnabled")[0] == 1:  # type: ignore[attr-defined]
            return
    for case in cases:
        folder = max((PREVIEW_FOLDER, *case.labels, *case.channels), key=len)
        file = f"{slab_name(case.name, 0, 1, 'block')}.nii.gz"
        length = len(os.path.join(os.path.abspath(out), SCRATCH, "new", case.name, folder, file))
        if length > _LONGEST_PATH_OF_WINDOWS:
            raise OutputError(
                f"Files of {case.name} would have paths of {length} characters in {out}, and Windows allows "
                f"{_LONGEST_PATH_OF_WINDOWS}; choose an output folder with a shorter path, name the case in a list, or "
                "turn on long paths in Windows (LongPathsEnabled)."
            )


def refuse_other_content(out: Path, resume: bool, overwrite: bool, shard: bool = False) -> None:
    """Refuse a folder that is in use; tables without a case, and what killed runs leave, do not count.

    Args:
        out: the folder.
        resume: it may hold cases, and the user knows what else.
        overwrite: it may hold anything.
        shard: it may hold cases.

    Raises:
        OutputError: there is something else in it.
    """
    content = [] if overwrite else [path for path in out.iterdir() if not path.name.startswith(".")]
    for path in content:
        if path.name in _MARKS and not begins_with(path, _MARKS[path.name]):
            raise OutputError(f"{path} is not of an export and would be replaced; choose another output folder.")
    cases = [path for path in content if path.name not in _MARKS]
    if cases and not (resume or shard):
        raise OutputError(
            f"The output folder {out} is not empty. Choose another one, or add ",
            Option.on("resume"),
            " to go on with an earlier export, or ",
            Option.on("overwrite"),
            " to replace it.",
        )
    foreign = [] if resume else [path.name for path in cases if not (_is_case(path) or is_nnunet_folder(path))]
    if foreign:
        raise OutputError(f"The output folder {out} holds {foreign[0]}, which is not of an export; choose another one.")


def _is_case(folder: Path) -> bool:
    """Whether a folder is a case's: complete, in work, or left by a killed run."""
    if not folder.is_dir() or is_exported_case(folder):
        return folder.is_dir()
    pattern = slab_name_pattern(folder.name)
    with contextlib.suppress(FileNotFoundError):  # another shard is at work there
        parts = list(folder.iterdir())
        return all(part.is_dir() and all(pattern.fullmatch(path.name) for path in part.iterdir()) for part in parts)
    return True


def clear_interrupted(out: Path) -> None:
    """Remove what killed runs left in the folder; cases that they left whole wait for ``DataSetFiles``.

    Raises:
        OutputError: it cannot be removed.
    """
    with writing(f"The output folder {out}"):
        for folder in cases_left_aside(out):
            if not is_whole_aside(folder):
                clear_leftovers(folder)
        clear_abandoned(out)
        for path in out.glob(f"{SCRATCH}-*"):
            if path.is_symlink() or path.is_file():
                path.unlink()


LOCK_NAME = ".slab-exporter.lock"


# The workers of a run that was killed notice within moments; until then the lock is theirs.
PATIENCE_SECONDS = 3.0


@contextmanager
def locked(out: Path, shard: tuple[int, int] | None = None) -> Iterator[tuple[int, ...]]:
    """Hold an output folder.

    Args:
        out: an existing folder.
        shard: (number from 1, of how many) to exclude the same shard and whole runs only.

    Yields:
        File descriptors for child processes to inherit, so that the lock lives as long as they do.

    Raises:
        OutputError: another run holds it; or no lock file can be made.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(_lock(out / LOCK_NAME, shared=shard is not None))]
        if shard is not None:
            own = out / f".slab-exporter-{shard[0]}-of-{shard[1]}.lock"
            files.append(stack.enter_context(_lock(own, shared=False)))
            _refuse_another_division(out, shard[1])
        yield tuple(file.fileno() for file in files)


def _refuse_another_division(out: Path, count: int) -> None:
    """Shards of several numbers would work on the same cases."""
    for path in out.glob(".slab-exporter-*-of-*.lock"):
        if path.name.endswith(f"-of-{count}.lock"):
            continue
        with open_to_lock(path) as file:
            if not try_lock(file, shared=False):
                other = path.stem.removeprefix(".slab-exporter-").replace("-of-", "/")
                raise OutputError(
                    f"Another run works in {out} on shard {other}; wait for it, or divide by the same number, not by "
                    f"{count}."
                )


@contextmanager
def _lock(path: Path, shared: bool) -> Iterator[IO[str]]:
    file = _acquire(path, shared)
    try:
        if not shared:
            file.seek(0)
            file.truncate()
            json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}, file)
            file.flush()
        yield file
    finally:
        if sys.platform == "win32":
            file.close()  # Windows removes no open file
        if not shared:
            with contextlib.suppress(OSError):
                path.unlink()
        file.close()


def _acquire(path: Path, shared: bool) -> IO[str]:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            file = open_to_lock(path)
        except OSError as error:
            where = f"The lock file {path}" if path.is_symlink() else f"The output folder {path.parent}"
            raise OutputError(f"{where} cannot be written: {error.strerror or error}.") from error
        if not try_lock(file, shared):
            file.close()
            if time.monotonic() > until:
                raise OutputError(_in_use(path))
            time.sleep(0.1)
            continue
        with contextlib.suppress(OSError):
            # Whoever held it may have removed the file between our opening and locking it.
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def _in_use(path: Path) -> Sentence:
    whose = ""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        owner = json.loads(path.read_text(encoding="utf-8"))
        whose = f" (process {owner['pid']} on {owner['host']}, since {owner['since']})"
    return Sentence(
        f"Another run{whose} is working in the output folder {path.parent}; wait for it, or choose another folder. "
        "Shards of one run (",
        Option("shard"),
        ") may share it.",
    )
