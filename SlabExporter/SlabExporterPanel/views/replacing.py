"""What replacing an earlier export of a case would lose, in the names of its files; no Qt."""

from __future__ import annotations

from pathlib import Path

from slab_exporter.core.errors import SlabExporterError
from slab_exporter.core.manifest import FILE_NAME, Manifest, read_manifest
from slab_exporter.core.text import counted
from slab_exporter.files.network.addresses import is_address

_MOST_NAMED = 3


def earlier_export(folder: Path) -> str:
    """Return what lies in the folder of a case: "5 slabs with label maps 'labels'"; empty where nothing does.

    Args:
        folder: of the case; it need not exist.
    """
    try:
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    except OSError:
        return "something that cannot be read"
    if not names:
        return ""
    try:
        return _in_words(read_manifest(folder / FILE_NAME))
    except SlabExporterError:
        return f"an unfinished export ({_listed(names)})"


def question(folder: Path) -> str:
    """Return what to ask before an earlier export is replaced: where it lies, what it was cut from, what is lost.

    Args:
        folder: of the case.
    """
    text = f"Replace the earlier export in {folder}?\n\nLost are {earlier_export(folder)}"
    try:
        manifest = read_manifest(folder / FILE_NAME)
    except SlabExporterError:
        return f"{text}."
    source = manifest.source.path
    cut_from = f", cut from {source if is_address(source) else (folder / source).resolve()}" if source else ""
    names = [slab.image for slab in manifest.slabs]
    return f"{text}{cut_from}:\n{_listed(names)}.\n\nYour own files in the folder stay."


def _in_words(manifest: Manifest) -> str:
    labels = [f"'{name}'" for name in manifest.label_sources]
    with_labels = f" with label maps {', '.join(labels)}" if labels else ""
    return f"{counted(len(manifest.slabs), manifest.plan.kind)}{with_labels}"


def _listed(names: list[str]) -> str:
    if len(names) <= _MOST_NAMED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_NAMED])} … {names[-1]}"
