"""Outlook before an export, from headers alone: which files belong together, what would be cut, how much it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..cases.find import Case
from ..cases.opening import image_of, label_of, request_for
from ..core.errors import InputError, SlabExporterError, reading
from ..core.geometry import VolumeGeometry
from ..core.options import ExportRequest
from ..core.planning import SlabPlan, plan_slabs
from ..files.encodings.holding import require_holdable
from ..mrml.roi import read_roi_box
from ..mrml.runtime import SlicerRuntime
from ..prepare.preparation import cut_grid
from ..prepare.resampled import require_memory_for
from ..volumes.labels.peeking import peek_labels
from ..volumes.reading import peek_volume


@dataclass(frozen=True)
class Outlook:
    """Slabs that an export would make of a case.

    Attributes:
        case: its files.
        plan: the slabs; None if it cannot be exported.
        voxel_bytes: of all slabs, uncompressed.
        warnings: sentences.
        error: why it cannot be exported.
        part: of the data set, to which the case will belong.
    """

    case: Case
    plan: SlabPlan | None = None
    voxel_bytes: int = 0
    warnings: tuple[str, ...] = ()
    error: str | None = None
    part: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the document that a program reads."""
        result: dict[str, Any] = {
            "event": "planned",
            "case": self.case.name,
            "image": self.case.told(str(self.case.image)),
        }
        if self.case.channel:
            others = {name: self.case.told(str(one.image)) for name, one in self.case.channels.items()}
            result["channels"] = {self.case.channel: result["image"], **others}
        result |= {
            "labels": {name: self.case.told(str(path)) for name, path in self.case.labels.items()},
            "group": self.case.group,
        }
        result |= {"patient": self.case.group, "part": self.part}
        if self.plan is not None:
            result |= {
                "shape_ijk": list(self.plan.geometry.shape_ijk),
                "slabs": [[list(slab.box.start), list(slab.box.stop)] for slab in self.plan.slabs],
                "voxel_bytes": self.voxel_bytes,
            }
        return result | {"warnings": list(self.warnings), "error": self.error}


def outlook(runtime: SlicerRuntime, case: Case, request: ExportRequest) -> Outlook:
    """Judge one case by its headers; what is wrong with it is part of the answer."""
    try:
        with reading(case.image):
            found = _planned(runtime, case, request_for(case, request))
    except SlabExporterError as error:
        return Outlook(case, error=case.told(error.sentence))
    return replace(found, warnings=tuple(map(case.told, found.warnings)))


def _planned(runtime: SlicerRuntime, case: Case, request: ExportRequest) -> Outlook:
    if case.problem is not None:
        raise InputError(case.problem)
    image = peek_volume(image_of(case, request))
    geometry, itemsize, warnings = image.geometry, image.bytes_per_voxel, image.warnings
    cut, limits = cut_grid(geometry, request.prepare), None
    if request.prepare.resamples:
        voxels, how = math.prod(geometry.shape_ijk), request.prepare.interpolation
        require_memory_for(str(case.image), voxels, cut.shape_ijk, itemsize, how)
    if request.within is not None:
        limits = read_roi_box(runtime, Path(request.within), cut)
    plan = plan_slabs(cut, request.slabs, limits)
    require_holdable(str(case.image), cut, (slab.box.shape for slab in plan.slabs), request.format)
    for name, channel in case.channels.items():
        further = peek_volume(image_of(channel, request))
        _require_shape(f"The channel {channel.image} ({name})", further.geometry, geometry, case)
        itemsize += further.bytes_per_voxel
        warnings += further.warnings
    for name in case.labels:
        bytes_each, said = peek_labels(label_of(case, name, request), (str(case.image), geometry), name, request.labels)
        itemsize += bytes_each
        warnings += said
    voxels = sum(int(np.prod(slab.box.shape)) for slab in plan.slabs)
    return Outlook(case, plan, voxels * itemsize, tuple(dict.fromkeys((*warnings, *plan.notes))))


def _require_shape(what: str, found: VolumeGeometry, image: VolumeGeometry, case: Case) -> None:
    """Refuse what cannot lie on the image's grid; beside a series axes may be counted in another order."""
    shape, expected = found.shape_ijk, image.shape_ijk
    if shape != expected and (case.series is None or sorted(shape) != sorted(expected)):
        raise InputError(f"{what} has {shape} voxels, {case.image} {expected}.")
