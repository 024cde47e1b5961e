"""Where a stitched volume goes: a file of its own, never one that it is made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core.errors import OutputError
from ..core.manifest import Manifest, read_manifest
from ..files.encodings.table import WRITABLE


def require_apart(output: Path, manifest: Manifest, folder: Path) -> None:
    """Refuse to replace a source or a slab of a case by what is made from them.

    Raises:
        OutputError: saying so.
    """
    named = [relative for slab in manifest.slabs for relative in slab.files]
    named += [source.path for source in manifest.sources if source.path is not None]
    require_apart_from(output, [folder / relative for relative in named if "\0" not in relative])


def require_apart_from(output: Path, kept: Sequence[Path]) -> None:
    """Refuse to replace one of the files that a volume is made from.

    Raises:
        OutputError: saying so.
    """
    if output.exists() and output.resolve() in {path.resolve() for path in kept}:
        raise OutputError(f"{output} is what the volume is made from, and stays as it is; choose another name.")


def default_output(manifest_path: Path, folder: Path) -> Path:
    """Return the path for a case of a whole export: ``<case>`` in ``folder``, in its slabs' format if that is a file.

    Raises:
        InputError: the manifest cannot be read.
    """
    manifest = read_manifest(manifest_path)
    extension = f".{manifest.plan.format}"
    return folder / f"{manifest.case}{extension if extension in WRITABLE else WRITABLE[0]}"
