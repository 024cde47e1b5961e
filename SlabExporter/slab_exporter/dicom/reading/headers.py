"""One DICOM file's header into planes. Every failure of the parser becomes one sentence."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from ...core.errors import InputError
from ...files.disk import open_plain
from ..prefix import has_prefix
from .marks import COUNTS, MARKS, PRIVATE, concatenation, is_tiled, remarks, value_of, whole_number, window_of
from .parsing import AGAIN, DEFLATED, parsing, read_dataset
from .pixels import needs_decoder
from .series import HeaderMark, PixelFormat, SeriesInfo, Slice

# PS3.6: storage classes that have rows and columns but are not images to be cut.
NO_IMAGE_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "label map segmentation",
    "1.2.840.10008.5.1.4.1.1.481.2": "RT dose",
    "1.2.840.10008.5.1.4.1.1.30": "parametric map",
    "1.2.840.10008.1.3.10": "DICOMDIR",
}
_PLANE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept")
_IMAGE = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "WindowCenter", "WindowWidth", "NumberOfFrames", "InstanceNumber", "ModalityLUTSequence",
)  # fmt: skip
_SERIES = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "StudyDate", "SeriesNumber",
    "SeriesDescription", "Modality", "SpecificCharacterSet",
    "Manufacturer", "FrameOfReferenceUID", "ConcatenationUID", "InConcatenationNumber", "InConcatenationTotalNumber",
)  # fmt: skip
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_VALUES = "RealWorldValueMappingSequence"
_TAGS: tuple[str | int, ...] = (*_PLANE, *_IMAGE, *_SERIES, *_GROUPS, *MARKS, *COUNTS, _VALUES, *PRIVATE)


def read_planes(path: Path) -> tuple[SeriesInfo, tuple[Slice, ...]] | str:
    """Return what a file contributes to a series; for an object that is not an image, what it is instead.

    Raises:
        InputError: damaged.
    """
    with parsing(path), open_plain(path) as file:
        before = os.fstat(file.fileno())
        dataset = read_dataset(file, pixels=False, tags=_TAGS)
        behind = before.st_size - file.tell()
        declared = str(dataset.file_meta.get("MediaStorageSOPClassUID", ""))
        sop_class = str(dataset.get("SOPClassUID", "")) or declared
        if sop_class in NO_IMAGE_CLASSES:
            return NO_IMAGE_CLASSES[sop_class]
        if "Rows" not in dataset or "Columns" not in dataset:
            _require_no_image(path, str(dataset.get("SOPClassUID", "")), declared)
            return str(dataset.get("Modality", "")) or "object without an image"
        slices = tuple(_slices(path, dataset))
        _require_pixels(path, slices, behind)
        mark = _mark(path, file, before.st_size - behind, before)
        return _info(dataset, sop_class), tuple(replace(plane, header=mark) for plane in slices)


def _mark(path: Path, file: IO[bytes], size: int, before: os.stat_result) -> HeaderMark:
    """The mark of an open file's header, if the file is the one that has been parsed."""
    file.seek(0)
    mark, now = HeaderMark.of(file.read(size)), os.fstat(file.fileno())
    if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise InputError(f"{path} was changed while it was being read; run again when it is whole.")
    return mark


def _require_no_image(path: Path, sop_class: str, declared: str) -> None:
    """An image without size was cut off, and so was what claims to be DICOM but does not say of which class."""
    from pydicom.uid import UID

    claims = has_prefix(path) or path.suffix.lower() == ".dcm"
    if (claims and not sop_class) or any("Image Storage" in UID(uid).name for uid in (sop_class, declared)):
        raise InputError(f"{path} is damaged: it ends before it states Rows and Columns. {AGAIN}")


