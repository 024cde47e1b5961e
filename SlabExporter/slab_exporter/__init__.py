"""SlabExporter: cut medical volumes into slabs with the geometry right, and prove it.

Everything below the Slicer panel lives here and runs on the PyPI wheel ``slicer-core`` as well as
inside 3D Slicer. Imports point one way:

* ``pure``: geometry, planning, request, naming, manifest (standard library and numpy only);
* ``files``: bytes on disk (NIfTI headers, gzip, read-back through SimpleITK); no Slicer;
* ``mrml``: Slicer's core libraries (scene, volume nodes, ROI, CropVolume logic);
* modules of this folder: the pipeline for one case, the run over many, the command line.

Importing this package imports none of them.
"""

__version__ = "0.1.0"
