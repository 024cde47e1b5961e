"""The Qt half of SlabExporter: the panel's widgets and the self-test. Runs inside 3D Slicer only."""