def _require_pixels(path: Path, slices: tuple[Slice, ...], behind: int) -> None:
    """A file was cut off where fewer bytes are ``behind`` its header than its pixels take."""
    pixel = slices[0].pixel
    if needs_decoder(pixel) or pixel.transfer_syntax == DEFLATED:
        return
    wanted = len(slices) * slices[0].rows * slices[0].columns * pixel.samples * (pixel.allocated // 8)
    if behind < wanted:
        raise InputError(
            f"{path} is truncated or its header is wrong: {behind} bytes are left for the pixels, which need {wanted}. "
            f"{AGAIN}"
        )


def series_uid_of(path: Path) -> str:
    """SeriesInstanceUID of a damaged file, "" where it cannot be read."""
    try:
        with parsing(path):
            dataset = read_dataset(path, pixels=False, tags=["SeriesInstanceUID"])
            return str(dataset.get("SeriesInstanceUID", ""))
    except InputError:
        return ""


def _info(dataset: Any, sop_class: str) -> SeriesInfo:
    def text(keyword: str) -> str:
        value = dataset.get(keyword)
        return "" if value is None else str(value).strip()

    return SeriesInfo(
        text("SeriesInstanceUID"), text("StudyInstanceUID"), sop_class, text("PatientID"), text("StudyDate"),
        text("SeriesNumber"), text("SeriesDescription"), text("Modality"),
    )  # fmt: skip


def _slices(path: Path, dataset: Any) -> Iterator[Slice]:
    frames = _whole(path, dataset, "NumberOfFrames") or 1
    if frames < 1:
        raise InputError(f"{path} is damaged: its NumberOfFrames is {frames}. {AGAIN}")
    if frames > path.stat().st_size:
        raise InputError(f"{path} promises {frames} frames but has only {path.stat().st_size} bytes.")
    if "PerFrameFunctionalGroupsSequence" in dataset or "SharedFunctionalGroupsSequence" in dataset:
        from .multiframe import frame_datasets

        for frame, merged in enumerate(frame_datasets(path, dataset)):
            yield _slice(path, dataset, merged, frame)
        return
    for frame in range(frames):
        yield _slice(path, dataset, dataset, frame if frames > 1 else None)


def _slice(path: Path, dataset: Any, plane: Any, frame: int | None) -> Slice:
    """``plane`` is where position, spacing, rescale and marks are looked up first."""
    slope, intercept = (_number(path, plane, keyword) for keyword in ("RescaleSlope", "RescaleIntercept"))
    rescaled = slope is not None or intercept is not None
    return Slice(
        path=str(path),
        frame=frame,
        sop_uid=str(dataset.get("SOPInstanceUID", "")),
        number=whole_number(dataset, "InstanceNumber"),
        frame_of_reference=str(dataset.get("FrameOfReferenceUID", "")),
        position=_numbers(path, plane, "ImagePositionPatient", 3),
        orientation=_numbers(path, plane, "ImageOrientationPatient", 6),
        spacing=_numbers(path, plane, "PixelSpacing", 2),
        rows=_whole(path, dataset, "Rows") or 0,
        columns=_whole(path, dataset, "Columns") or 0,
        pixel=_pixel_format(path, dataset),
        slope=1.0 if slope is None else slope,
        intercept=0.0 if intercept is None else intercept,
        image_type=_texts(dataset.get("ImageType")),
        marks=tuple((keyword, value_of(plane, dataset, keyword)) for keyword in MARKS),
        rescaled=rescaled,
        concatenation=concatenation(dataset),
        counts=tuple((keyword, count) for keyword in COUNTS if (count := whole_number(dataset, keyword)) is not None),
        window=window_of(plane, dataset),
        tiled=is_tiled(dataset),
        remarks=remarks(plane, dataset, rescaled),
    )


def _pixel_format(path: Path, dataset: Any) -> PixelFormat:
    allocated = _whole(path, dataset, "BitsAllocated") or 16
    stored = _whole(path, dataset, "BitsStored") or allocated
    high_bit = _whole(path, dataset, "HighBit")
    lookup = dataset.get("ModalityLUTSequence")
    return PixelFormat(
        transfer_syntax=str(dataset.file_meta.get("TransferSyntaxUID", "")) or _guessed_syntax(dataset),
        samples=_whole(path, dataset, "SamplesPerPixel") or 1,
        photometric=str(dataset.get("PhotometricInterpretation") or "MONOCHROME2"),
        allocated=allocated,
        stored=stored,
        high_bit=stored - 1 if high_bit is None else high_bit,
        signed=bool(_whole(path, dataset, "PixelRepresentation")),
        lookup=bool(lookup),
    )


def _guessed_syntax(dataset: Any) -> str:
    """Files without a meta header: pydicom looked at the bytes (PS3.5 10.1)."""
    if getattr(dataset, "is_implicit_VR", True):
        return "1.2.840.10008.1.2"
    return "1.2.840.10008.1.2.1" if dataset.is_little_endian else "1.2.840.10008.1.2.2"


@contextmanager
def _numeric(path: Path, dataset: Any, keyword: str) -> Iterator[None]:
    """Name the attribute, and what it holds instead of numbers."""
    raw = dataset.get_item(keyword)
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        value = "" if raw is None else raw.value
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
        raise InputError(f"{path}: {keyword} is '{text.strip()}', which is not numeric. Correct the file.") from error


def _whole(path: Path, dataset: Any, keyword: str) -> int | None:
    with _numeric(path, dataset, keyword):
        value = dataset.get(keyword)
        return None if value in (None, "") else int(value)


def _number(path: Path, dataset: Any, keyword: str) -> float | None:
    with _numeric(path, dataset, keyword):
        value = dataset.get(keyword)
        if value in (None, ""):
            return None
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(keyword)
        return number


def _numbers(path: Path, dataset: Any, keyword: str, count: int) -> tuple[float, ...] | None:
    with _numeric(path, dataset, keyword):
        value = dataset.get(keyword)
        if value in (None, "") or len(value) != count:
            return None
        numbers = tuple(float(n) for n in value)
        return numbers if all(math.isfinite(n) for n in numbers) else None


def _texts(value: Any) -> tuple[str, ...]:
    if value in (None, ""):
        return ()
    return (value,) if isinstance(value, str) else tuple(str(v) for v in value)
