"""A button that installs the package an export asked for, into Slicer's own Python; nothing is installed unasked."""

import slicer
from slicer.i18n import tr as _


class PackageOffer:
    """Offers the package that a failed export needs.

    :param ui: the panel's widgets by name.
    """

    def __init__(self, ui):
        self.ui = ui
        self._package = ""
        ui.packageInstallButton.connect("clicked(bool)", self.onInstall)

    def offer(self, texts):
        """Show the button if one of the library's sentences is about a package that is missing."""
        from ..views.words import missing_package

        self._package = missing_package(texts)
        self.ui.packageOffer.visible = bool(self._package)
        self.ui.packageLabel.text = _("This needs the Python package '{name}'.").format(name=self._package)

    def onInstall(self, clicked=False):
        """Install it as Slicer does."""
        with slicer.util.tryWithErrorDisplay(_("The package could not be installed."), waitCursor=True):
            slicer.util.pip_install(self._package)
            self.ui.packageOffer.visible = False
