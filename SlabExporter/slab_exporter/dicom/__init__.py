"""DICOM: reading and judging series, writing series. Needs pydicom and numpy, no Slicer."""
