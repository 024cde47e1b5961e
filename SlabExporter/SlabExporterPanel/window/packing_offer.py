"""The panel's offer to install the package that packs several times faster; nothing is installed unasked."""

import qt
import slicer
from slicer.i18n import tr as _

ANSWERED = "SlabExporter/PackingOfferAnswered"
PACKAGE = "isal"


class PackingOffer:
    """Shows the offer until the user has answered it once.

    :param ui: the panel's widgets by name.
    """

    def __init__(self, ui):
        self.ui = ui
        ui.packingInstallButton.connect("clicked(bool)", self.onInstall)
        ui.packingRefuseButton.connect("clicked(bool)", self.onRefuse)
        self.show()

    def show(self):
        """Show the offer where it is of use and has not been answered."""
        from slab_exporter.files.gzip_codec import has_isal

        self.ui.packingOffer.visible = not has_isal() and qt.QSettings().value(ANSWERED) is None

    def onInstall(self, clicked=False):
        """Install the package into Slicer's Python, and use it from now on."""
        from slab_exporter.files.gzip_codec import take_up_isal

        with slicer.util.tryWithErrorDisplay(_("The package could not be installed."), waitCursor=True):
            slicer.util.pip_install(PACKAGE)
            if not take_up_isal():
                raise ImportError(f"{PACKAGE} was installed but cannot be imported; restart Slicer.")
        self.show()

    def onRefuse(self, clicked=False):
        """Never ask again."""
        qt.QSettings().setValue(ANSWERED, "refused")
        self.show()
