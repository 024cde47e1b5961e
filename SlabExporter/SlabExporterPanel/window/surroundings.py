"""What happens around a run of the panel while Slicer's window goes on living."""

import slicer


class Surroundings:
    """The nodes that a run uses, and the main window; the user may remove or close them meanwhile.

    :param nodes: of the scene; None is left out.
    """

    def __init__(self, nodes=()):
        self._nodes = [node for node in nodes if node is not None]
        window = slicer.util.mainWindow()
        self._window = window if window is not None and window.visible else None

    def live(self):
        """Let Slicer repaint and answer; return whether all is still there.

        A node that was removed, the scene that was closed and a main window that is being closed are not.
        """
        slicer.app.processEvents()
        isOpen = self._window is None or self._window.visible
        return isOpen and all(slicer.mrmlScene.IsNodePresent(node) for node in self._nodes)
