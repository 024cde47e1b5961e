"""Segments written by the programs that users have: highdicom, pydicom, slicer-core, nibabel."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.dicom.reading.parsing import quiet_pydicom

from support.dicom_phantoms import SPACING, uid

LPS = np.diag([-1.0, -1, 1, 1])
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"


def write_seg(path: Path, images: list[Path], masks_kji: dict[str, np.ndarray], kind: str = "BINARY") -> Path:
    """Write a DICOM segmentation by highdicom.

    Args:
        path: of the file.
        images: of the series, in the order of the masks' planes.
        masks_kji: 0 and 1 by name; fractions from 0 to 1 for FRACTIONAL.
        kind: of the segmentation.
    """
    import highdicom as hd
    from pydicom.sr.codedict import codes

    with quiet_pydicom():
        sources = [pydicom.dcmread(image) for image in images]
        for source in sources:  # what the phantom leaves out
            for keyword in ("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyTime", "StudyID"):
                if keyword not in source:
                    setattr(source, keyword, "")
            source.SliceThickness = source.get("SliceThickness", SPACING[2])
        descriptions = [
            hd.seg.SegmentDescription(
                segment_number=number,
                segment_label=name,
                segmented_property_category=codes.SCT.Tissue,
                segmented_property_type=codes.SCT.Tissue,
                algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
                display_color=hd.color.CIELabColor.from_rgb(250, 30 * number, 10) if number < 8 else None,
            )
            for number, name in enumerate(masks_kji, start=1)
        ]
        stacked = np.stack(list(masks_kji.values()), axis=-1)
        if kind == "LABELMAP":
            stacked = np.max(stacked.astype(np.uint8) * np.arange(1, stacked.shape[-1] + 1, dtype=np.uint8), axis=-1)
        dataset = hd.seg.Segmentation(
            source_images=sources,
            pixel_array=stacked.astype(np.float32 if kind == "FRACTIONAL" else np.uint8),
            segmentation_type=kind,
            segment_descriptions=descriptions,
            series_instance_uid=uid("seg series", path),
            series_number=9,
            sop_instance_uid=uid("seg", path),
            instance_number=1,
            manufacturer="highdicom",
            manufacturer_model_name="highdicom",
            software_versions="0",
            device_serial_number="0",
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path)
    return path


def write_rtstruct(
    path: Path,
    contours: dict[str, list[np.ndarray]],
    series_uid: str = uid("series"),
    kind: str = "CLOSED_PLANAR",
) -> Path:
    """Write a structure set by pydicom; contours are (n, 3) points in LPS mm."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = RTSTRUCT, uid("rtstruct", path)
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = RTSTRUCT, uid("rtstruct", path)
    dataset.Modality, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "RTSTRUCT", uid("study"), uid("rt", path)
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = series_uid
    study.RTReferencedSeriesSequence = Sequence([series])
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = uid("frame"), Sequence([study])
    dataset.ReferencedFrameOfReferenceSequence = Sequence([frame])
    rois, drawn = [], []
    for number, (name, polygons) in enumerate(contours.items(), start=1):
        roi, item = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, uid("frame")
        item.ReferencedROINumber, item.ROIDisplayColor, item.ContourSequence = number, [255, 10 * number, 0], Sequence()
        for polygon in polygons:
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(polygon)
            contour.ContourData = [f"{value:.6f}"[:16] for value in np.asarray(polygon).ravel()]
            item.ContourSequence.append(contour)
        rois.append(roi)
        drawn.append(item)
    dataset.StructureSetROISequence, dataset.ROIContourSequence = Sequence(rois), Sequence(drawn)
    path.parent.mkdir(parents=True, exist_ok=True)
    with quiet_pydicom():
        dataset.save_as(str(path), enforce_file_format=True)
    return path


def write_seg_nrrd(path: Path, masks_ijk: dict[str, np.ndarray], affine_ras: np.ndarray) -> Path:
    """Write a segmentation as Slicer does, by its own storage node: overlapping segments get layers."""
    from support.scenes import segmentation, slicer_classes

    classes = slicer_classes()
    scene = classes.vtkMRMLScene()
    shape = next(iter(masks_ijk.values())).shape
    masks = {name: np.ascontiguousarray(mask.T) for name, mask in masks_ijk.items()}
    node = segmentation(scene, VolumeGeometry(shape, affine_ras), masks)
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    storage = classes.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    assert storage.WriteData(node)
    return path


def write_masks(folder: Path, masks_ijk: dict[str, np.ndarray], affine_ras: np.ndarray) -> Path:
    """Write one mask for each structure, as TotalSegmentator does."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, mask in masks_ijk.items():
        nib.save(nib.Nifti1Image(mask.astype(np.uint8), affine_ras), folder / f"{name}.nii.gz")
    return folder
