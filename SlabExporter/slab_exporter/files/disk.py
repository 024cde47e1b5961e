"""Files and folders on disk: there or not, taking what is written, walked, summed, replaced, and read only if plain."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from io import BytesIO
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ..core.errors import InputError, OutputError, reading
from ..core.manifest import FILE_NAME, SCHEMA
from ..core.naming import SCRATCH
from ..interrupts import end_if_abandoned
from .gzip_codec import CHUNK, LARGE_CHUNK
from .network.addresses import address_of, where_a_file_is_needed

_PROBE_BYTES = 1 << 20
_LOOKED_AT = 10_000


def refuses_writing(folder: Path) -> bool:
    """Try to write a megabyte: a full disk, a quota and a disk that has become read-only all show."""
    probe = folder / f"{SCRATCH}-probe-{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except (FileNotFoundError, NotADirectoryError):
        return False  # the folder has been removed, which says nothing about the disk
    except OSError:
        return True
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return False


def begins_with(path: Path, mark: str) -> bool:
    """Whether a text stands near the beginning of a file."""
    with reading(path), open_plain(path) as file:
        return mark.encode() in file.read(4096)


def write_file(path: Path, text: str) -> None:
    """Write a text file that appears complete or not at all; bytes of names that are no text as ``\\udc..``.

    Raises:
        OutputError: it could not be written.
    """
    replace_files({path: text}, lambda: None)


def replace_files(texts: Mapping[Path, str | None], between: Callable[[], None]) -> None:
    """Write files under other names, do what belongs together with them, and give them their names.

    Args:
        texts: content of each file; None removes it. Bytes of names that are no text become ``\\udc..``.
        between: is called when all are written; if it fails, all files stay as they were.

    Raises:
        OutputError: one could not be written, with its path.
    """
    staged: dict[Path, Path] = {}
    path = next(iter(texts))
    try:
        for path, text in texts.items():
            if text is not None:
                staged[path] = path.with_name(f"{SCRATCH}-{path.name}")
                staged[path].unlink(missing_ok=True)  # what lies there may be a link
                with staged[path].open("x", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
                    file.write(text)
        between()
        for path, text in texts.items():
            if text is None:
                path.unlink(missing_ok=True)
            else:
                os.replace(staged.pop(path), path)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror or error}.") from error
    finally:
        for temporary in staged.values():
            with contextlib.suppress(OSError):
                temporary.unlink()


def files_below(folder: Path, skip: Path | None = None) -> Iterator[Path]:
    """Files in a folder and all folders below, in order of name, each folder once.

    Hidden files and folders, ``skip``, and cases of earlier exports, finished or not, are passed over.

    Raises:
        InputError: a folder cannot be read.
    """
    skipped = None if skip is None else skip.resolve()
    seen: set[Path] = set()
    for here, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        place = Path(here)
        resolved = place.resolve()
        if (
            resolved in seen
            or resolved == skipped
            or SCRATCH in folders
            or (FILE_NAME in names and is_exported_case(place))
        ):
            folders.clear()
            continue
        seen.add(resolved)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (place / name for name in sorted(names) if not name.startswith("."))


def _refuse(error: OSError) -> None:
    with reading(f"The folder {error.filename}"):
        raise error


def is_exported_case(folder: Path) -> bool:
    """Whether a folder holds our manifest, of whichever version, or files that are being written."""
    if (folder / SCRATCH).is_dir():
        return True
    with contextlib.suppress(OSError), open_plain(folder / FILE_NAME) as file:
        return f'"schema": "{SCHEMA.partition("/")[0]}/'.encode() in file.read(4096)
    return False


def link_or_copy(path: Path, target: Path) -> None:
    """Let a plain file have a second name, or copy it where the file system has no links.

    Raises:
        OutputError: it is no plain file.
        OSError: neither is possible.
    """
    try:
        os.link(path, target, follow_symlinks=False)
    except (OSError, NotImplementedError):  # file systems without links
        if not path.is_file():
            raise OutputError(f"{path} is neither a file nor a folder; move it away.") from None
        shutil.copy2(path, target)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    for piece in iter_file(path):
        digest.update(piece)
    return digest.hexdigest()


def written_part(folder: Path, relative: str) -> Path:
    """Return the path of what an export wrote in a case's folder, if it can be read without leaving the folder.

    Args:
        folder: of the case.
        relative: the path that its manifest names, with "/".

    Raises:
        InputError: a link leads elsewhere, or there is something else than a plain file or a folder of them.
    """
    path = folder
    for part in PurePosixPath(relative).parts:
        path = path / part
        if path.is_symlink():
            raise InputError(f"{path} is a symbolic link; what an export wrote is not read through one.")
    inner = list(path.iterdir()) if path.is_dir() else [path] if path.exists() else []
    for file in inner:
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            raise InputError(f"{file} is not a plain file, as an export writes them.")
    return path


def open_plain(path: Path) -> IO[bytes]:
    """Open a file for reading; a pipe or a device, which may never end, is refused.

    Raises:
        OSError: it cannot be opened, or is not a plain file.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a plain file", str(path))
    return os.fdopen(descriptor, "rb")


