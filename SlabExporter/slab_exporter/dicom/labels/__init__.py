"""DICOM objects that label images: segmentations and structure sets."""
