"""The output folder before and after a run: refuse, prepare, tidy up."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..cases.find import Case
from ..core.errors import OutputError, reading, writing
from ..core.manifest import FILE_NAME
from ..core.naming import DATA_LIST, ERRORS_TABLE, REPORT, SCRATCH, SLABS_TABLE, SUMMARY_FILES, slab_name_pattern
from ..files.tree import is_exported_case

# What stands at the beginning of our own summary files.
_MARKS = {
    SLABS_TABLE: "case,slab,image,",
    ERRORS_TABLE: "case,image,error\n",
    DATA_LIST: "cut by SlabExporter",
    REPORT: "SlabExporter</title>",
}


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
    with writing(f"The output folder {out}"):
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f"{SCRATCH}-{os.getpid()}"
        probe.touch()
        probe.unlink()


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
        if path.name in SUMMARY_FILES and not begins_with(path, _MARKS[path.name]):
            raise OutputError(f"{path} is not of an export and would be replaced; choose another output folder.")
    cases = [path for path in content if path.name not in SUMMARY_FILES]
    if cases and not (resume or shard):
        raise OutputError(
            f"The output folder {out} is not empty. Choose another one, or add --resume to go on with an "
            "earlier export, or --overwrite to replace it."
        )
    foreign = [] if resume else [path.name for path in cases if not _is_case(path)]
    if foreign:
        raise OutputError(f"The output folder {out} holds {foreign[0]}, which is not of an export; choose another one.")


def begins_with(path: Path, mark: str) -> bool:
    """Whether a text stands near the beginning of a file."""
    with reading(path), path.open("rb") as file:
        return mark.encode() in file.read(4096)


def _is_case(folder: Path) -> bool:
    """Whether a folder is a case's: complete, in work, or left by a killed run."""
    if not folder.is_dir() or is_exported_case(folder):
        return folder.is_dir()
    pattern = slab_name_pattern(folder.name)
    with contextlib.suppress(FileNotFoundError):  # another shard is at work there
        parts = list(folder.iterdir())
        return all(part.is_dir() and all(pattern.fullmatch(path.name) for path in part.iterdir()) for part in parts)
    return True


def begin(out: Path) -> None:
    """Remove what would speak of the whole data set while it is being changed, and leftovers of killed runs.

    Raises:
        OutputError: they cannot be removed.
    """
    with writing(f"The output folder {out}"):
        for name in SUMMARY_FILES:
            (out / name).unlink(missing_ok=True)
        for path in out.glob(f"{SCRATCH}-*"):
            path.unlink()


def other_cases(out: Path, cases: list[Case]) -> list[str]:
    """Names of complete cases in the folder that are not among ``cases``."""
    ours = {case.name for case in cases}
    return sorted(path.parent.name for path in out.glob(f"*/{FILE_NAME}") if path.parent.name not in ours)


def write_file(path: Path, text: str) -> None:
    """Write a text file that appears complete or not at all; bytes of names that are no text as ``\\udc..``.

    Raises:
        OutputError: it could not be written.
    """
    temporary = path.with_name(f"{SCRATCH}-{path.name}")
    try:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OutputError(f"{path} could not be written: {error.strerror or error}.") from error
