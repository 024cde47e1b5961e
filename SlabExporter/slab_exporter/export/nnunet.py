"""nnU-Net's folder beside the cases: the same files under its names, as hard links where the disk has them.

A manifest names the files of its case, in the folder in which it lies, and never one outside of it. So
the cases stay as they are, and ``stitch`` and resuming need to know nothing of nnU-Net; its folder is made
from the complete cases at the end of a run, and can be moved or removed at any time.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..cases.case import Case
from ..core.errors import InputError, OutputError, RequestError, SlabExporterError, reading, writing
from ..core.naming import DATA_LIST, SCRATCH
from ..core.options import DataSetOptions, ExportRequest
from ..core.progress import Progress, ProgressEvent
from ..core.text import Option
from ..files.disk import begins_with, file_sha256, link_or_copy, write_file, written_part
from ..files.itk.reader import read_itk_image
from ..pipeline.verification import CaseReport
from ..report.dataset import ListedManifest
from ..report.nnunet import MADE_BY, NnunetDataSet, is_renumbering, nnunet_data_set, to_text

SPLITS = "splits_final.json"
_FOLDERS = ("imagesTr", "labelsTr", "imagesTs", "labelsTs")


def require_layout(cases: Sequence[Case], request: ExportRequest, options: DataSetOptions) -> None:
    """Refuse what nnU-Net could not read, before anything is written.

    Raises:
        RequestError: with what to change.
    """
    if options.layout is None:
        return
    layout = Option.to("layout", options.layout)
    if request.format == "dicom":
        raise RequestError(layout, " needs volume files; choose ", Option.to("format", "nii.gz"), ".")
    if request.frames is not None:
        raise RequestError(layout, " needs 3D images, and ", Option.to("frames", request.frames), " makes 4D ones.")
    if not any(case.labels for case in cases):
        raise RequestError(layout, " needs label maps; add ", Option("labels"), ".")
    if any(case.name == options.folder for case in cases):
        raise RequestError(
            f"A case is called {options.folder}, as nnU-Net's folder would be; choose another ",
            Option("dataset_name"),
            ".",
        )


def laid_out(
    out: Path, listed: Callable[[], Sequence[ListedManifest]], options: DataSetOptions, progress: Progress
) -> list[str]:
    """Lay the files out as the options ask; return sentences on why that was not possible.

    Args:
        out: the output folder.
        listed: called for its cases.
        options: the layout.
        progress: called with warnings.
    """
    if options.layout is None:
        return []
    try:
        write_nnunet(out, listed(), options, lambda text: progress(ProgressEvent("warning", out.name, message=text)))
    except SlabExporterError as error:
        return [error.sentence]
    return []


def write_nnunet(
    out: Path, listed: Sequence[ListedManifest], options: DataSetOptions, tell: Callable[[str], object]
) -> None:
    """Make nnU-Net's folder of the complete cases, or bring it up to date.

    Args:
        out: the output folder.
        listed: its cases.
        options: number and name of the data set, seed of its folds.
        tell: called with sentences about what is not as in the cases.

    Raises:
        RequestError: nnU-Net could not use these cases.
        OutputError: the folder cannot be written, or holds something else.
    """
    folder = out / str(options.folder)
    _require_ours(folder)
    data_set = nnunet_data_set(listed)
    folds = data_set.folds(options.seed)
    for sentence in _notes(data_set, folder.name, bool(folds)):
        tell(sentence)
    made, wanted = _files_made(folder), data_set.files()
    with writing(f"The folder {folder}"):
        for name in (*_FOLDERS, SCRATCH):
            (folder / name).mkdir(parents=True, exist_ok=True)
    # until all is in place nnU-Net finds no data set here, and whoever goes on knows which files are ours
    known = sorted({*made, *wanted})
    write_file(folder / DATA_LIST, to_text({"description": f"{MADE_BY}, not finished", "files": known}))
    with writing(f"The folder {folder}"):
        (folder / SPLITS).unlink(missing_ok=True)
        for relative in made - set(wanted):
            written_part(folder, relative).unlink(missing_ok=True)
        _lay_out(out, folder, data_set)
        shutil.rmtree(folder / SCRATCH)
    if folds:
        write_file(folder / SPLITS, to_text(folds))
    write_file(folder / DATA_LIST, to_text(data_set.document(str(options.dataset_name))))


def is_nnunet_folder(folder: Path) -> bool:
    """Return whether a folder was made by ``write_nnunet``, or was being made."""
    document = folder / DATA_LIST
    if folder.is_symlink() or document.is_symlink() or not document.is_file():
        return False
    with suppress(SlabExporterError):
        return begins_with(document, MADE_BY)
    return False


def verify_nnunet(out: Path) -> Iterator[CaseReport]:
    """Compare each of nnU-Net's folders in an output folder with the cases that it was made from."""
    for folder in sorted(path.parent for path in out.glob(f"Dataset*/{DATA_LIST}")):
        if not is_nnunet_folder(folder):
            continue
        found: list[str | None] = []
        try:
            found += _differences(out, folder)
        except SlabExporterError as error:
            found.append(error.sentence)
        yield CaseReport(folder.name, len(found), tuple(text for text in found if text is not None))


