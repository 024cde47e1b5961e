"""What the module's logic does on the way back: slabs and predictions into one volume."""

from pathlib import Path


class StitchLogic:
    """Part of ``SlabExporterLogic``, which loads the result."""

    def stitch(
        self,
        manifestPath,
        outputFile,
        predictionsDirectory=None,
        blend=None,
        trustNames=False,
        *,
        labelSet=None,
        fill=None,
        grid="cut",
        argmax=False,
        overwrite=False,
        progress=None,
    ):
        """Put slabs, or predictions named like them, back into one volume, and load it.

        Example::

            from SlabExporter import SlabExporterLogic
            organs = SlabExporterLogic().stitch("/data/slabs/CT/manifest.json", "/data/organs.nrrd", "/data/predicted")
            slicer.util.setSliceViewerLayers(background=slicer.util.getNode("CT"), label=organs)

        :param manifestPath: of a manifest.json, or of the case's folder.
        :param outputFile: .nii.gz, .nii or .nrrd file to be written.
        :param predictionsDirectory: folder of predictions; None for the export's own slabs.
        :param blend: of overlaps: "first", "mean", "gaussian", "vote" or "max"; None chooses "first" for the export's
            own slabs, "vote" for predictions of whole numbers and "mean" for others.
        :param trustNames: take predictions whose geometry was lost, by their names and shapes alone.
        :param labelSet: stitch this label set of the export instead of its images.
        :param fill: value of voxels that no slab holds; None chooses air for CT and 0 otherwise.
        :param grid: of the result: "cut", or "source" where the volume was made ready before it was cut.
        :param argmax: of predictions with one number per class write the number of the largest, from 0.
        :param overwrite: replace the file where it exists.
        :param progress: called with a ProgressEvent for every slab; may raise Cancelled.
        :return: volume node, or label map node where the values are labels (whole numbers from 0 on, of predictions
            or a label set). None where there are several numbers per voxel: the file is written, but not loaded.
            What should be known about the result is logged as warnings.
        :raises slab_exporter.core.errors.SlabExporterError: with a sentence; nothing is left behind.
        """
        import logging

        from slab_exporter.core.progress import no_progress
        from slab_exporter.stitch.predictions import Predictions
        from slab_exporter.stitch.stitching import StitchRequest, stitch_case

        from .views.stitch_view import manifest_file, stitch_notes

        result = stitch_case(
            manifest_file(Path(manifestPath).expanduser()),
            Path(outputFile).expanduser(),
            StitchRequest(blend, fill, trustNames, labelSet, grid, argmax),
            None if predictionsDirectory is None else Predictions(Path(predictionsDirectory).expanduser()),
            overwrite,
            progress or no_progress,
        )
        for text in stitch_notes(result):
            logging.warning("%s: %s", result.case, text)
        return self.loadStitched(result)
