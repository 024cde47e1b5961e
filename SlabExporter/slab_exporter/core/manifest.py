"""manifest.json: the record by which slabs can be verified, loaded and put back later.

A manifest is data from outside: reading one checks it, and refuses paths that leave its folder.
The JSON Schema is ``Resources/manifest.schema.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import InputError, reading
from .geometry import VolumeGeometry
from .naming import safe_name
from .records import PlanRecord, SlabRecord, SourceRecord

SCHEMA = "slab-exporter/1"
FILE_NAME = "manifest.json"
SCHEMA_PATH = Path(__file__).parents[1] / "Resources" / "manifest.schema.json"


@dataclass(frozen=True)
class Manifest:
    """One case as recorded.

    Attributes:
        case: its name.
        source: the image.
        label_sources: each label set, by its name.
        plan: every option that shaped the slabs, resolved.
        slabs: in numbering order.
        warnings: sentences.
        created_with: versions of what made it.
    """

    case: str
    source: SourceRecord
    plan: PlanRecord
    slabs: tuple[SlabRecord, ...]
    label_sources: dict[str, SourceRecord] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    created_with: dict[str, str] = field(default_factory=dict)

    @property
    def geometry(self) -> VolumeGeometry:
        """Of the source file, in its index order."""
        return self.source.geometry

    def to_json(self) -> dict[str, Any]:
        """The whole document; floats read back exactly."""
        return {
            "schema": SCHEMA,
            "case": self.case,
            "created_with": self.created_with,
            "source": self.source.to_json(),
            "label_sources": {name: source.to_json() for name, source in self.label_sources.items()},
            "plan": self.plan.to_json(),
            "slabs": [slab.to_json() for slab in self.slabs],
            "warnings": list(self.warnings),
        }

    def to_text(self) -> str:
        """The document as text; the same manifest gives the same text."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_manifest(path: Path) -> Manifest:
    """Read a manifest, or the one in a case folder.

    Raises:
        InputError: missing, damaged, of another schema, or with a path that leaves its folder.
    """
    path = path / FILE_NAME if path.is_dir() else path
    try:
        with reading(path):
            document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a manifest: it is not valid JSON.") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(f"{path} is not a manifest of the schema {SCHEMA}.")
    try:
        return _from_json(document)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise InputError(f"{path} is damaged: an entry is missing or of the wrong kind ({error}).") from error


def _from_json(document: dict[str, Any]) -> Manifest:
    manifest = Manifest(
        case=str(document["case"]),
        source=SourceRecord.from_json(document["source"]),
        plan=PlanRecord.from_json(document["plan"]),
        slabs=tuple(SlabRecord.from_json(entry) for entry in document["slabs"]),
        label_sources={
            str(name): SourceRecord.from_json(entry) for name, entry in document.get("label_sources", {}).items()
        },
        warnings=tuple(str(text) for text in document.get("warnings", ())),
        created_with=dict(document.get("created_with", {})),
    )
    if safe_name(manifest.case) != manifest.case:
        raise InputError(f"the case is called '{manifest.case}', which cannot be the name of a file.")
    return manifest


def find_manifests(path: Path) -> list[Path]:
    """The manifest of a case (file or folder), or those of all cases of an export.

    Raises:
        InputError: there is none.
    """
    if path.is_file():
        return [path]
    if (path / FILE_NAME).is_file():
        return [path / FILE_NAME]
    found = sorted(path.glob(f"*/{FILE_NAME}"))
    if not found:
        raise InputError(f"{path} holds no export: there is no {FILE_NAME} in it or in its folders.")
    return found
