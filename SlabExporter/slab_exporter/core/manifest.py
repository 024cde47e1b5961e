"""manifest.json: the record by which slabs can be verified, loaded and put back later.

A manifest is data from outside: reading one checks it, and refuses paths that leave its folder.
The JSON Schema is ``Resources/manifest.schema.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from .errors import InputError, reading
from .geometry import Box, VolumeGeometry
from .naming import safe_name
from .pieces.records import three
from .pieces.statistics import checked_statistics
from .records import Json, PlanRecord, SourceRecord
from .several.channels import ChannelRecord, channels_from_json, channels_to_json
from .several.frames import FramesRecord
from .steps.records import PreparedRecord
from .text import as_stored

SCHEMA = "slab-exporter/1"
FILE_NAME = "manifest.json"
SCHEMA_PATH = Path(__file__).parents[1] / "Resources" / "manifest.schema.json"


@dataclass(frozen=True)
class SlabRecord:
    """One slab as recorded.

    Attributes:
        index: number in numbering order, from 0.
        image: path relative to the manifest's folder, with "/".
        labels: the same for each label set, by its name.
        box: in the index space of the source file, or of the volume that was made of it; may exceed it where padded.
        geometry: shape and affine (RAS) of the slab.
        sha256: of the image file.
        labels_sha256: of the label files, by the set's name.
        verified: whether it was read back and compared.
        statistics: numbers about the voxels.
        channels: paths of the images of further channels, by their names.
        channels_sha256: of those files.
    """

    index: int
    image: str
    labels: dict[str, str]
    box: Box
    geometry: VolumeGeometry
    sha256: str
    labels_sha256: dict[str, str]
    verified: bool
    statistics: Json
    channels: dict[str, str] = field(default_factory=dict)
    channels_sha256: dict[str, str] = field(default_factory=dict)

    @property
    def images(self) -> tuple[str, ...]:
        """Paths of all images, in channel order."""
        return (self.image, *self.channels.values())

    def of_channel(self, name: str | None) -> SlabRecord:
        """Return the slab as if a further channel were its image."""
        if name not in self.channels:
            raise InputError(f"slab {self.index} has no file of the channel '{name}'.")
        return replace(self, image=self.channels[name], sha256=str(self.channels_sha256.get(name)))

    @property
    def files(self) -> dict[str, str | None]:
        """Path of every file of the slab -> its check sum; None where an earlier version did not say."""
        labels = {path: self.labels_sha256.get(name) for name, path in self.labels.items()}
        channels = {path: self.channels_sha256.get(name) for name, path in self.channels.items()}
        return {self.image: self.sha256, **channels, **labels}

    def to_json(self) -> Json:
        """As it stands in the manifest."""
        return {
            "index": self.index,
            "image": self.image,
            **({"channels": self.channels} if self.channels else {}),
            "labels": self.labels,
            "ijk_start": list(self.box.start),
            "ijk_stop": list(self.box.stop),
            "shape_ijk": list(self.geometry.shape_ijk),
            "affine_ras": self.geometry.affine_ras.tolist(),
            "sha256": self.sha256,
            **({"channels_sha256": self.channels_sha256} if self.channels else {}),
            "labels_sha256": self.labels_sha256,
            "verified": self.verified,
            "statistics": self.statistics,
        }

    @classmethod
    def from_json(cls, entry: Json) -> SlabRecord:
        """Read an entry of a manifest.

        Raises:
            InputError: its box is senseless, or a path leads out of the manifest's folder.
        """
        box = Box(three(entry["ijk_start"]), three(entry["ijk_stop"]))
        if box.is_empty or box.shape != three(entry["shape_ijk"]):
            raise InputError(f"slab {entry['index']} has a box that does not fit its shape.")
        return cls(
            index=int(entry["index"]),
            image=_inside(entry["image"]),
            labels={str(name): _inside(path) for name, path in entry["labels"].items()},
            box=box,
            geometry=VolumeGeometry(box.shape, np.array(entry["affine_ras"], dtype=float)),
            sha256=str(entry["sha256"]),
            labels_sha256=dict(entry.get("labels_sha256", {})),
            verified=bool(entry["verified"]),
            statistics=checked_statistics(entry.get("statistics", {})),
            channels={str(name): _inside(path) for name, path in entry.get("channels", {}).items()},
            channels_sha256=dict(entry.get("channels_sha256", {})),
        )


@dataclass(frozen=True)
class Manifest:
    """One case as recorded.

    Attributes:
        case: its name.
        source: the image.
        label_sources: each label set, by its name.
        plan: every option that shaped the slabs, resolved.
        slabs: in numbering order.
        prepared: the grid that was cut, where it is not the source's.
        warnings: sentences.
        created_with: versions of what made it.
        channel: name of the first channel, of which ``source`` is the image; "" where the case has one image.
        channels: the others, in channel order.
        frames: which frames of a 4D source were cut; None for one volume.
    """

    case: str
    source: SourceRecord
    plan: PlanRecord
    slabs: tuple[SlabRecord, ...]
    label_sources: dict[str, SourceRecord] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    created_with: dict[str, str] = field(default_factory=dict)
    prepared: PreparedRecord | None = None
    channel: str = ""
    channels: tuple[ChannelRecord, ...] = ()
    frames: FramesRecord | None = None

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Of all channels in their order; none where the case has one image."""
        return (self.channel, *(channel.name for channel in self.channels)) if self.channel else ()

    @property
    def sources(self) -> tuple[SourceRecord, ...]:
        """Everything that was cut: images, then label sets."""
        return (self.source, *(channel.source for channel in self.channels), *self.label_sources.values())

    def of_channel(self, name: str | None) -> Manifest:
        """Return the case as if one channel were its only image; of a case with one image itself.

        Args:
            name: of the channel; None for the first.

        Raises:
            InputError: there is no such channel.
        """
        if name is not None and name not in self.channel_names:
            held = ", ".join(self.channel_names) or "one image without a name"
            raise InputError(f"{self.case} has no channel called '{name}' (it has: {held}).")
        alone = replace(self, channel="", channels=())
        channel = next((channel for channel in self.channels if channel.name == name), None)
        if channel is None:
            return alone
        plan = replace(self.plan, fill=channel.fill, dicom=channel.dicom)
        return replace(
            alone, source=channel.source, plan=plan, slabs=tuple(slab.of_channel(name) for slab in self.slabs)
        )

    @property
    def geometry(self) -> VolumeGeometry:
        """Of the volume that was cut: the source in its file's index order, unless it was prepared."""
        return self.source.geometry if self.prepared is None else self.prepared.geometry

    def values_of(self, label_set: str) -> dict[str, int]:
        """Return the value of each segment, by name, of all label maps that were made of one file of segments."""
        made = [one for one in self.label_sources.values() if one.read_as is not None]
        of_set = [one for one in made if (one.read_as or {}).get("label_set") == label_set]
        return {name: value for one in of_set for value, name in one.segments}

    @property
    def is_deidentified(self) -> bool:
        """Whether nothing in the case says whose images these are."""
        dicom = (self.plan.asked or {}).get("dicom")
        asked = isinstance(dicom, dict) and dicom.get("deidentify") is True
        return asked and all(source.path is None for source in self.sources)

    def to_json(self) -> dict[str, Any]:
        """The whole document; floats read back exactly."""
        return {
            "schema": SCHEMA,
            "case": self.case,
            "created_with": self.created_with,
            "source": self.source.to_json(),
            **channels_to_json(self.channel, self.channels),
            **({} if self.frames is None else {"frames": self.frames.to_json()}),
            "label_sources": {name: source.to_json() for name, source in self.label_sources.items()},
            **({} if self.prepared is None else {"prepared": self.prepared.to_json()}),
            "plan": self.plan.to_json(),
            "slabs": [slab.to_json() for slab in self.slabs],
            "warnings": as_stored(self.warnings),
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
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is not a manifest: it is not a plain file.")
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
        raise InputError(f"{path}: ", error.sentence) from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise InputError(f"{path} is damaged: an entry is missing or of the wrong kind ({error}).") from error


def _from_json(document: dict[str, Any]) -> Manifest:
    source, prepared = SourceRecord.from_json(document["source"]), document.get("prepared")
    channel, channels = channels_from_json(document.get("channels", []))
    manifest = Manifest(
        case=str(document["case"]),
        source=source,
        plan=PlanRecord.from_json(document["plan"]),
        slabs=tuple(SlabRecord.from_json(entry) for entry in document["slabs"]),
        label_sources={
            str(name): SourceRecord.from_json(entry) for name, entry in document.get("label_sources", {}).items()
        },
        warnings=tuple(str(text) for text in document.get("warnings", ())),
        created_with=dict(document.get("created_with", {})),
        prepared=None if prepared is None else PreparedRecord.from_json(prepared, source.geometry),
        channel=channel,
        channels=channels,
        frames=None if (frames := document.get("frames")) is None else FramesRecord.from_json(frames),
    )
    for _, path in () if manifest.frames is None else manifest.frames.gradients:
        _inside(path)
    if safe_name(manifest.case) != manifest.case:
        raise InputError(f"the case is called '{manifest.case}', which cannot be the name of a file.")
    return manifest


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if "\0" in path:
        raise InputError("a path holds a zero byte.")
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or ":" in path.split("/")[0][:2][1:]:
        raise InputError(f"the path '{path}' leads out of its folder.")
    return path


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
