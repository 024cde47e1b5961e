"""The folder of a case: made aside, and put in the place of an earlier one when it is whole.

In the output folder lie, beside the cases' folders::

    .partial/new/<case>/    a case that is being made; nobody else's files
    .partial/old/<case>/    an earlier case that has just been replaced and is being removed

Files that no manifest names (notes, predictions) are the user's: they move along to the new folder.
Nothing is followed through a symbolic link.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..core.errors import Cancelled, DiskFullError, OutputError, SlabExporterError
from ..core.manifest import FILE_NAME, read_manifest
from ..core.naming import SCRATCH
from ..files.atomic import swap
from ..files.disk import file_sha256, link_or_copy, refuses_writing
from ..report.pictures import preview_paths


@contextlib.contextmanager
def new_case_folder(folder: Path, subfolders: list[str], leave_aside: bool = False) -> Iterator[Path]:
    """Make a case's folder aside; at the end of the block it takes the place of ``folder``.

    Args:
        folder: where the case will stand; what stands there now stays until then, and for good if the block fails.
        subfolders: to make in it.
        leave_aside: leave it to the caller to ``put_in_place`` the whole case.

    Yields:
        The folder to fill; in it ``SCRATCH`` is a folder for unfinished files.

    Raises:
        OutputError: the folder cannot be made or exchanged.
        DiskFullError: the disk takes no more data.
    """
    new = _aside(folder, "new")
    try:
        _require_folder(folder)
        clear_leftovers(folder)
        for path in (*(new / name for name in subfolders), new / SCRATCH):
            path.mkdir(parents=True)
    except OSError as error:
        kind = DiskFullError if refuses_writing(folder.parent) else OutputError
        raise kind(f"The folder {folder} cannot be written: {error.strerror or error}.") from error
    try:
        yield new
        shutil.rmtree(new / SCRATCH)
        if leave_aside:
            _take_along(folder, new)  # now, so that a file of the user in the way is this case's failure
        else:
            put_in_place(folder)
            remove_replaced(folder)
    except BaseException as error:
        # Before anything is removed: whatever the error says, a full disk is the reason for it.
        full = not isinstance(error, Cancelled | KeyboardInterrupt) and refuses_writing(new)
        with contextlib.suppress(OSError):
            clear_leftovers(folder)
        if full:
            raise DiskFullError(f"The disk of {folder} takes no more data: it is full or read-only.") from error
        if isinstance(error, OSError):
            raise OutputError(f"The folder {folder} cannot be written: {error.strerror or error}.") from error
        raise


def clear_leftovers(folder: Path) -> None:
    """Remove what an interrupted run left of a case, and finish an exchange that it had begun.

    Args:
        folder: of the case; it stays as it is, or comes back.

    Raises:
        OSError: something could not be removed.
    """
    old = _aside(folder, "old")
    if _is_folder(old):
        if not os.path.lexists(folder):  # interrupted between two renames
            os.rename(old, folder)
        else:
            _discard(old, folder)
    new = _aside(folder, "new")
    if os.path.lexists(new):
        shutil.rmtree(new) if _is_folder(new) else new.unlink()


def cases_left_aside(out: Path) -> list[Path]:
    """Return the folders of the cases of which an interrupted run left something in an output folder."""
    names: set[str] = set()
    for part in ("new", "old"):
        parent = out / SCRATCH / part
        if _is_folder(out / SCRATCH) and _is_folder(parent):
            names |= {path.name for path in parent.iterdir()}
    return [out / name for name in sorted(names)]


def remove_empty_folders_aside(out: Path) -> None:
    """Remove the folders in which cases were made aside; at the end of a run that is alone in ``out``."""
    for path in (out / SCRATCH / "new", out / SCRATCH / "old", out / SCRATCH):
        with contextlib.suppress(OSError):
            path.rmdir()


def case_aside(folder: Path) -> Path:
    """Return the folder in which the case of ``folder`` is made."""
    return _aside(folder, "new")


def is_whole_aside(folder: Path) -> bool:
    """Whether a case lies whole beside ``folder`` and has not taken its place."""
    new = case_aside(folder)
    return _is_folder(new) and (new / FILE_NAME).is_file() and not (new / SCRATCH).exists()


def _aside(folder: Path, part: str) -> Path:
    return folder.parent / SCRATCH / part / folder.name


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _require_folder(folder: Path) -> None:
    """Refuse links, which would lead what is written or removed out of the output folder."""
    scratch = folder.parent / SCRATCH
    for path in (folder, scratch, scratch / "new", scratch / "old"):
        if os.path.lexists(path) and not _is_folder(path):
            what = "a symbolic link" if path.is_symlink() else "a file"
            raise OutputError(
                f"{path} is {what} where a folder of the export belongs; remove it or choose another OUT."
            )


def put_in_place(folder: Path) -> None:
    """Exchange a case that was made aside for the one that stands in ``folder``, which then lies aside.

    Raises:
        OutputError: a file of the user would be replaced.
        OSError: it cannot be done; the earlier case stays.
    """
    new = case_aside(folder)
    if not os.path.lexists(folder):
        os.rename(new, folder)
        return
    _take_along(folder, new)
    old = _aside(folder, "old")
    old.parent.mkdir(exist_ok=True)
    # From here on the name says what will lie there after the exchange.
    if _swapped(new, old, folder):
        return
    os.rename(folder, old)
    try:
        os.rename(new, folder)
    except OSError:
        os.rename(old, folder)
        raise


def remove_replaced(folder: Path) -> None:
    """Remove the case that ``put_in_place`` has replaced; what cannot be removed now is left to the next run."""
    with contextlib.suppress(OSError):
        clear_leftovers(folder)


def _swapped(new: Path, old: Path, folder: Path) -> bool:
    os.rename(new, old)
    done = False
    try:
        done = swap(old, folder)
    finally:
        if not done:
            os.rename(old, new)
    return done


def _take_along(folder: Path, new: Path) -> None:
    """Let the user's own files lie in the new folder too, before it takes the old one's place.

    May be called again: what lies there already stays.

    Raises:
        OutputError: the new case has another file of that name, or it cannot be linked or copied.
    """
    for path in users_files(folder) if os.path.lexists(folder) else ():
        target = new / path.relative_to(folder)
        if os.path.lexists(target):
            if _is_same(path, target) or _same_content(path, target):
                continue
            raise OutputError(f"{path} is not of a finished export and would be replaced; move it away.")
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            target.symlink_to(os.readlink(path))
        elif path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            link_or_copy(path, target)


def _is_same(path: Path, target: Path) -> bool:
    """Whether a file, a link or an empty folder has been taken along already."""
    if path.is_symlink() or target.is_symlink():
        return path.is_symlink() and target.is_symlink() and os.readlink(path) == os.readlink(target)
    return os.path.samefile(path, target) or (path.is_dir() and target.is_dir())


def _same_content(path: Path, target: Path) -> bool:
    """Whether two plain files are equal, as a slab is that an interrupted machine kept without its manifest."""
    plain = all(p.is_file() and not p.is_symlink() for p in (path, target))
    return plain and file_sha256(path) == file_sha256(target)


def users_files(folder: Path) -> list[Path]:
    """Return what lies in a case's folder and is not of the case: files, links, and folders without files.

    What is of the case: its manifest, what that names, and its pictures. Of a folder of DICOM images, the images.
    """
    files, image_folders = _own(folder)
    found = []
    for here, folders, names in os.walk(folder):
        place = Path(here)
        links = [name for name in folders if (place / name).is_symlink()]
        images = place in image_folders
        for name in (*names, *links):
            path = place / name
            if path not in files and not (images and path.suffix == ".dcm" and not path.is_symlink()):
                found.append(path)
        if not folders and not names and place not in image_folders and place != folder:
            found.append(place)
    return found


def _own(folder: Path) -> tuple[set[Path], set[Path]]:
    """Files of the case, and folders of its DICOM images."""
    try:
        manifest = read_manifest(folder / FILE_NAME)
    except SlabExporterError:
        return set(), set()
    named = {folder / name for slab in manifest.slabs for name in slab.files}
    folders = {path for path in named if _is_folder(path)}
    tables = {folder / path for _, path in (() if manifest.frames is None else manifest.frames.gradients)}
    return (named - folders) | tables | {folder / FILE_NAME, *preview_paths(folder).values()}, folders


def _discard(old: Path, folder: Path) -> None:
    """Remove a case that has been replaced; what the user has put there since moves to the new one."""
    for path in users_files(old):
        target = folder / path.relative_to(old)
        if not os.path.lexists(target) and not path.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.rename(path, target)
    shutil.rmtree(old)
