"""Bytes on disk: headers, compression, read-back. Needs no Slicer."""
