"""Files of options in the panel: what ``--options`` reads and exports write, loaded and saved."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _


class OptionsFiles:
    """Binds the two buttons.

    :param panel: the module's widget.
    """

    def __init__(self, panel):
        self._panel = panel
        panel.ui.loadOptionsButton.connect("clicked(bool)", self.onLoad)
        panel.ui.saveOptionsButton.connect("clicked(bool)", self.onSave)

    def onLoad(self, clicked=False):
        """Ask for a file, and take its settings."""
        path = qt.QFileDialog.getOpenFileName(None, _("Load options"), self._folder(), _("Options (*.json)"))
        if path:
            self.load(path)

    def onSave(self, clicked=False):
        """Ask for a file, and write the settings to it."""
        path = str(Path(self._folder()) / "options.json")
        path = qt.QFileDialog.getSaveFileName(None, _("Save options"), path, _("Options (*.json)"))
        if path:
            self.save(path)

    def load(self, path):
        """Take the settings of a file; nothing changes where it is refused.

        :param path: options.json of an export, or manifest.json of a case.
        """
        from slab_exporter.core.errors import SlabExporterError

        from ..views.options_file import taken_from
        from ..views.presets import set_values
        from ..views.words import in_panel_words

        panel, node = self._panel, self._panel.parameterNode
        try:
            taken = taken_from(Path(path))
        except SlabExporterError as error:
            self._tell((in_panel_words(error.sentence),))
            return
        panel.setParameterNode(None)  # boxes that show fewer decimals would round what is set
        set_values(taken.values, node)
        node.roi = None if taken.within is None else slicer.util.loadMarkups(str(taken.within))
        panel.setParameterNode(node)
        self._tell((_("Options taken from {name}.").format(name=Path(path).name), *taken.told))

    def save(self, path):
        """Write the settings to a file.

        :param path: to write; the user has agreed to replace it.
        """
        from slab_exporter.core.errors import SlabExporterError

        from ..views.options_file import save_options
        from ..views.words import in_panel_words

        panel = self._panel
        try:
            told = save_options(Path(path), panel.logic.settings(), panel.parameterNode.roi)
        except SlabExporterError as error:
            self._tell((in_panel_words(error.sentence),))
            return
        self._tell((_("Options saved to {name}.").format(name=Path(path).name), *told))

    def _tell(self, sentences):
        self._panel.input.say(sentences)
        self._panel.refresh()

    def _folder(self):
        return self._panel.parameterNode.outputFolder or str(Path.home())
