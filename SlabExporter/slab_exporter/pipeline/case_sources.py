"""What one case is made of, and what the manifest says of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..core.errors import InputError
from ..core.options import ExportRequest
from ..core.placing.placed import require_channel_grid, require_same_grid
from ..core.planning import SlabPlan
from ..core.records import SourceRecord
from ..core.several.channels import ChannelRecord
from ..core.several.frames import FramesRecord, FrameStack
from ..core.text import Option
from ..core.volume import SourceVolume
from ..prepare.preparation import Preparation
from .formats.slab_format import CaseFormat
from .identity import without_identity
from .slab_writer import Target, require_own_names


@dataclass(frozen=True)
class CaseSources:
    """What one case is made of.

    Attributes:
        name: of the case, safe as a file name.
        image: the volume that is cut.
        labels: label maps on the same grid, by the name of their set.
        channel: name of the image, where there are further ones; "" where there is one.
        channels: those, on the same grid, by their names in order.
        apart: the frames of which image and channels are one each; None where they are no frames.
    """

    name: str
    image: SourceVolume
    labels: dict[str, SourceVolume]
    channel: str = ""
    channels: dict[str, SourceVolume] = field(default_factory=dict)
    apart: FramesRecord | None = None

    @property
    def frames(self) -> FramesRecord | None:
        """Record of the frames that are cut; None for one volume."""
        return self.apart if self.image.frames is None else FramesRecord.of_stack(self.image.frames)

    def as_written_in(self, format: str) -> CaseSources:
        """Return the case with its frames as a format of slabs holds them."""
        return self.frames_apart() if format == "dicom" else self

    def frames_apart(self) -> CaseSources:
        """Return the case with each frame as an image of its own, as DICOM has it; itself where it has no frames."""
        stack = self.image.frames
        if stack is None:
            return self
        images = {f"frame-{number:03d}": _frame(self.image, stack, n) for n, number in enumerate(stack.numbers)}
        first, *others = images
        channels = {name: images[name] for name in others}
        record = FramesRecord.of_stack(stack, apart=True)
        return replace(self, image=images[first], channel=first, channels=channels, apart=record)

    def without_identity(self) -> CaseSources:
        """Return the case as a deidentified export knows it."""
        labels = {name: without_identity(label, f"{self.name} ({name})") for name, label in self.labels.items()}
        channels = {name: without_identity(image, f"{self.name} ({name})") for name, image in self.channels.items()}
        image, apart = without_identity(self.image, self.name), self.apart and self.apart.without_index()
        return replace(self, image=image, labels=labels, channels=channels, apart=apart)

    def prepared(self, preparation: Preparation) -> CaseSources:
        """Return the case on the grid that is cut."""
        labels = {name: preparation.label(label) for name, label in self.labels.items()}
        channels = {name: preparation.image(image) for name, image in self.channels.items()}
        return replace(self, image=preparation.image(self.image), labels=labels, channels=channels)

    def require_one_grid(self) -> None:
        """Refuse channels and label maps that do not lie on the image's grid, and names that collide.

        Raises:
            InputError: with the first of them.
        """
        require_own_names([*self.channels, *self.labels])
        for name, image in self.channels.items():
            require_channel_grid(self.image, image, name)
            _require_same_frames(self.image, image, name)
        for name, label in self.labels.items():
            require_same_grid(self.image, label, name)
            _require_frames_of_label(self, label, name)


def _frame(image: SourceVolume, stack: FrameStack, n: int) -> SourceVolume:
    voxels = np.ascontiguousarray(stack.voxels_fkji[n])
    planes = stack.planes[n] if stack.planes else None
    number, time = stack.numbers[n], None if planes is not None else stack.time_of(n)
    return replace(image, voxels_kji=voxels, frames=None, frame=number, dicom=planes, time=time)


def _require_same_frames(image: SourceVolume, channel: SourceVolume, name: str) -> None:
    ours, theirs = (1 if one.frames is None else len(one.frames) for one in (image, channel))
    if ours != theirs:
        raise InputError(f"The channel {channel.name} ({name}) has {theirs} frames, {image.name} {ours}.")


def _require_frames_of_label(case: CaseSources, label: SourceVolume, name: str) -> None:
    """Refuse a label map of several frames whose image has others, or whose frames are series.

    Raises:
        InputError: with what to change.
    """
    if label.frames is None:
        return
    if case.apart is not None:
        raise InputError(
            f"The label map {label.name} ({name}) holds {len(label.frames)} frames; in DICOM each frame of the image "
            "is a series, and labels are of all of them. Choose ",
            Option("format"),
            " nii.gz or nrrd, or frames one by one with ",
            Option("frame"),
            ".",
        )
    ours = 1 if case.image.frames is None else len(case.image.frames)
    if ours != len(label.frames):
        raise InputError(
            f"The label map {label.name} ({name}) has {len(label.frames)} frames, {case.image.name} {ours}."
        )


def label_records(case: CaseSources, folder: Path, request: ExportRequest) -> dict[str, SourceRecord]:
    """Return what the manifest says of each label map as it was read with its image."""
    ours = None if case.image.frames is None else case.image.frames.numbers
    found = {}
    for name, label in case.labels.items():
        record, theirs = source_record(label, folder, request), label.frames
        if theirs is not None:
            others = () if theirs.numbers == ours else theirs.numbers
            record = replace(record, frames=len(theirs), frame_numbers=others)
        found[name] = record
    return found


def channel_records(
    case: CaseSources,
    form: CaseFormat,
    targets: tuple[Target, ...],
    plan: SlabPlan,
    folder: Path,
    request: ExportRequest,
) -> tuple[ChannelRecord, ...]:
    """Return what the manifest says of the further channels."""
    fills = {target.name: target.fill for target in targets if plan.needs_fill}
    return tuple(
        ChannelRecord(name, source_record(image, folder, request), fills.get(name), form.dicom_of.get(name))
        for name, image in case.channels.items()
    )


def source_record(volume: SourceVolume, folder: Path, request: ExportRequest) -> SourceRecord:
    """Return what the manifest says of a volume as it was read."""
    record = SourceRecord(
        path=None if volume.path is None else relative_to(Path(volume.path), folder),
        geometry=volume.geometry,
        sha256=None if volume.frame_only else volume.sha256,
        frame_sha256=volume.sha256 if volume.frame_only else None,
        dtype=volume.voxels_kji.dtype.name,
        node=volume.name if volume.path is None and not request.deidentify else None,
        loaded_affine_ras=volume.loaded_affine_ras,
        segments=volume.segments,
        colours=volume.colours,
        frame=volume.frame,
        nifti_transform=volume.nifti_transform,
    )
    return SourceRecord.from_json(record.to_json() | volume.record)


def relative_to(path: Path, folder: Path) -> str:
    """``path`` as seen from ``folder``, with "/"; absolute where there is no way (another drive)."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()
