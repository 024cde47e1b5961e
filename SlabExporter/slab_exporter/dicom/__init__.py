"""DICOM series: how they are read, and how slabs are written as such."""
