"""Files that a stitched volume must not replace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core.errors import OutputError
from ..core.manifest import Manifest


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
