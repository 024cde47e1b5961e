"""What the pipeline asks of a format: how a slab gets into its file, and how a finished one is read and judged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy.typing as npt

from ...core.geometry import Box, VolumeGeometry
from ...core.options import ExportRequest
from ...core.planning import SlabPlan
from ...core.records import PlanRecord
from ...core.volume import SourceVolume
from ...files.slab_files import FinishedFile, UnfinishedSlab
from ...mrml.runtime import SlicerRuntime


@dataclass(frozen=True)
class CaseContents:
    """What a case's format is chosen for.

    Attributes:
        name: of the case.
        image: the volume that is cut.
        labels: label maps on the same grid, by the name of their set.
        plan: the slabs.
        fill: value of padded voxels of the image.
        request: format, compression and what is written besides voxels.
        channel: name of the image, where there are further ones.
        channels: those, by their names, each with the value of its padded voxels.
    """

    name: str
    image: SourceVolume
    labels: Mapping[str, SourceVolume]
    plan: SlabPlan
    fill: float
    request: ExportRequest
    channel: str = ""
    channels: Mapping[str, tuple[SourceVolume, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class CutSlab:
    """What CropVolume has cut.

    Attributes:
        geometry: of the slab, as Slicer has it.
        voxels_kji: the values, C-contiguous, which are not to be changed.
        frames_fkji: of several frames all values, of which those are the first; None for one volume.
    """

    geometry: VolumeGeometry
    voxels_kji: npt.NDArray
    frames_fkji: npt.NDArray | None = None


class SlabFormat(ABC):
    """One kind of slab: a volume file, a DICOM series, a DICOM segmentation.

    An object writes the slabs of one image or label set; what is asked of finished slabs needs none.

    Attributes:
        is_volume_file: whether a slab is one file with a geometry of its own, which any reader can place.
    """

    is_volume_file: ClassVar[bool] = False

    @property
    @abstractmethod
    def suffix(self) -> str:
        """End of a slab's name; "" for a folder."""

    @abstractmethod
    def stage(self, runtime: SlicerRuntime, cut: CutSlab, scratch: Path, name: str) -> Any:
        """Do what needs Slicer, so that a worker thread can finish the slab without it.

        Args:
            runtime: Slicer's classes, and a scene for temporary nodes.
            cut: the slab.
            scratch: folder for unfinished files.
            name: distinct among them.
        """

    @abstractmethod
    def finish(self, staged: Any, slab: UnfinishedSlab) -> FinishedFile:
        """Turn what ``stage`` returned into the finished slab, which appears complete or not at all.

        Raises:
            SlabExporterError: it could not be written, or an independent reader finds something else
                than it should be.
        """

    @classmethod
    @abstractmethod
    def holds(cls, path: Path) -> bool:
        """Return whether a slab of an export is of this kind."""

    @classmethod
    @abstractmethod
    def read(cls, runtime: SlicerRuntime, path: Path, geometry: VolumeGeometry) -> npt.NDArray:
        """Return the voxels (KJI) of a finished slab in its index order.

        Args:
            runtime: Slicer's classes.
            path: of the slab.
            geometry: of the slab, as the manifest records it.

        Raises:
            SlabExporterError: it cannot be read, or a DICOM slab lies elsewhere.
        """

    @classmethod
    @abstractmethod
    def verify(cls, path: Path, source: SourceVolume, box: Box, fill: float, plan: PlanRecord) -> None:
        """Compare a finished slab with its source: type, place, every voxel.

        Args:
            path: of the slab.
            source: what it was cut from.
            box: its box in IJK of the source.
            fill: value of voxels outside.
            plan: as the manifest records it.

        Raises:
            VerificationError: with the first difference found.
        """

    @classmethod
    @abstractmethod
    def verify_place(cls, path: Path, geometry: VolumeGeometry) -> None:
        """Check that a slab whose source is gone lies where it should.

        Raises:
            VerificationError: it does not.
        """

    @classmethod
    @abstractmethod
    def checksum(cls, path: Path) -> str:
        """Return the SHA-256 of a finished slab as the manifest records it.

        Raises:
            OSError: it cannot be read.
        """

    @classmethod
    def shortfall(cls, path: Path, geometry: VolumeGeometry) -> str | None:
        """Return what a slab of several files lacks, as the end of a sentence; None where nothing does."""
        return None


@dataclass(frozen=True)
class CaseFormat:
    """The formats of a case's slabs.

    Attributes:
        image: of its images.
        labels: of each label set, by its name.
        dicom: what the manifest's plan says of DICOM slabs; None for others.
        warnings: what a user should know about the files.
        channels: of the further images, by the names of their channels.
        dicom_of: what the manifest says of the DICOM slabs of a further channel.
    """

    image: SlabFormat
    labels: Mapping[str, SlabFormat]
    dicom: dict[str, Any] | None = None
    warnings: tuple[str, ...] = field(default=())
    channels: Mapping[str, SlabFormat] = field(default_factory=dict)
    dicom_of: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, name: str | None) -> SlabFormat:
        """Return the format of a label set or further channel; None: of the image."""
        return self.image if name is None else {**self.channels, **self.labels}[name]
