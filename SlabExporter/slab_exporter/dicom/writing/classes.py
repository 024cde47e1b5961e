"""Which kind of image is written, and which attributes it takes from where (PS3.3 annex A)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy.typing as npt

from ...core.text import Option, Sentence
from ...core.values import LOOKS_LIKE_CT, lowest_value


@dataclass(frozen=True)
class ImageClass:
    """A storage class.

    Attributes:
        uid: SOPClassUID.
        name: for people.
        defaults: keyword -> value of attributes that must be present (type 1, 2) where no source states them.
        technique: attributes of the acquisition that are copied from a source of the same class.
        image_type: the values of ImageType after DERIVED and SECONDARY.
    """

    uid: str
    name: str
    defaults: dict[str, object]
    technique: tuple[str, ...]
    image_type: tuple[str, ...]


# PS3.3 C.8.2.1 CT Image Module; KVP and AcquisitionNumber are type 2
CT_IMAGE = ImageClass(
    "1.2.840.10008.5.1.4.1.1.2",
    "CT Image",
    {"KVP": None, "AcquisitionNumber": None, "PatientPosition": ""},
    (
        "KVP", "ScanOptions", "DataCollectionDiameter", "ReconstructionDiameter", "DistanceSourceToDetector",
        "DistanceSourceToPatient", "GantryDetectorTilt", "TableHeight", "RotationDirection", "ExposureTime",
        "XRayTubeCurrent", "Exposure", "ExposureInuAs", "FilterType", "GeneratorPower", "FocalSpots",
        "ConvolutionKernel", "RevolutionTime", "SingleCollimationWidth", "TotalCollimationWidth", "TableSpeed",
        "TableFeedPerRotation", "SpiralPitchFactor", "CTDIvol", "RescaleType",
    ),
    ("AXIAL",),
)  # fmt: skip
# PS3.3 C.8.3.1 MR Image Module. ScanningSequence "RM" is research mode: nothing is known of a NIfTI's sequence.
MR_IMAGE = ImageClass(
    "1.2.840.10008.5.1.4.1.1.4",
    "MR Image",
    {
        "ScanningSequence": "RM", "SequenceVariant": "NONE", "ScanOptions": "", "MRAcquisitionType": "",
        "RepetitionTime": None, "EchoTime": None, "EchoTrainLength": None, "PatientPosition": "",
    },
    (
        "ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType", "SequenceName", "AngioFlag",
        "RepetitionTime", "EchoTime", "InversionTime", "NumberOfAverages", "ImagingFrequency", "ImagedNucleus",
        "EchoNumbers", "MagneticFieldStrength", "NumberOfPhaseEncodingSteps", "EchoTrainLength", "PercentSampling",
        "PercentPhaseFieldOfView", "PixelBandwidth", "TriggerTime", "NominalInterval", "BeatRejectionFlag",
        "ReceiveCoilName", "TransmitCoilName", "AcquisitionMatrix", "InPlanePhaseEncodingDirection", "FlipAngle",
        "SAR", "VariableFlipAngleFlag", "dBdt", "TemporalPositionIdentifier", "NumberOfTemporalPositions",
        "TemporalResolution",
    ),
    ("OTHER",),
)  # fmt: skip
# PS3.3 C.8.6.1 SC Equipment Module; WSD: made by a workstation
SECONDARY_CAPTURE = ImageClass(
    "1.2.840.10008.5.1.4.1.1.7",
    "Secondary Capture Image",
    {"ConversionType": "WSD", "PatientOrientation": ""},
    (),
    (),
)

# Copied from a DICOM source, once a series: PS3.3 C.7.1.1, C.7.2.1, C.7.2.2, C.7.3.1, C.7.4.1, C.7.5.1
COPIED = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientBirthTime", "PatientSex",
    "OtherPatientIDs", "EthnicGroup", "PatientComments", "PatientSpeciesDescription", "PatientIdentityRemoved",
    "DeidentificationMethod",
    "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber", "StudyDescription",
    "PhysiciansOfRecord", "NameOfPhysiciansReadingStudy",
    "AdmittingDiagnosesDescription", "PatientAge", "PatientSize", "PatientWeight", "Occupation",
    "AdditionalPatientHistory",
    "Laterality", "SeriesDate", "SeriesTime", "PerformingPhysicianName", "ProtocolName", "OperatorsName",
    "BodyPartExamined", "PatientPosition",
    "PositionReferenceIndicator",
    "Manufacturer", "InstitutionName", "InstitutionAddress", "StationName", "InstitutionalDepartmentName",
    "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions", "SpatialResolution",
    "ContrastBolusAgent", "ContrastBolusRoute", "ContrastBolusVolume", "ContrastBolusTotalDose",
    "BurnedInAnnotation",
)  # fmt: skip
# Lossy compression: holds for whatever is made of the values
LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
# Copied image by image
COPIED_PER_IMAGE = (
    "AcquisitionNumber", "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime", "ContentDate", "ContentTime",
    "SliceThickness", *LOSSY,
)  # fmt: skip
# Type 2: present even if nothing is known
ALWAYS_PRESENT = {
    "PatientName": "", "PatientID": "", "PatientBirthDate": "", "PatientSex": "",
    "StudyDate": "", "StudyTime": "", "ReferringPhysicianName": "", "StudyID": "", "AccessionNumber": "",
    "PositionReferenceIndicator": "", "Manufacturer": "", "SliceThickness": None,
}  # fmt: skip
# Body parts (PS3.16 annex L) that do not come in pairs: Laterality has no place beside them
UNPAIRED_PARTS = (
    "ABDOMEN", "ABDOMENPELVIS", "AORTA", "BACK", "BLADDER", "BRAIN", "CHEST", "CHESTABDOMEN", "CHESTABDPELVIS",
    "CIRCLEOFWILLIS", "COCCYX", "COLON", "CSPINE", "CTSPINE", "DUODENUM", "ESOPHAGUS", "FACE", "GALLBLADDER", "HEAD",
    "HEADNECK", "HEART", "ILEUM", "JAW", "LARYNX", "LIVER", "LSPINE", "LSSPINE", "MAXILLA", "MEDIASTINUM", "MOUTH",
    "NECK", "NECKCHEST", "NECKCHESTABDPELV", "NOSE", "PANCREAS", "PELVIS", "PENIS", "PHARYNX", "PROSTATE", "RECTUM",
    "SCALP", "SKULL", "SPINE", "SPLEEN", "SSPINE", "STERNUM", "STOMACH", "THYMUS", "THYROID", "TLSPINE", "TONGUE",
    "TRACHEA", "TSPINE", "URETER", "URETHRA", "UTERUS", "VAGINA", "VULVA", "WHOLEBODY",
)  # fmt: skip
# Enumerated values (PS3.3): another value of these is as good as none
ENUMERATED = {
    "PatientSex": ("M", "F", "O"), "PatientIdentityRemoved": ("YES", "NO"), "Laterality": ("R", "L"),
    "BurnedInAnnotation": ("YES", "NO"), "LossyImageCompression": ("00", "01"), "RotationDirection": ("CW", "CC"),
    "ScanningSequence": ("SE", "IR", "GR", "EP", "RM"), "MRAcquisitionType": ("2D", "3D"), "AngioFlag": ("Y", "N"),
    "SequenceVariant": ("SK", "MTC", "SS", "TRSS", "SP", "MP", "OSP", "NONE"), "BeatRejectionFlag": ("Y", "N"),
    "InPlanePhaseEncodingDirection": ("ROW", "COL"), "VariableFlipAngleFlag": ("Y", "N"),
}  # fmt: skip
# Words that are the same whoever is examined: enumerated values, and defined terms of PS3.3 and PS3.16 annex L
TERMS = {
    **ENUMERATED,
    "BodyPartExamined": (
        *UNPAIRED_PARTS, "ANKLE", "ARM", "BREAST", "CAROTID", "CLAVICLE", "ELBOW", "EXTREMITY", "EYE", "FEMUR", "FOOT",
        "HAND", "HIP", "KIDNEY", "KNEE", "LEG", "LUNG", "OVARY", "SHOULDER", "TESTIS", "THIGH", "WRIST",
    ),
    "PatientPosition": (
        "HFP", "HFS", "HFDR", "HFDL", "FFDR", "FFDL", "FFP", "FFS", "LFP", "LFS", "RFP", "RFS", "AFDR", "AFDL", "PFDR",
        "PFDL",
    ),
    "ScanOptions": ("PER", "RG", "CG", "PPG", "FC", "PFF", "PFP", "SP", "FS", "CT"),
    "ImagedNucleus": ("1H", "3HE", "7LI", "13C", "19F", "23NA", "31P", "129XE"),
    "RescaleType": ("HU", "HU_MOD", "OD", "US", "MGML", "Z_EFF", "ED", "EDW", "PCT"),
    "LossyImageCompressionMethod": (
        "ISO_10918_1", "ISO_14495_1", "ISO_15444_1", "ISO_15444_15", "ISO_13818_2", "ISO_14496_10", "ISO_23008_2",
    ),
    "PatientOrientation": ("A", "P", "R", "L", "H", "F"),
}  # fmt: skip
# Attributes that say who somebody is (the first of PS3.15 table E.1-1 that are copied here)
IDENTIFYING = (
    "PatientName", "PatientID", "PatientBirthDate", "OtherPatientIDs", "AccessionNumber", "ReferringPhysicianName",
    "InstitutionName", "OperatorsName", "PerformingPhysicianName",
)  # fmt: skip


def choose_class(
    asked: str | None, source_modality: str | None, source_class: str | None, voxels: npt.NDArray
) -> tuple[ImageClass, str, str]:
    """Return (storage class, Modality, why it was chosen).

    What the user asks for counts first, then the source's modality. Without either, a volume with
    values of -500 or less is taken for CT, and anything else is Secondary Capture with modality OT.
    """
    why: str = "asked for"
    modality = asked
    if modality is None and source_modality:
        modality, why = source_modality, "the source's"
    if modality is None:
        lowest = lowest_value(voxels)
        if lowest <= LOOKS_LIKE_CT:
            modality, why = "CT", f"values down to {lowest:g}, as in CT"
        else:
            modality, why = "OT", Sentence("nothing says what it is; ", Option("modality"), " does")
    if modality == "CT" or (asked is None and source_class == CT_IMAGE.uid):
        return CT_IMAGE, "CT", why
    if modality == "MR":
        return MR_IMAGE, "MR", why
    return SECONDARY_CAPTURE, modality, why
