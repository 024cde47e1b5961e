"""Label slabs as DICOM Segmentation objects (PS3.3 A.51), made by highdicom, referring to the slab's images."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import VerificationError, writing
from ...core.geometry import FloatArray
from ...core.options import LONGEST_TEXT
from ...files.disk import file_sha256
from ...files.slab_files import FinishedFile
from ..reading.parsing import quiet_pydicom
from .encoding import shortened
from .readback import DESCRIPTION, verify_segmentation
from .segments import Segment
from .slab_series import SlabSeries

# Content date and time are type 1 here, and the time of writing would make every run's bytes different.
_NO_DATE, _NO_TIME = "19000101", "000000"
_SERIES_AFTER_IMAGES = 500
_BITS = 8


def can_write_segmentations() -> bool:
    """Return whether highdicom is installed."""
    return importlib.util.find_spec("highdicom") is not None


def write_segmentation(
    series: SlabSeries,
    label: str,
    voxels_kji: npt.NDArray,
    segments: tuple[Segment, ...],
    unfinished: Path,
    final: Path,
    verify: bool,
) -> FinishedFile:
    """Write one label slab; ``final`` appears complete or not at all.

    Args:
        series: the slab's images.
        label: name of the label set.
        voxels_kji: the label values of the slab.
        segments: of the whole case; at least one.
        unfinished: temporary path on the same disk.
        final: the slab's file.
        verify: read back and compare with the labels.

    Raises:
        VerificationError: what was written is not the labels.
        OutputError: it could not be written.
    """
    try:
        with writing(final):
            with quiet_pydicom():
                dataset = _segmentation(series, label, voxels_kji, segments)
                _make_repeatable(dataset, series, label)
                dataset.save_as(str(unfinished))
            if verify:
                verify_segmentation(unfinished, voxels_kji, series.geometry, final.name)
            checksum = file_sha256(unfinished)
            os.replace(unfinished, final)
            return FinishedFile(checksum, verify)
    finally:
        unfinished.unlink(missing_ok=True)


def _segmentation(series: SlabSeries, label: str, voxels_kji: npt.NDArray, segments: tuple[Segment, ...]) -> Any:
    import highdicom as hd

    slab = f" slab {series.index:03d} of {series.count}"
    numbers = np.zeros(voxels_kji.shape, np.uint8 if len(segments) < 256 else np.uint16)
    for segment in segments:
        numbers[voxels_kji == segment.value] = segment.number
    images = list(series.header_datasets())
    patient = images[0].PatientName
    # highdicom warns of names without ^, which most placeholders and pseudonyms are.
    del images[0].PatientName  # elements are shared among the images: this one gets another
    images[0].PatientName = ""
    try:
        dataset = hd.seg.Segmentation(
            source_images=images,
            pixel_array=numbers,
            segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=[_description(segment) for segment in segments],
            series_instance_uid=series.header.uid("segmentation series", series.uid, label),
            series_number=images[0].SeriesNumber + _SERIES_AFTER_IMAGES,
            sop_instance_uid=series.header.uid("segmentation", series.uid, label),
            instance_number=1,
            manufacturer="SlabExporter",
            manufacturer_model_name="SlabExporter",
            software_versions=series.header.version,
            device_serial_number="none",
            content_label="LABELS",
            series_description=shortened(label, LONGEST_TEXT - len(slab)) + slab,
        )
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise VerificationError(f"highdicom cannot make a segmentation of the label set '{label}': {error}") from error
    dataset.PatientName = patient
    if numbers[0].size < _BITS:
        _pack_small_planes(dataset, numbers, series.geometry.affine_lps)
    return dataset


def _pack_small_planes(dataset: Any, numbers_kji: npt.NDArray, affine_lps: FloatArray) -> None:
    """Pack frames of fewer than 8 pixels one after the other (PS3.5 8.1.1).

    highdicom (to 0.28) begins a byte for each of them, so that readers find too few or other pixels.
    """
    shared = dataset.SharedFunctionalGroupsSequence[0]
    frames = []
    for groups in dataset.PerFrameFunctionalGroupsSequence:
        corner = np.array([float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient])
        k = round(float(np.linalg.solve(affine_lps[:3, :3], corner - affine_lps[:3, 3])[2]))
        segment = groups.get("SegmentIdentificationSequence") or shared.get("SegmentIdentificationSequence")
        frames.append(numbers_kji[k].reshape(-1) == int(segment[0].ReferencedSegmentNumber))
    packed = np.packbits(np.concatenate(frames), bitorder="little").tobytes()
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)


def _description(segment: Segment) -> Any:
    import highdicom as hd
    from highdicom.sr.coding import CodedConcept

    result = hd.seg.SegmentDescription(
        segment_number=segment.number,
        segment_label=segment.name,
        segmented_property_category=CodedConcept(*segment.category),
        segmented_property_type=CodedConcept(*segment.kind),
        # A label map does not say who drew it; the attribute is type 1.
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )
    result.SegmentDescription = f"{DESCRIPTION}{segment.value}"
    result.RecommendedDisplayCIELabValue = list(hd.color.CIELabColor.from_rgb(*segment.rgb).value)
    return result


def _make_repeatable(dataset: Any, series: SlabSeries, label: str) -> None:
    """Replace what highdicom makes new at every run: dates, times, the dimension organization's UID."""
    for item in dataset.get("ContributingEquipmentSequence") or ():
        item.pop("ContributionDateTime", None)
    study_date = str(dataset.get("StudyDate") or "") or _NO_DATE
    study_time = str(dataset.get("StudyTime") or "") or _NO_TIME
    dataset.ContentDate, dataset.ContentTime = study_date, study_time
    for keyword in ("InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime"):
        if keyword in dataset:
            delattr(dataset, keyword)
    uid = series.header.uid("dimensions", series.uid, label)
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        if "DimensionOrganizationUID" in item:
            item.DimensionOrganizationUID = uid
