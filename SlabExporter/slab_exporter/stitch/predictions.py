"""Find the file of each slab: an export's own files, or predictions that are named like them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..core.errors import InputError
from ..core.manifest import Manifest
from ..core.naming import DATA_ONLY_EXTENSIONS, PieceKind, slab_stem_pattern, volume_extension, volume_stem
from ..core.text import counted
from ..files.disk import written_part
from .other_files import is_array_file

_SHOWN = 5


def own_files(manifest: Manifest, folder: Path, label_set: str | None) -> list[Path]:
    """Return the images of an export, or the files of one of its label sets, in slab order.

    Raises:
        InputError: there is no such set, or files are missing.
    """
    if label_set is not None and not all(label_set in slab.labels for slab in manifest.slabs):
        sets = ", ".join(manifest.label_sources) or "none"
        raise InputError(f"{folder} holds no label set called '{label_set}' (it holds: {sets}).")
    named = [slab.image if label_set is None else slab.labels[label_set] for slab in manifest.slabs]
    paths = [written_part(folder, relative) for relative in named]
    missing = [path for path in paths if not path.exists()]
    if missing:
        kind = manifest.plan.kind
        raise InputError(
            f"{len(missing)} of {counted(len(paths), kind)} are missing from {folder}: {_listed(missing)}."
        )
    return paths


class Predictions:
    """Volume files below a folder, found once for all cases.

    A prediction has the name of its slab, ``<case>_slab-000`` or ``<case>_block-0000``, with any volume
    extension, or that name with a suffix such as ``_seg`` or ``_trans``, as MONAI's SaveImage adds one. Arrays of
    numpy (.npz of nnU-Net, .npy) count where there are no volume files, or a pattern such as ``DIR/*.npz`` says so.

    Raises:
        InputError: the folder is missing or holds no volume files.
    """

    def __init__(self, folder: Path) -> None:
        pattern = folder.name if "*" in folder.name and not folder.exists() else "*"
        folder = folder if pattern == "*" else folder.parent
        if not folder.is_dir():
            raise InputError(f"The folder of predictions {folder} does not exist.")
        self._folder = folder
        files = [path for path in sorted(folder.rglob(pattern)) if path.is_file()]
        volumes = [path for path in files if volume_extension(path) not in (None, *DATA_ONLY_EXTENSIONS)]
        self._files = volumes or list(filter(is_array_file, files))
        if not self._files:
            raise InputError(f"The folder of predictions {folder} holds no volume files (.nii.gz, .nrrd and so on).")

    @property
    def folder(self) -> Path:
        """In which they lie."""
        return self._folder

    def of(self, manifest: Manifest) -> list[Path]:
        """Return one prediction per slab, in slab order.

        Raises:
            InputError: predictions are missing, there are several for a slab, or some for slabs
                that the manifest does not know.
        """
        names, kind = [slab_stem(slab.image) for slab in manifest.slabs], manifest.plan.kind
        found: dict[str, list[Path]] = {name: [] for name in names}
        extra: list[Path] = []
        for path in self._files:
            name = _slab_part(path, manifest.case)
            if name is not None:
                found.get(name, extra).append(path)
        if extra:
            raise InputError(
                f"{len(extra)} predictions belong to no {kind} of {manifest.case}, which has {len(names)}: "
                f"{_listed(extra)}. Were they made from another export?"
            )
        missing = [name for name, paths in found.items() if not paths]
        if missing:
            raise InputError(
                f"{self._folder} lacks the predictions of {len(missing)} of {counted(len(names), kind)}: "
                f"{_listed(missing)} (a prediction has the name of its {kind})."
            )
        found = _one_family(found)
        for name, paths in found.items():
            if len(paths) > 1:
                raise InputError(
                    f"{self._folder} holds {len(paths)} predictions of {name}: "
                    f"{', '.join(str(p.relative_to(self._folder)) for p in paths[:_SHOWN])}. Keep one of them."
                )
        self._require_alike(found, kind)
        return [found[name][0] for name in names]

    def _require_alike(self, found: dict[str, list[Path]], kind: PieceKind) -> None:
        """Refuse exact names among names with a suffix: some are leftovers of another run."""
        exact = [paths[0] for name, paths in found.items() if _suffix(paths[0], name) == ""]
        others = [paths[0] for name, paths in found.items() if _suffix(paths[0], name) != ""]
        if exact and others:
            raise InputError(
                f"{self._folder} holds predictions of two kinds: {_listed(exact)}, which are named exactly like their "
                f"{kind}s, and {_listed(others)}. Keep one kind, for every {kind}."
            )


def slab_stem(relative: str) -> str:
    """Return the name of a slab without folder and extension."""
    return volume_stem(Path(relative)) if volume_extension(Path(relative)) else Path(relative).name


def _slab_part(path: Path, case: str) -> str | None:
    match = re.match(slab_stem_pattern(case) + r"(?=$|[_.-])", volume_stem(path))
    return match.group() if match else None


def _suffix(path: Path, name: str) -> str:
    """Return what a prediction's name adds to its slab's: "", "_seg" and so on."""
    return volume_stem(path)[len(name) :]


def _one_family(found: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """Return, of the files of each slab, those with the one suffix that every slab has; no suffix is best.

    All files where there is no such suffix, or several.
    """
    suffixes = [{_suffix(path, name) for path in paths} for name, paths in found.items()]
    complete = set.intersection(*suffixes) if suffixes else set()
    if "" in complete:
        complete = {""}
    if len(complete) != 1:
        return found
    return {name: [p for p in paths if _suffix(p, name) in complete] for name, paths in found.items()}


def _listed(items: Iterable[Path | str]) -> str:
    names = [item.name if isinstance(item, Path) else item for item in items]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