def _notes(data_set: NnunetDataSet, folder: str, has_folds: bool) -> Iterator[str]:
    if data_set.left:
        others = ", ".join(f"'{name}'" for name in data_set.left)
        yield f"nnU-Net takes one label map a case: {folder} has '{data_set.label_set}', and not {others}."
    if is_renumbering(data_set.values):
        was = ", ".join(map(str, data_set.values))
        yield (
            f"nnU-Net needs consecutive labels: {was} are 1 to {len(data_set.values)} in {folder}; 'source_values' in "
            "its dataset.json leads back."
        )
    if not has_folds:
        yield (
            f"All pieces to train on are of one patient: {folder} has no {SPLITS}. Train with fold 'all', since "
            "nnU-Net's own split would divide that patient."
        )


def _require_ours(folder: Path) -> None:
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise OutputError(f"{folder} stands where nnU-Net's folder belongs; remove it.")
    for name in (*_FOLDERS, SCRATCH):
        if (folder / name).is_symlink():
            raise OutputError(f"{folder / name} is a symbolic link where a folder of the export belongs; remove it.")
    begun = {path.name for path in folder.iterdir() if not any(path.iterdir() if path.is_dir() else [path])}
    if {path.name for path in folder.iterdir()} - (begun & {*_FOLDERS, SCRATCH}) and not is_nnunet_folder(folder):
        raise OutputError(f"{folder} holds another data set; choose another number or name.")


def _files_made(folder: Path) -> set[str]:
    """Return the files that an earlier run has made in the folder; others are the user's."""
    with suppress(OSError, ValueError, RecursionError, TypeError, AttributeError):
        document = json.loads((folder / DATA_LIST).read_text(encoding="utf-8"))
        return set(map(str, document.get("files", ()))) | set(document.get("slab_exporter", {}).get("files", ()))
    return set()


def _lay_out(out: Path, folder: Path, data_set: NnunetDataSet) -> None:
    renumber = is_renumbering(data_set.values)
    for relative, (source, is_label) in data_set.files().items():
        path, target = written_part(out, source), folder / relative
        is_there = target.is_file() and not target.is_symlink() and os.path.samefile(path, target)
        if is_there and not (is_label and renumber):
            continue
        made = folder / SCRATCH / target.name
        made.unlink(missing_ok=True)
        if is_label and renumber:
            _write_renumbered(path, made, data_set.values)
        else:
            link_or_copy(path, made)
        os.replace(made, target)


def _write_renumbered(path: Path, made: Path, values: Mapping[int, int]) -> None:
    """Write a label map with consecutive values, and read it again."""
    import SimpleITK as sitk

    image = read_itk_image(path)
    renumbered = sitk.GetImageFromArray(_renumbered(sitk.GetArrayViewFromImage(image), values))
    renumbered.CopyInformation(image)
    sitk.WriteImage(renumbered, str(made), useCompression=True)
    if (difference := _difference_of_renumbered(path, made, values)) is not None:
        raise OutputError(f"{made.name} could not be written for nnU-Net: {difference}.")


def _renumbered(voxels: npt.NDArray, values: Mapping[int, int]) -> npt.NDArray:
    table = np.zeros(max(values, default=0) + 1, np.uint8 if len(values) < 256 else np.uint16)
    for value, number in values.items():
        table[value] = number
    return table[voxels]


def _difference_of_renumbered(path: Path, made: Path, values: Mapping[int, int]) -> str | None:
    import SimpleITK as sitk

    source, found = read_itk_image(path), read_itk_image(made)
    places = [(image.GetOrigin(), image.GetSpacing(), image.GetDirection()) for image in (source, found)]
    if not all(np.allclose(a, b, rtol=0, atol=1e-4) for a, b in zip(*places, strict=True)):
        return f"it does not lie where {path.name} does"
    voxels = sitk.GetArrayViewFromImage(source)
    known = int(voxels.max()) <= max(values, default=0)
    same = known and np.array_equal(_renumbered(voxels, values), sitk.GetArrayViewFromImage(found))
    return None if same else f"its voxels are not the renumbered ones of {path.name}"


def _differences(out: Path, folder: Path) -> Iterator[str | None]:
    """Yield for each file that dataset.json names how it differs from the case's; None where it does not."""
    values, files = _recorded(folder / DATA_LIST)
    for relative, source in files.items():
        try:
            path, original = written_part(folder, relative), written_part(out, source)
            if not path.is_file() or not original.is_file():
                raise InputError(f"{path if original.is_file() else original} is missing.")
            with reading(path):
                if relative.startswith("labels") and is_renumbering(values):
                    difference = _difference_of_renumbered(original, path, values)
                else:
                    same = os.path.samefile(path, original) or file_sha256(path) == file_sha256(original)
                    difference = None if same else f"it is another file than {source}"
            yield None if difference is None else f"{relative}: {difference}."
        except InputError as error:
            yield error.sentence


def _recorded(path: Path) -> tuple[dict[int, int], dict[str, str]]:
    """Return the consecutive number of each value, and of each of nnU-Net's files the one that it is made from."""
    try:
        with reading(path):
            record: Any = json.loads(path.read_text(encoding="utf-8"))["slab_exporter"]
        values = {int(value): int(number) for number, value in record["source_values"].items()}
        return values, {str(made): str(source) for made, source in record["files"].items()}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged: what it was made from is missing; export again to fix it.") from error
