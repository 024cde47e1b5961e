"""The frontier to Slicer's core libraries: scene, nodes, ROI, CropVolume logic."""