def read_whole(path: Path) -> bytes:
    """Return a file's bytes; a large file is read in pieces, between which the reading can be interrupted.

    Raises:
        OSError: it cannot be read, or is not a plain file.
    """
    with open_plain(path) as file:
        if os.fstat(file.fileno()).st_size <= LARGE_CHUNK:
            return file.read()
        content = BytesIO()
        for piece in iter_open_file(file, 0, None, LARGE_CHUNK):
            content.write(piece)
        return content.getvalue()  # not copied


def iter_file(path: Path, start: int = 0, size: int = CHUNK) -> Generator[bytes]:
    """The bytes of a file from an offset on, in pieces of a size; to be closed where it may not be used up."""
    with open_plain(path) as file:
        yield from iter_open_file(file, start, None, size)


def iter_open_file(file: IO[bytes], start: int, stop: int | None, size: int) -> Generator[bytes]:
    """The bytes of an open file from one offset to another, or to its end, in pieces of a size.

    Raises:
        Cancelled: it is read on a thread that was abandoned (``Beside``).
    """
    file.seek(start)
    while piece := file.read(size if stop is None else min(size, stop - file.tell())):
        end_if_abandoned()
        yield piece


def summed(pieces: Iterable[bytes], digest: Any) -> Generator[bytes]:
    """Yield pieces, each of them added to a check sum of ``hashlib``."""
    for piece in pieces:
        digest.update(piece)
        yield piece


def as_stored_there(path: Path) -> Path:
    """Return a path in the normal form of Unicode in which it exists: macOS and zip files store accents apart.

    Where it exists in none, it stays as it is.
    """
    forms = (path, *(Path(unicodedata.normalize(form, str(path))) for form in ("NFC", "NFD")))
    return next((one for one in forms if os.path.lexists(one)), path)


def require_there(path: Path, what: str = "") -> None:
    """Refuse a path that names nothing, and say what may be meant.

    Args:
        path: as it was given.
        what: words in front of it, such as "The label path ".

    Raises:
        InputError: there is no file, folder or link of that name.
        OSError: it cannot be found out.
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(missing(path, what)) from None


def missing(path: Path, what: str = "") -> str:
    """Return the sentence about a path that does not exist.

    >>> missing(Path("s3://scans/ct.nii.gz"))
    's3://scans/ct.nii.gz is an address; here a file or folder of this machine is needed.'
    """
    address = address_of(path)
    if address is not None:
        return f"{what}{where_a_file_is_needed(address)}"
    import difflib  # only where something is wrong

    near = difflib.get_close_matches(path.name, _beside(path), n=1, cutoff=0.75)
    return f"{what}{path} does not exist" + (f"; is {path.with_name(near[0])} meant?" if near else ".")


def _beside(path: Path) -> list[str]:
    try:
        with os.scandir(path.parent) as entries:
            return [entry.name for entry in islice(entries, _LOOKED_AT) if not entry.name.startswith(".")]
    except OSError:
        return []
