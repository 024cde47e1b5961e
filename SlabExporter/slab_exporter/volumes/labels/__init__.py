"""Label maps of every kind, put on their image's voxels."""
