"""Slabs as volume files: voxels and header by Slicer, SimpleITK as the judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.geometry import Box, VolumeGeometry
from ...core.records import PlanRecord
from ...core.volume import SourceVolume
from ...files.disk import file_sha256
from ...files.encodings.encoding import VolumeEncoding
from ...files.encodings.table import ENCODINGS
from ...files.readback import image_geometry, read_image, verify_file, verify_place
from ...files.slab_files import FinishedFile, UnfinishedSlab, finish_slab
from ...files.stacks.frame_readback import verify_frames
from ...files.voxel_file import VoxelFile
from ...mrml.runtime import SlicerRuntime
from ...mrml.volume_files import slicers_header
from ...volumes.choice import FileVolume
from ...volumes.reading import open_volume
from .slab_format import CaseContents, CaseFormat, CutSlab, SlabFormat


@dataclass(frozen=True)
class VolumeFile(SlabFormat):
    """A file a slab.

    Attributes:
        encoding: of the file.
        compression: "fast" or "small".
    """

    is_volume_file = True

    encoding: VolumeEncoding
    compression: str
    _headers: dict[np.dtype, bytes] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of_case(cls, case: CaseContents) -> CaseFormat:
        """Return this format for images and labels alike."""
        form = cls(ENCODINGS[f".{case.request.format}"], case.request.compression)
        return CaseFormat(form, dict.fromkeys(case.labels, form), channels=dict.fromkeys(case.channels, form))

    @property
    def suffix(self) -> str:
        """The encoding's extension."""
        return self.encoding.extension

    def stage(self, runtime: SlicerRuntime, cut: CutSlab, scratch: Path, name: str) -> VoxelFile:
        """Return the voxels with the header that Slicer writes for them."""
        encoding, dtype = self.encoding, cut.voxels_kji.dtype
        header = self._headers.get(dtype)
        if header is None:
            header = slicers_header(runtime, cut.geometry, dtype, scratch / f"{name}{encoding.raw_extension}")
            if encoding.places_itself:  # one header of Slicer's serves for all slabs
                self._headers[dtype] = header
        voxels = cut.voxels_kji[np.newaxis] if cut.frames_fkji is None else cut.frames_fkji
        return VoxelFile(encoding, encoding.resized(header, cut.geometry.shape_ijk, len(voxels)), voxels)

    def finish(self, staged: VoxelFile, slab: UnfinishedSlab) -> FinishedFile:
        """Describe, compress and verify the file."""
        return finish_slab(staged, self.compression, slab)

    @classmethod
    def holds(cls, path: Path) -> bool:
        """Any file may be one; readers find out."""
        return True

    @classmethod
    def read(cls, runtime: SlicerRuntime, path: Path, geometry: VolumeGeometry) -> npt.NDArray:
        """The file states its own geometry."""
        return open_volume(runtime, FileVolume(path)).voxels_kji

    @classmethod
    def verify(cls, path: Path, source: SourceVolume, box: Box, fill: float, plan: PlanRecord) -> None:
        """Compare with what SimpleITK reads."""
        if source.frames is not None:
            verify_frames(path, source.frames, source.geometry, box, fill)
            return
        verify_file(path, source.voxels_kji, source.geometry, box, fill)

    @classmethod
    def verify_place(cls, path: Path, geometry: VolumeGeometry) -> None:
        """Compare with where SimpleITK places it."""
        verify_place(path, path.name, image_geometry(read_image(path)), geometry)

    @classmethod
    def checksum(cls, path: Path) -> str:
        """Of the file."""
        return file_sha256(path)
