"""DICOM series made for tests, with nothing but pydicom: as regular or as faulty as asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from slab_exporter.dicom.reading.parsing import quiet_pydicom

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
SPACING = (0.7, 0.9, 2.5)
ORIGIN = (-91.5, 37.25, -412.0)


def uid(*parts: object) -> str:
    """The same for the same parts."""
    return str(generate_uid(entropy_srcs=[str(part) for part in parts]))


def voxels(shape_kji: tuple[int, int, int] = (6, 9, 7), low: int = -1000) -> np.ndarray:
    """Values that are all different, int16."""
    return (np.arange(np.prod(shape_kji)).reshape(shape_kji) + low).astype(np.int16)


def write_image(path: Path, plane: np.ndarray, position: Any, **attributes: Any) -> Path:
    """One image; ``attributes`` replace the defaults, None removes one."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = attributes.pop("TransferSyntaxUID", ExplicitVRLittleEndian)
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    values = {
        "SOPClassUID": CT,
        "SOPInstanceUID": uid("image", path),
        "StudyInstanceUID": uid("study"),
        "SeriesInstanceUID": uid("series"),
        "FrameOfReferenceUID": uid("frame"),
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "PatientID": "P1",
        "PatientName": "Test^Phantom",
        "StudyDate": "20200102",
        "SeriesNumber": 3,
        "SeriesDescription": "phantom",
        "InstanceNumber": 1,
        "PixelSpacing": [SPACING[1], SPACING[0]],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": None if position is None else [f"{p:.10g}" for p in position],
        "Rows": plane.shape[0],
        "Columns": plane.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": plane.dtype.itemsize * 8,
        "BitsStored": plane.dtype.itemsize * 8,
        "HighBit": plane.dtype.itemsize * 8 - 1,
        "PixelRepresentation": int(plane.dtype.kind == "i"),
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "PixelData": plane.tobytes(),
    }
    with quiet_pydicom():
        for keyword, value in (values | attributes).items():
            if value is not None:
                setattr(dataset, keyword, value)
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OW"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    with quiet_pydicom():
        if pydicom.__version__ < "3":
            dataset.is_little_endian, dataset.is_implicit_VR = True, False
            dataset.save_as(str(path), write_like_original=False)
        else:
            dataset.save_as(str(path), enforce_file_format=True)
    return path


def write_series(
    folder: Path, values_kji: np.ndarray, heights: Any = None, shift: float = 0.0, **attributes: Any
) -> Path:
    """A series of axial images.

    Args:
        folder: made.
        values_kji: one plane an image.
        heights: z (mm) of each; evenly spaced if None.
        shift: how far (mm along y) each image is moved against the one before, as by a tilted gantry.
        attributes: of all images; a function of the image's number may stand for a value.
    """
    heights = [ORIGIN[2] + n * SPACING[2] for n in range(len(values_kji))] if heights is None else heights
    for n, (plane, z) in enumerate(zip(values_kji, heights, strict=True)):
        own = {k: v(n) if callable(v) else v for k, v in attributes.items()}
        position = (ORIGIN[0], ORIGIN[1] + n * shift, z)
        write_image(folder / f"{n:03d}", plane, position, **({"InstanceNumber": n + 1} | own))
    return folder


def change(path: Path, **attributes: Any) -> None:
    """Set attributes of a file."""
    dataset = pydicom.dcmread(path)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(str(path))
