"""Relate the voxels and the geometry of two volumes."""
