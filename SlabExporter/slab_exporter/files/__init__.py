"""Bytes on disk: headers, voxels, packing, reading back. Nothing of Slicer."""
