"""The logic for panel, Python console and scripts.

What is cut, what the panel shows and which button can be pressed is decided below and beside this
file, in plain Python; it is imported when it is needed.
"""

import uuid
from pathlib import Path

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .parameters import SlabExporterParameterNode, forgetUnreadable
from .result_logic import ResultLogic
from .scene_logic import SceneLogic
from .stitch_logic import StitchLogic


class SlabExporterLogic(StitchLogic, ResultLogic, SceneLogic, ScriptedLoadableModuleLogic):
    """The same work from the Python console and from scripts."""

    def getParameterNode(self):
        """The scene's settings for this module, made if there are none."""
        node = super().getParameterNode()
        forgetUnreadable(node)
        return SlabExporterParameterNode(node)

    def settings(self, replaceable=""):
        """The scene's settings as the view model wants them.

        :param replaceable: folder of the case whose earlier export may be replaced; empty for none.
        """
        from .settings import DicomTexts, PanelSettings
        from .views.frames import asked_frames

        node = self.getParameterNode()
        isNamed = node.namedVolume is not None and node.namedVolume is node.volume
        return PanelSettings(
            thickness=node.thickness,
            unit=node.unit.value,
            axis=node.axis.value,
            block=node.block,
            cut_at=node.cutAt,
            crop=node.onePiece,
            overlap=node.overlap,
            remainder=node.remainder.value,
            fill=node.fill,
            keep=node.keep.value,
            min_percent=node.minPercent,
            crop_to=node.cropTo.value,
            margin=node.margin,
            orient=node.orient,
            spacing=node.spacing,
            format=node.fileFormat.value,
            compression=node.compression.value,
            dicom=DicomTexts(node.dicomModality, node.dicomPatientName, node.dicomPatientId, node.dicomStudy),
            nnunet_id=node.nnunetId,
            nnunet_name=node.nnunetName,
            output=node.outputFolder,
            name=node.caseName if isNamed else "",
            replace=replaceable,
            frames=asked_frames(node.volume, node.framesChoice.value, node.framesText),
        )

    def stitchSettings(self):
        """The same for the Stitch section."""
        from .views.stitching.stitch_view import StitchSettings

        node = self.getParameterNode()
        return StitchSettings(
            manifest=node.stitchManifest,
            predictions=node.stitchPredictions,
            part=node.stitchPart,
            blend=node.stitchBlend.value,
            grid=node.stitchGrid.value,
            fill=node.stitchFill,
            argmax=node.stitchArgmax,
            trust_names=node.stitchTrustNames,
            output=node.stitchOutput,
            replace=node.stitchReplace,
        )

    def exportSlabs(
        self,
        volumeNode,
        outputDirectory,
        labelNodes=None,
        thickness=None,
        *,
        thicknessMm=None,
        cutAt=None,
        axis=None,
        block=None,
        blockMm=None,
        overlap=0,
        remainder="keep",
        fill=None,
        keep="all",
        minFraction=None,
        cropTo=None,
        margin=None,
        crop=False,
        orient=None,
        spacing=None,
        like=None,
        interpolation=None,
        channelNodes=None,
        roiNode=None,
        name=None,
        format="nii.gz",
        compression="fast",
        labelAffine="file",
        labelTolerance=None,
        allowUneven=None,
        allowDamaged=False,
        resample=False,
        modality=None,
        patientName=None,
        patientId=None,
        studyDescription=None,
        segments=None,
        quantize=False,
        newUids=False,
        deidentify=False,
        layout=None,
        datasetId=None,
        datasetName=None,
        frame=None,
        frames=None,
        verify=True,
        overwrite=False,
        progress=None,
    ):
        """Cut a volume node into slabs, verify them, and write them to ``outputDirectory``/``name``.

        Example::

            from SlabExporter import SlabExporterLogic
            volume, labels = slicer.util.getNode("CT"), slicer.util.getNode("Segmentation")
            manifest = SlabExporterLogic().exportSlabs(volume, "/data/slabs", labels, thickness=64)

        :param volumeNode: scalar volume node, not under a transform. One that Slicer's DICOM database knows keeps
            patient, study and what each image says.
        :param outputDirectory: folder of the data set; made if missing, cases of earlier exports in it stay.
        :param labelNodes: label map or segmentation nodes: one, a list, or a dictionary by the name of the set.
        :param thickness: slices per slab; None for 64.
        :param thicknessMm: thickness in mm instead, rounded to whole slices.
        :param cutAt: slabs that are not equally thick: indices along the axis at which they begin, such as (40, 104).
        :param axis: "axial" (None), "coronal", "sagittal", or the index axis "i", "j", "k".
        :param block: blocks instead of slabs: voxels along i, j, k, such as (96, 96, 64) or "all,all,64".
        :param blockMm: the same in mm, rounded to whole voxels.
        :param overlap: slices that neighbouring slabs share; of blocks voxels, one number or (i, j, k).
        :param remainder: of a last slab that is not full, one of ``slab_exporter.core.options.REMAINDERS``.
        :param fill: value of padded voxels; None chooses air for CT and 0 otherwise.
        :param keep: "all", or only the slabs and blocks that hold labels ("labelled") or a part of the body ("body").
        :param minFraction: with ``keep``, the part of the voxels that must be such; None for a single voxel.
        :param cropTo: cut only the box around the "labels", or around the "body".
        :param margin: mm to leave around that box.
        :param crop: write that box, the ROI's or the whole volume as one piece.
        :param orient: letters that i, j, k shall point to, such as "RAS", before cutting; None for the volume's order.
        :param spacing: mm of a voxel, one number or (i, j, k), 0 for an axis that stays: resample before cutting.
        :param like: path of a volume whose grid is taken instead.
        :param interpolation: of an image that is resampled: "linear" (None) or "bspline".
        :param channelNodes: further volume nodes on the same grid, by the names of their channels: {"t2": node}.
        :param roiNode: markups ROI to stay within.
        :param name: of the case; the volume node's name if None.
        :param format: "nii.gz", "nii", "nrrd" or "dicom".
        :param compression: "fast" or "small".
        :param labelAffine: "image" gives label maps of the volume's shape that do not lie on it its geometry.
        :param labelTolerance: how far, in voxels, a label map may lie off the volume's grid; None for a hundredth.
        :param allowUneven: mm that an image of Slicer's DICOM database may lie off a regular volume.
        :param allowDamaged: take the other images of a series of the database of which some are lost or damaged.
        :param resample: make a regular volume of a tilted or uneven series of the database, by interpolation.
        :param modality: of DICOM slabs, such as "MR"; None chooses by the voxels.
        :param patientName: of DICOM slabs, as "Doe^Jane"; None for the case's name as a placeholder.
        :param patientId: of DICOM slabs; likewise.
        :param studyDescription: of DICOM slabs; None for what was cut.
        :param segments: path of a .csv with names and colours of label values, for DICOM SEG.
        :param quantize: round values that DICOM's 16 bits cannot hold; the largest error is stated.
        :param newUids: other DICOM identifiers than last time for the same input.
        :param deidentify: call the case case-0001, unless it has a ``name``, and let no file say whose images it holds.
        :param layout: "nnunet": also lay the folder's cases out as nnU-Net wants them; needs labels.
        :param datasetId: number of nnU-Net's data set, from 1 to 999.
        :param datasetName: its name.
        :param frame: number of the frame, from 0, of a volume that shows one of a sequence; None for the one it shows.
        :param frames: "all", "0:40" (half-open) or a list: these frames together, in slabs that hold each of them.
        :param verify: read every slab back and compare it with the volume.
        :param overwrite: replace an earlier export of this case.
        :param progress: called with a ProgressEvent for every slab; may raise Cancelled.
        :return: the manifest: ``manifest.slabs[0].image``, ``.box``, ``.geometry.affine_ras`` (mm, RAS) and so on.
        :raises slab_exporter.core.errors.SlabExporterError: with a sentence that says what to do.
        """
        from slab_exporter.core.options import DataSetOptions, DicomOptions, ExportRequest, LabelOptions, SeriesOptions
        from slab_exporter.core.options.prepare import made_ready
        from slab_exporter.core.pieces.keeping import KeepOptions
        from slab_exporter.core.pieces.limiting import LimitOptions
        from slab_exporter.core.pieces.shape import slab_options
        from slab_exporter.core.progress import no_progress
        from slab_exporter.core.several.choice import frames_text
        from slab_exporter.export.from_scene import export_nodes

        salt = uuid.uuid4().hex if newUids is True else newUids or ""
        segments = None if segments is None else str(segments)
        request = ExportRequest(
            slabs=slab_options(thickness, thicknessMm, axis, overlap, remainder, fill, block, blockMm, crop, cutAt),
            format=format,
            compression=compression,
            verify=verify,
            keep=KeepOptions(keep, minFraction),
            limit=LimitOptions(cropTo, margin),
            prepare=made_ready(orient, spacing, like, interpolation),
            labels=LabelOptions(labelAffine, labelTolerance),
            series=SeriesOptions(None if allowUneven is None else float(allowUneven), resample, allowDamaged),
            frame=frame,
            frames=None if frames is None else frames_text(frames),
            dicom=DicomOptions(
                modality, patientName, patientId, studyDescription, quantize, deidentify, salt, segments
            ),
        )
        return export_nodes(
            volumeNode,
            Path(outputDirectory).expanduser(),
            request,
            labelNodes,
            roiNode,
            name,
            replace=overwrite,
            progress=progress or no_progress,
            channels=channelNodes,
            data_set=DataSetOptions(layout=layout, dataset_id=datasetId, dataset_name=datasetName),
            database=self.dicomDatabase,
        )

    def createSlabROIs(
        self,
        volumeNode,
        thickness=None,
        *,
        thicknessMm=None,
        cutAt=None,
        axis=None,
        block=None,
        blockMm=None,
        overlap=0,
        remainder="keep",
        orient=None,
        spacing=None,
        like=None,
        roiNode=None,
    ):
        """Show the slabs that ``exportSlabs`` would cut as coloured boxes in the scene; nothing is written.

        Example::

            from SlabExporter import SlabExporterLogic
            rois = SlabExporterLogic().createSlabROIs(slicer.util.getNode("CT"), thickness=64, overlap=8)
            print(len(rois), rois[0].GetSize())

        :return: markups ROI nodes in numbering order. A second call replaces the boxes of the first.
        :raises slab_exporter.core.errors.SlabExporterError: with a sentence that says what to do.
        """
        from slab_exporter.core.options import ExportRequest
        from slab_exporter.core.options.prepare import made_ready
        from slab_exporter.core.pieces.shape import slab_options
        from slab_exporter.mrml.slab_rois import show_preview

        from .views.panel_view import plan_of

        sizes = {"block": block, "block_mm": blockMm, "cut_at": cutAt}
        options = slab_options(thickness, thicknessMm, axis, overlap, remainder, **sizes)
        request = ExportRequest(slabs=options, prepare=made_ready(orient, spacing, like, None))
        plan = plan_of(request, volumeNode, roiNode)
        return show_preview(slicer, slicer.mrmlScene, plan, volumeNode)
