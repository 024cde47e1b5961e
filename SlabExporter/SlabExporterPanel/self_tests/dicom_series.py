"""A small CT series for the self-test, made with nothing but pydicom."""

SHAPE_KJI = (10, 9, 7)
SPACING = (0.7, 0.9, 2.5)
PATIENT = ("Test^Phantom", "P-1")
FIRST_EXPOSURE = 100


def write_series(folder, shift=0.0, gap=SPACING[2], number=1):
    """Write axial CT images whose values and exposures all differ.

    :param folder: made.
    :param shift: how far each image is moved along its columns against the one before, in mm, as by a tilted gantry.
    :param gap: between the last two images, in mm.
    :param number: of the series; each has identifiers of its own.
    :return: the UID of the frame of reference.
    """
    import numpy as np
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    folder.mkdir(parents=True)
    common = Dataset()
    common.SOPClassUID, common.Modality = CTImageStorage, "CT"
    common.PatientName, common.PatientID = PATIENT
    common.StudyDate, common.SeriesNumber, common.SeriesDescription = "20200102", number, f"Phantom {number}"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(common, keyword, generate_uid())
    common.ImageType, common.KVP = ["ORIGINAL", "PRIMARY", "AXIAL"], 120
    common.PixelSpacing, common.ImageOrientationPatient = [SPACING[1], SPACING[0]], [1, 0, 0, 0, 1, 0]
    common.SliceThickness = SPACING[2]
    common.Rows, common.Columns = SHAPE_KJI[1:]
    common.SamplesPerPixel, common.PhotometricInterpretation, common.PixelRepresentation = 1, "MONOCHROME2", 1
    common.BitsAllocated, common.BitsStored, common.HighBit = 16, 16, 15
    common.RescaleSlope, common.RescaleIntercept = 1, -24
    heights = [-400 + n * SPACING[2] for n in range(SHAPE_KJI[0])]
    heights[-1] = heights[-2] + gap
    values = np.arange(np.prod(SHAPE_KJI), dtype=np.int16).reshape(SHAPE_KJI) - 600
    for n, plane in enumerate(values):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        image = FileDataset(str(folder / f"{n:03d}.dcm"), {}, file_meta=meta, preamble=b"\0" * 128)
        image.update(common)
        image.SOPInstanceUID, image.InstanceNumber = meta.MediaStorageSOPInstanceUID, n + 1
        image.Exposure = FIRST_EXPOSURE + n
        image.ImagePositionPatient = [-20.5, 11.25 + n * shift, heights[n]]
        image.PixelData = plane.tobytes()
        _save(image)
    return str(common.FrameOfReferenceUID)


def _save(image):
    """Write a file with its meta header; Slicer 5.10 has pydicom 2, later ones pydicom 3."""
    import pydicom

    if pydicom.__version__ < "3":
        image.is_little_endian, image.is_implicit_VR = True, False
        image.save_as(image.filename, write_like_original=False)
    else:
        image.save_as(image.filename, enforce_file_format=True)
