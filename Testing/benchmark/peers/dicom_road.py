"""NIfTI -> DICOM -> batches of 64 files -> dicom2nifti for each batch.

The road that people take who have scripts for DICOM only. The DICOM files are a minimal CT
series with the right geometry, one file a slice; dicom2nifti runs with its defaults.
"""

from __future__ import annotations

from pathlib import Path

import dicom2nifti
import nibabel
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from slabs import case_name, run_peer, slab_file, slab_ranges

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def series_template(case: str, affine_lps: np.ndarray, shape_ijk) -> Dataset:
    """Return what all images of the series share; the affine is in LPS millimetres."""
    spacing = np.linalg.norm(affine_lps[:3, :3], axis=0)
    directions = affine_lps[:3, :3] / spacing
    image = Dataset()
    image.SOPClassUID = CTImageStorage
    image.Modality = "CT"
    image.PatientName = image.PatientID = case
    image.StudyInstanceUID = generate_uid()
    image.SeriesInstanceUID = generate_uid()
    image.FrameOfReferenceUID = generate_uid()
    image.ImageOrientationPatient = [round(v, 9) for v in directions[:, :2].T.ravel().tolist()]
    image.PixelSpacing = [round(float(spacing[1]), 6), round(float(spacing[0]), 6)]
    image.SliceThickness = round(float(spacing[2]), 6)
    image.Columns, image.Rows = shape_ijk[:2]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.PixelRepresentation = 1
    image.RescaleSlope, image.RescaleIntercept = 1, 0
    return image


def write_slice(image: Dataset, file: Path, k: int, affine_lps, slice_ij) -> None:
    """Write slice k; `slice_ij` is indexed column first, as NIfTI has it."""
    image.SOPInstanceUID = generate_uid()
    image.InstanceNumber = k + 1
    position = affine_lps @ [0, 0, k, 1]
    image.ImagePositionPatient = [round(float(v), 6) for v in position[:3]]
    image.PixelData = slice_ij.T.tobytes()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.save_as(file, enforce_file_format=True)


def export_volume(volume: Path, case_folder: Path) -> None:
    source = nibabel.load(volume)
    voxels = np.asanyarray(source.dataobj)
    affine_lps = RAS_TO_LPS @ source.affine
    image = series_template(case_name(volume), affine_lps, voxels.shape)
    for index, (start, stop) in enumerate(slab_ranges(voxels.shape[2])):
        batch = case_folder / f"dicom-{index}"
        batch.mkdir()
        for k in range(start, stop):
            write_slice(image, batch / f"{k:04d}.dcm", k, affine_lps, voxels[:, :, k])
        dicom2nifti.dicom_series_to_nifti(batch, slab_file(case_folder, index))


if __name__ == "__main__":
    run_peer(export_volume)
