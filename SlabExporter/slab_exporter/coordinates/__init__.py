"""Points and transforms between voxels, RAS, LPS and FSL."""
