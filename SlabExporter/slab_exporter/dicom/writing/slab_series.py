"""One slab as a DICOM series: what is constant is encoded once, each image adds its own few elements.

The images of a slab are its K planes, whatever the axis it was cut along: index order stays the
source's, rows run along i and columns along j, and each plane of a slab that was cut from a DICOM
series (along any axis) still belongs to one image of it. Image n (from 1) is plane k = n - 1.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import writing
from ...core.geometry import Box, FloatArray, VolumeGeometry
from ...core.naming import PieceKind, slab_number
from ...core.options import LONGEST_TEXT
from ...files.disk import file_sha256
from ...files.slab_files import FinishedFile
from ...interrupts import end_if_abandoned
from ..reading.scan import combined_sha256
from ..reading.series import Slice
from ..uids import IMPLEMENTATION, is_valid_uid
from .attributes import SourceHeaders, copied, deidentify
from .case_header import CaseHeader
from .classes import COPIED_PER_IMAGE
from .descent import photometric
from .encoding import Encoded, decimal_string, encoded, file_meta, joined, pixel_element, shortened, text_element
from .image_grid import perpendicular, unit
from .readback import verify_slab_folder
from .times import add_time

# IS holds 32 bits; segmentations of the slabs are numbered a little higher.
_LARGEST_NUMBER = 2**31 - 1_000_000
_SOP_INSTANCE, _INSTANCE_NUMBER, _POSITION = 0x00080018, 0x00200013, 0x00200032


@dataclass(frozen=True)
class SlabSeries:
    """A slab of a case as a series.

    Attributes:
        header: of the case.
        index: the slab's number.
        count: how many slabs the case has.
        box: the slab in IJK of the volume.
        geometry: of the slab.
        kind: what it is called.
    """

    header: CaseHeader
    index: int
    count: int
    box: Box
    geometry: VolumeGeometry
    kind: PieceKind = "slab"

    @cached_property
    def uid(self) -> str:
        """SeriesInstanceUID."""
        return self.header.uid("series", self.index, self.count, self.box.start, self.box.stop)

    def image_uid(self, k: int) -> str:
        """SOPInstanceUID of plane k."""
        return self.header.uid("image", self.uid, k)

    @property
    def row(self) -> FloatArray:
        """Unit vector along a row (i), LPS."""
        return unit(self.geometry.affine_lps[:3, 0])

    @property
    def column(self) -> FloatArray:
        """Unit vector along a column (j), LPS, perpendicular to ``row``."""
        return perpendicular(self.geometry.affine_lps[:3, 1], self.row)

    def position(self, k: int) -> FloatArray:
        """LPS mm of the first pixel of plane k."""
        affine = self.geometry.affine_lps
        return affine[:3, 3] + k * affine[:3, 2]

    def source_plane(self, k: int) -> Slice | None:
        """The source image that plane k was cut from, if it is one image's pixels."""
        source = self.header.image.dicom
        n = k + self.box.start[2]
        return source.planes[n] if source is not None and 0 <= n < len(source.planes) else None

    def _plane_beside(self, k: int) -> Slice | None:
        """The source image next to plane k, which is padded."""
        source = self.header.image.dicom
        if source is None or not source.planes:
            return None
        return source.planes[min(max(k + self.box.start[2], 0), len(source.planes) - 1)]

    def dataset(self) -> Any:
        """Everything that the images of the slab share."""
        header = self.header
        dataset = deepcopy(header.attributes)  # datasets share elements otherwise, and what is set here would stay
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.SOPClassUID = header.image_class.uid
        dataset.Modality = header.modality
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = header.study_uid, self.uid
        dataset.FrameOfReferenceUID = header.frame_of_reference_uid
        dataset.SeriesNumber = self._number()
        dataset.SeriesDescription = self._description()
        self._add_plane(dataset)
        self._add_pixels(dataset)
        add_time(dataset, header.image.time)
        if header.has_source and not header.options.deidentify:
            ends = zip("ijk", self.box.start, self.box.stop, strict=True)
            box = ", ".join(f"{axis} {a} to {b - 1}" for axis, a, b in ends)
            made = "".join(f", {text}" for text in header.image.made) + ","
            text = f"Voxels {box} of the source series{made} cut by SlabExporter {header.version}"
            dataset.DerivationDescription = text
        return dataset

    def _add_plane(self, dataset: Any) -> None:
        """PS3.3 C.7.6.2. PixelSpacing is the distance of rows, then of columns."""
        i, j, k = (float(s) for s in self.geometry.spacing)
        dataset.ImageOrientationPatient = [decimal_string(v) for v in (*self.row, *self.column)]
        dataset.PixelSpacing = [decimal_string(j), decimal_string(i)]
        dataset.SpacingBetweenSlices = decimal_string(k)
        if not self.header.has_source or self.source_plane(0) is None:
            # A NIfTI does not tell the thickness of a slice from the distance of slices.
            dataset.SliceThickness = decimal_string(k)

    def _add_pixels(self, dataset: Any) -> None:
        """PS3.3 C.7.6.3, C.11.1, C.11.2."""
        form, header = self.header.form, self.header
        dataset.ImageType = ["DERIVED", "SECONDARY", *self._image_type()]
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = photometric(header.image)
        dataset.Columns, dataset.Rows = self.geometry.shape_ijk[:2]
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit = 15
        dataset.PixelRepresentation = int(form.dtype.kind == "i")
        if header.modality == "CT" or not form.is_identity:
            dataset.RescaleIntercept = decimal_string(form.intercept)
            dataset.RescaleSlope = decimal_string(form.slope)
        if header.modality not in ("CT", "MR"):
            dataset.RescaleIntercept, dataset.RescaleSlope = decimal_string(form.intercept), decimal_string(form.slope)
            dataset.RescaleType = "US"
        centre, width = header.window
        dataset.WindowCenter, dataset.WindowWidth = decimal_string(centre), decimal_string(width)

    def _image_type(self) -> tuple[str, ...]:
        plane = self.source_plane(0)
        third = "" if plane is None or self.header.options.deidentify else "".join(plane.image_type[2:3]).strip()
        return (third,) if re.fullmatch(r"[A-Z0-9_ ]{1,16}", third) else self.header.image_class.image_type

    def _number(self) -> int:
        source = self.header.image.dicom
        try:
            number = int(source.series.info.number) * 1000 + self.index + 1
        except (AttributeError, ValueError):
            return self.index + 1
        return number if 0 < number <= _LARGEST_NUMBER else self.index + 1

    def _description(self) -> str:
        slab = f"{self.kind} {slab_number(self.index, self.count, self.kind)} of {self.count}"
        if self.header.channel:
            slab = f"{shortened(self.header.channel, LONGEST_TEXT - len(slab) - 1)} {slab}"
        source = self.header.image.dicom
        if source is None or self.header.options.deidentify:
            return slab
        original = "".join("_" if c == "\\" or ord(c) < 32 else c for c in source.series.info.description)
        return f"{shortened(original, LONGEST_TEXT - len(slab) - 1)} {slab}".strip()

    def images(self, voxels_kji: npt.NDArray) -> Iterator[tuple[bytes, npt.NDArray]]:
        """Return (all bytes before the pixels, the pixels) of each image of the slab's values, in order of k."""
        common = encoded(self.dataset())
        headers = SourceHeaders()
        for k, values in enumerate(voxels_kji):
            end_if_abandoned()
            pixels = np.ascontiguousarray(self.header.form.stored(values))
            uid = self.image_uid(k)
            own: Encoded = {
                _SOP_INSTANCE: text_element(_SOP_INSTANCE, "UI", uid),
                _INSTANCE_NUMBER: text_element(_INSTANCE_NUMBER, "IS", str(k + 1)),
                _POSITION: text_element(_POSITION, "DS", "\\".join(decimal_string(v) for v in self.position(k))),
            }
            meta = file_meta(
                self.header.image_class.uid, uid, IMPLEMENTATION, f"SLABEXPORTER {self.header.version}"[:16]
            )
            body = joined((common, self._from_source(k, headers), own))
            yield meta + body + pixel_element(pixels.nbytes), pixels

    def header_datasets(self) -> Iterator[Any]:
        """The headers of the slab's images as pydicom datasets, in order of k: what refers to them needs."""
        from pydicom import Dataset

        common = self.dataset()
        if common.SliceThickness is None:  # segmentations need a number (PS3.3 C.7.6.16.2.1)
            common.SliceThickness = common.SpacingBetweenSlices
        for k in range(self.geometry.shape_ijk[2]):
            own = Dataset()
            own.update(common)
            own.SOPInstanceUID = self.image_uid(k)
            own.InstanceNumber = k + 1
            own.ImagePositionPatient = [decimal_string(v) for v in self.position(k)]
            yield own

    def _from_source(self, k: int, headers: SourceHeaders) -> Encoded:
        """Return the attributes that the source image of plane k adds (PS3.3 C.12.4.1: source image sequence).

        A plane that was interpolated or padded keeps saying that its source was compressed with loss
        (PS3.3 C.7.6.1.1.5). A padded one has the technique of the image next to it: images of one series
        that differ in it are taken for several volumes.
        """
        plane = self.source_plane(k)
        if plane is None:
            beside = self._plane_beside(k)
            shared = copied({} if beside is None else headers.read(beside), self.header.image_class.technique)
            shared.update(self.header.lossy if self.header.has_source else {})
            return encoded(shared)
        source = headers.read(plane)
        kept = copied(source, (*COPIED_PER_IMAGE, *self.header.image_class.technique))
        if self.header.options.deidentify:
            deidentify(kept)
        elif is_valid_uid(plane.sop_uid) and is_valid_uid(str(source.get("SOPClassUID", ""))):
            kept.SourceImageSequence = [source_reference(source, plane)]
        return encoded(kept)


