"""What replacing an earlier export of a case would lose, in the names of its files; no Qt."""

from __future__ import annotations

from pathlib import Path

from slab_exporter.core.errors import SlabExporterError
from slab_exporter.core.manifest import FILE_NAME, Manifest, read_manifest
from slab_exporter.core.text import counted
from slab_exporter.files.network.addresses import is_address

from ..translation import tr as _

_MOST_NAMED = 3


def earlier_export(folder: Path) -> str:
    """Return what lies in the folder of a case: "5 slabs with label maps 'labels'"; empty where nothing does.

    Args:
        folder: of the case; it need not exist.
    """
    try:
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    except OSError:
        return _("something that cannot be read")
    if not names:
        return ""
    try:
        return _in_words(read_manifest(folder / FILE_NAME))
    except SlabExporterError:
        return _("an unfinished export ({names})").format(names=_listed(names))


def question(folder: Path) -> str:
    """Return what to ask before an earlier export is replaced: where it lies, what it was cut from, what is lost.

    Args:
        folder: of the case.
    """
    lost = earlier_export(folder)
    text = _("Replace the earlier export in {folder}?\n\nLost are {lost}").format(folder=folder, lost=lost)
    try:
        manifest = read_manifest(folder / FILE_NAME)
    except SlabExporterError:
        return f"{text}."
    source = manifest.source.path
    where = source if source is None or is_address(source) else (folder / source).resolve()
    cut_from = _(", cut from {source}").format(source=where) if source else ""
    names = [slab.image for slab in manifest.slabs]
    return f"{text}{cut_from}:\n{_listed(names)}.\n\n{_('Your own files in the folder stay.')}"


def _in_words(manifest: Manifest) -> str:
    labels = [f"'{name}'" for name in manifest.label_sources]
    slabs = counted(len(manifest.slabs), manifest.plan.kind)
    return _("{slabs} with label maps {labels}").format(slabs=slabs, labels=", ".join(labels)) if labels else slabs


def _listed(names: list[str]) -> str:
    if len(names) <= _MOST_NAMED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_NAMED])} … {names[-1]}"
