"""Tables of diffusion (.bval, .bvec) beside a source, made to fit the frames and axes that are cut."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import InputError, SlabExporterError, reading, writing
from ..core.naming import volume_stem
from ..core.several.frames import FramesRecord
from ..core.several.gradients import read_table, table_text, turned
from ..core.volume import SourceVolume
from ..files.disk import file_sha256, written_part

_ROWS = {"bval": 1, "bvec": 3}


@dataclass(frozen=True)
class Gradients:
    """Tables that belong to the frames of a case.

    Attributes:
        texts: content by extension, "bval" and "bvec"; none where there are no such files.
        said: sentences for the user.
    """

    texts: dict[str, str]
    said: tuple[str, ...] = ()


def gradients_of(source: SourceVolume, ready: SourceVolume) -> Gradients:
    """Return the tables beside a source, for the frames that are cut, along the axes of what is cut.

    Args:
        source: several frames, as they were read.
        ready: as they are cut, perhaps oriented or resampled.
    """
    stack = source.frames
    if stack is None or source.path is None or source.dicom is not None:
        return Gradients({})
    path = Path(source.path)
    files = {end: path.with_name(f"{volume_stem(path)}.{end}") for end in _ROWS}
    files = {end: file for end, file in files.items() if file.is_file()}
    try:
        return Gradients(*_read(files, source, ready))
    except SlabExporterError as error:
        return Gradients({}, (f"The tables of diffusion are not copied: {error.sentence}",))


def _read(files: dict[str, Path], source: SourceVolume, ready: SourceVolume) -> tuple[dict[str, str], tuple[str, ...]]:
    stack = source.frames
    assert stack is not None
    texts: dict[str, str] = {}
    said: tuple[str, ...] = ()
    for end, file in files.items():
        with reading(file):
            text = file.read_text(encoding="utf-8", errors="strict") if file.stat().st_size < _LARGEST else ""
        table = read_table(text, file.name, _ROWS[end], stack.of)[:, list(stack.numbers)]
        if end == "bvec":
            directions = turned(table, source.geometry, ready.geometry)
            moved = not (directions == table).all()
            how = "rotated with its axes" if moved else "as in the source, whose axes are kept"
            said = (
                f"The directions in {file.name} are along the image's own axes (FSL's convention): they are written "
                f"beside the pieces {how}.",
            )
            table = directions
        texts[end] = table_text(table)
    return texts, said


_LARGEST = 1 << 24


def write_gradients(
    record: FramesRecord | None, gradients: Gradients, folder: Path, inner: str, case: str
) -> FramesRecord | None:
    """Write the tables of a case; return the record of its frames with paths, relative to its folder, and check sums.

    Raises:
        OutputError: they could not be written.
    """
    if record is None:
        return None
    paths, sums = {}, {}
    for end, text in gradients.texts.items():
        relative = f"{inner}/{case}.{end}"
        with writing(folder / relative):
            (folder / relative).write_text(text, encoding="ascii")
        paths[end], sums[end] = relative, file_sha256(folder / relative)
    return replace(record, gradients=tuple(paths.items()), gradients_sha256=tuple(sums.items()))


def require_unchanged_tables(record: FramesRecord | None, folder: Path) -> None:
    """Refuse tables of a finished case that are missing, or are not as they were written.

    Args:
        record: of the manifest.
        folder: in which it lies.

    Raises:
        InputError: with the first of them.
    """
    for relative, checksum in () if record is None else record.tables:
        path = written_part(folder, relative)
        if not path.is_file():
            raise InputError(f"{relative} is missing.")
        if checksum is not None and file_sha256(path) != checksum:
            raise InputError(f"{relative} has been changed since it was written (check sum).")