def source_reference(source: Any, plane: Slice) -> Any:
    """An item that names a source image, with its purpose (PS3.16 CID 7202)."""
    from pydicom import Dataset
    from pydicom.sequence import Sequence

    purpose, item = Dataset(), Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "121322", "DCM"
    purpose.CodeMeaning = "Source image for image processing operation"
    item.ReferencedSOPClassUID = str(source.get("SOPClassUID", ""))
    item.ReferencedSOPInstanceUID = plane.sop_uid
    if plane.frame is not None:
        item.ReferencedFrameNumber = plane.frame + 1
    item.PurposeOfReferenceCodeSequence = Sequence([purpose])
    return item


def write_slab_folder(
    series: SlabSeries, voxels_kji: npt.NDArray, unfinished: Path, final: Path, fill: float, verify: bool
) -> FinishedFile:
    """Write one slab; ``final`` appears complete or not at all.

    Args:
        series: its header.
        voxels_kji: its values.
        unfinished: a folder to make, on the same disk.
        final: the slab's folder, which must not exist.
        fill: value of voxels outside the source.
        verify: read back and compare with the source.

    Raises:
        VerificationError: what was written is not the source's box.
        OutputError: it could not be written.
    """
    try:
        with writing(final):
            unfinished.mkdir()
            write_images(series, voxels_kji, unfinished)
            if verify:
                image = series.header.image
                error = series.header.form.largest_error
                verify_slab_folder(unfinished, image.voxels_kji, image.geometry, series.box, fill, error)
            checksum = folder_sha256(unfinished)
            os.replace(unfinished, final)
            return FinishedFile(checksum, verify)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_images(series: SlabSeries, voxels_kji: npt.NDArray, folder: Path) -> None:
    """One file an image, 0001.dcm and so on, in order of k.

    Raises:
        OSError: a file could not be written.
    """
    digits = max(4, len(str(len(voxels_kji))))
    for number, (head, pixels) in enumerate(series.images(voxels_kji), start=1):
        with open(folder / f"{number:0{digits}d}.dcm", "wb", buffering=0) as file:
            file.write(head)
            pixels.tofile(file)


def folder_sha256(folder: Path) -> str:
    """Check sum of a slab's folder: over the sorted check sums of its files."""
    return combined_sha256([file_sha256(path) for path in sorted(folder.iterdir())])
