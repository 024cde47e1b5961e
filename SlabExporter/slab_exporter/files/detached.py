"""Headers that keep their voxels in other files: which, whether they may be read, and whether they are whole.

MetaImage (.mhd) and NRRD (.nhdr) name their files in the header: one, a list, or a pattern with
numbers (MetaIO's and Teem's documentation of ElementDataFile and of "data file"). Analyze and
NIfTI pairs (.hdr) have an .img beside them. A header is data from outside: it may name any file.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputError, reading
from ..core.naming import volume_extension
from ..core.text import Option, Sentence
from .disk import file_sha256
from .gzip_codec import DamagedGzipError, first_bytes, is_gzip

_HEADER_LIMIT = 1 << 20
_MOST_FILES = 100_000
_MOST_NAMED = 3

State = tuple[int, int, int, int]


def voxel_files(path: Path, allow_outside: bool = False) -> tuple[Path, ...]:
    """Return the files that hold the voxels of a header file; none where the voxels are in the file itself.

    Args:
        path: of the header.
        allow_outside: they may lie outside the header's folder.

    Raises:
        InputError: they lie outside the header's folder, are missing, or are no plain files.
    """
    names = _named(path)
    for name in names:
        if not allow_outside and _is_outside(path, name):
            raise InputError(
                f"{path} keeps its voxels in {name}, outside of its own folder, where a file that was downloaded "
                "has nothing to read. If that is right, put the voxels beside the header and name them so in it, or "
                "let export and inspect read them with ",
                Option.on("allow_outside_data"),
                ".",
            )
        data = path.parent / name
        if not data.is_file():
            state = "is not a plain file" if data.exists() else "does not lie beside it"
            raise InputError(f"{path} keeps its voxels in {name}, which {state}.")
    return tuple(path.parent / name for name in names)


def outside_files(path: Path) -> tuple[Path, ...]:
    """Return those files of a header's voxels that lie outside its folder, links followed.

    Raises:
        InputError: the header cannot be read.
    """
    return tuple((path.parent / name).resolve() for name in _named(path) if _is_outside(path, name))


def outside_said(path: Path, files: tuple[Path, ...]) -> Sentence:
    """Return the sentence that tells which files were read from outside a header's folder."""
    more = f" and {len(files) - _MOST_NAMED} more" if len(files) > _MOST_NAMED else ""
    named = ", ".join(map(str, files[:_MOST_NAMED]))
    return Sentence(
        f"{path} keeps its voxels outside of its own folder; accepted by ",
        Option.on("allow_outside_data"),
        f", and read from {named}{more}.",
    )


def _is_outside(path: Path, name: str) -> bool:
    return path.resolve().parent not in (path.parent / name).resolve().parents


def require_whole_files(path: Path, files: tuple[Path, ...], size: int) -> None:
    """Refuse fewer bytes than the header promises, which ITK would fill with whatever is in memory.

    Args:
        path: of the header.
        files: as ``voxel_files`` returns them, not compressed but for a pair's .img.gz.
        size: bytes of voxels that the header promises.

    Raises:
        InputError: with both numbers.
    """
    each = size // len(files)  # MetaIO reads as much from every file
    there = sum(min(_size_up_to(file, size), each if len(files) > 1 else size) for file in files)
    if there < size:
        raise InputError(
            f"{path} is damaged: its header promises {size} bytes of voxels, and its "
            f"{'file holds' if len(files) == 1 else f'{len(files)} files hold'} {there}."
        )


def source_sha256(path: Path, allow_outside: bool = False) -> str:
    """Return the SHA-256 of all files that the voxels come from: of the file, or over header and voxel files.

    Args:
        path: of the file or header.
        allow_outside: as for ``voxel_files``.

    Raises:
        InputError: the voxel files cannot be read.
        OSError: the file cannot be read.
    """
    files = voxel_files(path, allow_outside)
    if not files:
        return file_sha256(path)
    digest = hashlib.sha256()
    for file in (path, *files):
        digest.update(bytes.fromhex(file_sha256(file)))
    return digest.hexdigest()


