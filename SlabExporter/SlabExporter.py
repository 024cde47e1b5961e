"""SlabExporter in 3D Slicer: the module class, and the classes that Slicer looks for in this file."""

import slicer
from SlabExporterPanel.logic import SlabExporterLogic  # noqa: F401
from SlabExporterPanel.parameters import SlabExporterParameterNode  # noqa: F401
from SlabExporterPanel.sample_data import registerSampleData
from SlabExporterPanel.self_tests.module import SlabExporterTest  # noqa: F401
from SlabExporterPanel.window.widget import SlabExporterWidget  # noqa: F401
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

HOMEPAGE = "https://github.com/SlabExporter/SlicerSlabExporter"


class SlabExporter(ScriptedLoadableModule):
    """The module as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("SlabExporter")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Exporter")]
        parent.dependencies = ["CropVolume", "Markups", "Volumes", "Segmentations"]
        parent.contributors = ["The SlabExporter contributors"]
        parent.helpText = _(
            "Cuts a volume, with its label maps, into slabs that lie in the patient exactly where they came from, "
            'and verifies every one. See the <a href="{url}">tutorial</a>.'
        ).format(url=f"{HOMEPAGE}#readme")
        parent.acknowledgementText = _("Built on Slicer's Crop Volume module, and on ITK, VTK and SimpleITK.")
        slicer.app.connect("startupCompleted()", registerSampleData)
