"""The files about a whole data set, kept in step with the cases that lie in the output folder."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..cases.case import Case
from ..core.errors import OutputError, SlabExporterError, writing
from ..core.manifest import FILE_NAME, Manifest, read_manifest
from ..core.naming import DATA_LIST, SUMMARY_FILES
from ..core.text import Option
from ..files.disk import replace_files
from ..pipeline.case_folder import case_aside, cases_left_aside, is_whole_aside, put_in_place, remove_replaced
from ..report.dataset import LISTS, PARTS, ListedManifest
from ..report.summary import summary_texts

# What a case has been dealt in a split: group, part, columns of the list of cases.
Dealt = tuple[str, str, dict[str, str]]
Errors = Sequence[tuple[str, str, str]]

# Bringing the files up to date may take one part in so many of the time of a run.
_SHARE = 5


class DataSetFiles:
    """dataset.json, slabs.csv, report.html and errors.csv of an output folder.

    They list every complete case of the folder: those of this run as it deals them, others as they
    were listed before. Where an earlier export has left them, cases and files change together: new
    cases wait aside, whole, until their turn, which comes as often as it costs little time.

    Attributes:
        out: the output folder.
        there: whether an earlier export has left such files.
    """

    def __init__(self, out: Path, dealt: dict[str, Dealt]) -> None:
        self.out = out
        self.there = any((out / name).exists() for name in SUMMARY_FILES)
        self._dealt = listed_before(out) | dealt
        self._read: dict[Path, tuple[tuple[int, int, int], Manifest]] = {}
        self._aside: list[Path] = []
        self._next = 0.0
        self._adopt()

    def _adopt(self) -> None:
        """Put cases in their places that a killed run had made whole."""
        self._aside = [folder for folder in cases_left_aside(self.out) if is_whole_aside(folder)]
        if self._aside and self.there:
            self.write(())
        adopted = list(self._aside)
        with writing(f"The output folder {self.out}"):
            self._put_in_place()
        for folder in adopted:
            remove_replaced(folder)

    def case_is_whole(self, folder: Path, errors: Errors) -> None:
        """Take note of a case that waits aside to take the place ``folder``.

        Raises:
            OutputError: cases could not be put in their places, or the files not be written.
        """
        self._aside.append(folder)
        if time.monotonic() >= self._next:
            began = time.monotonic()
            self.write(errors)
            ended = time.monotonic()
            self._next = ended + (_SHARE - 1) * (ended - began)

    def write(self, errors: Errors, problems: Sequence[str] = ()) -> None:
        """Put the waiting cases in their places, and write the files that name what is there then.

        Args:
            errors: (case, path, sentence) of each case that failed.
            problems: sentences about the run as a whole.

        Raises:
            OutputError: cases could not be put in their places, or the files not be written.
        """
        aside = {folder.name: case_aside(folder) for folder in self._aside}
        texts = summary_texts(self.out, self._listed(aside), errors, problems, aside)
        moved = list(self._aside)
        replace_files(texts, self._put_in_place)
        # Last, as it takes longest: meanwhile cases and files would not agree.
        for folder in moved:
            remove_replaced(folder)

    def listed(self) -> list[ListedManifest]:
        """Return the complete cases that stand in their places, as the files list them."""
        return self._listed({})

    def _put_in_place(self) -> None:
        while self._aside:
            put_in_place(self._aside[0])
            del self._aside[0]

    def _listed(self, aside: dict[str, Path]) -> list[ListedManifest]:
        paths = {path.parent.name: path for path in case_manifests(self.out)}
        paths |= {name: folder / FILE_NAME for name, folder in aside.items()}
        known = [self._manifest(paths[name], name) for name in sorted(paths)]
        return [
            ListedManifest(manifest, *self._dealt.get(manifest.case, (manifest.case, PARTS[0], {})))
            for manifest in known
            if manifest is not None
        ]

    def _manifest(self, path: Path, name: str) -> Manifest | None:
        """Return a case's manifest, read again only where the file is another one; None if it cannot be read."""
        try:
            stat = path.stat()
            state = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if self._read.get(path, (None,))[0] != state:
                self._read[path] = (state, read_manifest(path))
            manifest = self._read[path][1]
            return manifest if manifest.case == name else None
        except (OSError, SlabExporterError):
            return None


def case_manifests(out: Path) -> list[Path]:
    """Return the manifests in an output folder in order of the cases' names; nothing behind a link."""
    found = [path for path in out.glob(f"*/{FILE_NAME}") if not path.parent.name.startswith(".")]
    return sorted(p for p in found if not p.is_symlink() and not p.parent.is_symlink() and p.is_file())


def refuse_named_cases(out: Path) -> None:
    """Refuse to put deidentified cases beside others, which the files about the data set would name.

    Raises:
        OutputError: naming one.
    """
    aside = [case_aside(folder) / FILE_NAME for folder in cases_left_aside(out) if is_whole_aside(folder)]
    for path in (*case_manifests(out), *aside):
        with suppress(SlabExporterError):
            manifest = read_manifest(path)
            if not manifest.is_deidentified:
                break
    else:
        return
    raise OutputError(
        f"The output folder {out} holds the case {manifest.case} of an export without ",
        Option("deidentify"),
        ", which says whose it is; choose another folder.",
    )


def dealt_cases(cases: Sequence[Case], parts: Mapping[str, str]) -> dict[str, Dealt]:
    """Return group, part and columns of each case, by the case's name."""
    return {case.name: (case.group or case.name, parts[case.name], dict(case.columns)) for case in cases}


def listed_before(out: Path) -> dict[str, Dealt]:
    """Return what the folder's data list says of each case; nothing where there is none to read."""
    known = {}
    try:
        path = out / DATA_LIST
        if path.is_symlink() or not path.is_file():
            return {}
        document = json.loads(path.read_text(encoding="utf-8"))
        for part in LISTS:
            for entry in document.get(part, ()):
                slab = entry["slab"]
                columns = {str(key): str(value) for key, value in entry.get("columns", {}).items()}
                known[str(slab["case"])] = (str(slab["group"]), part, columns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return known


def holds_case(folder: Path) -> bool:
    """Whether a complete case stands in a folder."""
    return not folder.is_symlink() and os.path.isfile(folder / FILE_NAME)
