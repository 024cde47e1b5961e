"""The road of the original failure: NIfTI to DICOM by hand, batches of files, and back with dicom2nifti."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np


def naive_dicom(nifti: Path, folder: Path) -> list[Path]:
    """Write one DICOM file a slice as many notebooks do; every geometric step of it is wrong.

    The array's first axis (i) becomes DICOM's rows although DICOM's rows run along j; the position
    is the NIfTI's origin, in RAS and without the affine's directions; orientation is a constant.
    """
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    image = nib.load(nifti)
    volume = image.get_fdata().astype(np.int16)
    origin, zooms = image.affine[:3, 3], image.header.get_zooms()
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    paths = []
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(volume.shape[2]):
        pixels = volume[:, :, k]
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        ds = pydicom.Dataset()
        ds.file_meta = meta
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.Modality, ds.PatientName, ds.PatientID, ds.Manufacturer = "CT", "Nobody", "0", "None"
        ds.InstanceNumber, ds.AcquisitionNumber, ds.SeriesNumber = k + 1, 1, 1
        ds.ImagePositionPatient = [f"{v:.6g}" for v in (origin[0], origin[1], origin[2] + k * float(zooms[2]))]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing = [f"{float(v):.6g}" for v in zooms[:2]]
        ds.SliceThickness = f"{float(zooms[2]):.6g}"
        ds.Rows, ds.Columns = pixels.shape
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleSlope, ds.RescaleIntercept = 1, 0
        ds.PixelData = np.ascontiguousarray(pixels).tobytes()
        paths.append(folder / f"{k:04}.dcm")
        ds.save_as(paths[-1], enforce_file_format=True)
    return paths


def batch_to_nifti(paths: list[Path], output: Path) -> Path:
    """Some DICOM files back to NIfTI, with dicom2nifti's defaults."""
    import pydicom
    from dicom2nifti.convert_dicom import dicom_array_to_nifti

    dicom_array_to_nifti([pydicom.dcmread(path) for path in paths], str(output), reorient_nifti=True)
    return output