@dataclass(frozen=True)
class FilesAsFound:
    """A file and the files of its voxels as they were before anything was read of them.

    Attributes:
        states: of each file: node, size, and when its content and its entry were changed.
    """

    states: tuple[tuple[Path, State], ...]

    @classmethod
    def of(cls, path: Path, allow_outside: bool = False) -> FilesAsFound:
        """Look at a file; ``allow_outside`` as for ``voxel_files``.

        Raises:
            InputError: a file is missing or may not be read.
        """
        header = (path, _state(path))  # before it is read for the names of the others
        return cls((header, *((file, _state(file)) for file in voxel_files(path, allow_outside))))

    def require_unchanged(self) -> None:
        """Refuse what was read if a file is another one now.

        Raises:
            InputError: naming it.
        """
        for file, state in self.states:
            if _state(file) != state:
                raise InputError(f"{file} was changed while it was being read; run again when it is whole.")


def _state(file: Path) -> State:
    with reading(file):
        stat = file.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _named(path: Path) -> list[str]:
    extension = volume_extension(path)
    if extension in (".hdr", ".img", ".img.gz"):
        return _pair(path, extension)
    if extension not in (".mhd", ".mha", ".nhdr", ".nrrd"):
        return []
    with reading(path), path.open("rb") as file:
        head = file.read(_HEADER_LIMIT)
    return _of_metaimage(path, head) if extension in (".mhd", ".mha") else _of_nrrd(path, head)


def _pair(path: Path, extension: str) -> list[str]:
    """The other file of an Analyze or NIfTI pair."""
    stem = path.name[: -len(extension)]
    others = [f"{stem}.hdr"] if extension != ".hdr" else [f"{stem}.img", f"{stem}.img.gz"]
    return [name for name in others if (path.parent / name).exists()][:1] or others[:1]


def _of_metaimage(path: Path, head: bytes) -> list[str]:
    found = re.search(rb"(?mi)^[ \t]*ElementDataFile[ \t]*=[ \t]*([^\r\n]*)\r?\n?", head)
    if found is None:
        return []
    value = found[1].decode("utf-8", "surrogateescape").strip()
    if value.upper() == "LOCAL":
        return []
    if value.upper().split()[:1] == ["LIST"]:
        return _lines(head[found.end() :])
    return _numbered(path, value)


def _of_nrrd(path: Path, head: bytes) -> list[str]:
    text = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    found = re.search(rb"(?mi)^data ?file:[ \t]*([^\r\n]*)\r?\n?", text)
    if found is None:
        return []
    value = found[1].decode("utf-8", "surrogateescape").strip()
    if value.upper().split()[:1] == ["LIST"]:
        return _lines(head[found.end() :])
    return _numbered(path, value)


def _lines(rest: bytes) -> list[str]:
    lines = rest.decode("utf-8", "surrogateescape").splitlines()
    return [line.strip() for line in lines if line.strip()][:_MOST_FILES]


def _numbered(path: Path, value: str) -> list[str]:
    """One name, or those of a pattern: ``slice%03d.raw 1 60 1``."""
    found = re.fullmatch(r"(.*%0?\d*d.*?)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)(?:\s+\d+)?", value)
    if found is None:
        return [value]
    first, last, step = (int(number) for number in found.groups()[1:])
    if step == 0 or abs(last - first) // abs(step) >= _MOST_FILES:
        raise InputError(f"{path} is damaged: its header names its voxels' files by '{value}'.")
    return [found[1] % number for number in range(first, last + (1 if step > 0 else -1), step)]


def _size_up_to(file: Path, most: int) -> int:
    """Bytes of voxels in a file, inflated if it is packed, and counted no further than needed."""
    with reading(file):
        with file.open("rb") as opened:
            if not is_gzip(opened.read(2)):
                return file.stat().st_size
        try:
            return len(first_bytes(file, most))
        except DamagedGzipError:
            return 0
