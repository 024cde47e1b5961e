"""What is checked before anything is called certain: every voxel, motion block by block, and chance."""
