"""The output folder before and after a run: refuse, prepare, tidy up."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..cases import Case
from ..pipeline import SCRATCH
from ..pure.errors import OutputError, writing
from ..pure.manifest import FILE_NAME

SLABS_TABLE = "slabs.csv"
ERRORS_TABLE = "errors.csv"
DATA_LIST = "dataset.json"
REPORT = "report.html"
SUMMARY_FILES = (SLABS_TABLE, ERRORS_TABLE, DATA_LIST, REPORT)


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


def refuse_other_content(out: Path, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that is in use; tables without a case, and what killed runs leave, do not count.

    Raises:
        OutputError: there is something in it, and neither resume nor overwrite was asked for.
    """
    content = [path.name for path in out.iterdir() if not path.name.startswith(".")]
    if not (resume or overwrite) and not set(content) <= set(SUMMARY_FILES):
        raise OutputError(
            f"The output folder {out} is not empty. Choose another one, or add --resume to go on with an "
            "earlier export, or --overwrite to replace it."
        )


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
    """Write a text file that appears complete or not at all.

    Raises:
        OutputError: it could not be written.
    """
    temporary = path.with_name(f"{SCRATCH}-{path.name}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OutputError(f"{path} could not be written: {error.strerror or error}.") from error
