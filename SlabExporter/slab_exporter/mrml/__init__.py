"""The frontier to Slicer: scene, nodes, ROI, CropVolume logic."""
