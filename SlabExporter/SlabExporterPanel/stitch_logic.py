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
        channel=None,
        show3D=False,
        asLabelMap=False,
        overwrite=False,
        progress=None,
    ):
        """Put slabs, or predictions named like them, back into one volume, and load it.

        Labels are loaded as a segmentation with names and colours, beside the volume that was cut.

        Example::

            from SlabExporter import SlabExporterLogic
            organs = SlabExporterLogic().stitch("/data/slabs/CT/manifest.json", "/data/organs.nrrd", "/data/predicted")
            print(organs.GetSegmentation().GetSegmentIDs(), organs.GetSegmentation().GetNthSegment(0).GetName())

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
        :param channel: of an export with several, stitch this one, or "all" of them; None for the first.
        :param show3D: of labels: show surfaces in 3D views too.
        :param asLabelMap: load labels as a label map volume instead.
        :param overwrite: replace the file where it exists.
        :param progress: called with a ProgressEvent for every slab; may raise Cancelled.
        :return: segmentation node where the values are labels (whole numbers from 0 on, of predictions or a label
            set), otherwise volume node. Of several numbers per voxel a list of volume nodes, one for each; masks that
            may overlap are one segmentation. None where that would be too many. What should be known about the
            result is logged as warnings.
        :raises slab_exporter.core.errors.SlabExporterError: with a sentence; nothing is left behind.
        """
        import logging

        from slab_exporter.core.manifest import read_manifest
        from slab_exporter.core.progress import no_progress
        from slab_exporter.stitch.predictions import Predictions
        from slab_exporter.stitch.stitching import StitchRequest, stitch_case

        from .views.stitching.stitch_view import manifest_file
        from .views.stitching.stitched import Origin, stitch_notes

        path = manifest_file(Path(manifestPath).expanduser())
        predictions = None if predictionsDirectory is None else Predictions(Path(predictionsDirectory).expanduser())
        result = stitch_case(
            path,
            Path(outputFile).expanduser(),
            StitchRequest(blend, fill, trustNames, labelSet, grid, argmax, channel),
            predictions,
            overwrite,
            progress or no_progress,
        )
        for text in stitch_notes(result):
            logging.warning("%s: %s", result.case, text)
        folder = None if predictions is None else predictions.folder
        origin = Origin(read_manifest(path), path.parent, folder, labelSet)
        return self.loadStitched(result, origin, show3D, asLabelMap).node
