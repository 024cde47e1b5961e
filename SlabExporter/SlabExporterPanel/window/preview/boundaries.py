"""Boundaries of slabs: typed into the table, or dragged as points in the slice views."""

import slicer

# Marks the node whose points are the boundaries.
ATTRIBUTE = "SlabExporter.Boundaries"


class Boundaries:
    """Takes over what the user types and drags into the setting of boundaries.

    :param panel: the module's widget.

    The points go with the module: they are hidden from other modules, and not saved.
    """

    def __init__(self, panel):
        self._panel, self.ui = panel, panel.ui
        self._node, self._tags, self._placed = None, [], ()
        self._isPlacing = self._isHeld = False
        self.ui.slabTable.connect("cellChanged(int,int)", self.onCellChanged)
        self.ui.equalSlabsButton.connect("clicked(bool)", self.onEqual)
        self.ui.dragBoundariesCheckBox.connect("toggled(bool)", panel.onModified)
        self._before = None

    def follow(self):
        """Take settings as they are that have just been loaded or made."""
        self._before = None

    def refresh(self, view):
        """Let go of boundaries along another axis, and take over what was dragged since the last time.

        :param view: the PanelView that the points were placed for, or None.
        """
        node = self._panel.parameterNode
        now, before = ((node.axis, node.orient, node.spacing), node.cutAt), self._before
        if before is not None and before[0] != now[0] and before[1] == now[1]:
            node.cutAt = ""  # in another order, indices are other slices
        else:
            self._takeOver(view)
        self._before = (now[0], node.cutAt)

    def _takeOver(self, view):
        from ...views.preview.boundaries import dragged

        if self._node is None or view is None or view.plan is None or not self._placed:
            return
        points = [tuple(self._node.GetNthControlPointPositionWorld(n)) for n in range(len(self._placed))]
        moved = [n for n, (now, then) in enumerate(zip(points, self._placed, strict=True)) if _apart(now, then) > 1e-3]
        if moved:
            self._placed = tuple(points)
            text = dragged(view.plan, moved[0], points[moved[0]])
            if text != dragged(view.plan, moved[0], self._standing[moved[0]]):
                self._panel.parameterNode.cutAt = text

    def show(self, view):
        """Bring widgets and points to what the view says."""
        ui, node = self.ui, self._panel.parameterNode
        isSlabs = view.plan is not None and view.plan.kind == "slab"
        ui.boundariesEdit.enabled = not node.onePiece and not node.block.strip()
        ui.equalSlabsButton.enabled = bool(node.cutAt.strip())
        isBounded = ui.boundariesEdit.enabled and bool(node.cutAt.strip())
        ui.thicknessSpinBox.enabled = ui.remainderComboBox.enabled = not isBounded
        ui.dragBoundariesCheckBox.enabled = isSlabs and len(view.plan.slabs) > 1
        if ui.dragBoundariesCheckBox.checked and ui.dragBoundariesCheckBox.enabled:
            self._place(view.plan)
        else:
            self.remove()

    def lock(self, locked):
        """Let no point be dragged while an export runs."""
        if self._node is not None:
            self._node.SetLocked(locked)

    def remove(self):
        """Take the points away."""
        node, self._node, self._placed, self._isHeld = self._node, None, (), False
        if node is not None and node.GetScene() is not None:
            for tag in self._tags:
                node.RemoveObserver(tag)
            slicer.mrmlScene.RemoveNode(node)

    def onCellChanged(self, row, column):
        """The user typed first and last slice of a slab, or how many."""
        from slab_exporter.core.errors import RequestError

        from ...views.preview.boundaries import typed
        from ...views.words import in_panel_words

        table = self._panel.preview.table
        text = table.typedSlices(row, column)
        if text is None:
            return
        try:
            self._panel.parameterNode.cutAt = typed(self._panel.view.plan, row, text)
        except RequestError as error:
            self._panel.preview.complain(in_panel_words(error.sentence))
        table.forget()
        self._panel.onModified()

    def onEqual(self, _=None):
        """Equal slabs again."""
        if self._panel.parameterNode:
            self._panel.parameterNode.cutAt = ""

    def onPointModified(self, caller=None, event=None):
        """A point was moved, by hand or by a script."""
        if not self._isPlacing:
            self._panel.onModified()

    def onHeld(self, caller=None, event=None):
        """The user takes a point."""
        self._isHeld = True

    def onReleased(self, caller=None, event=None):
        """The user lets go of it: it snaps to the boundary."""
        self._isHeld = False
        self._panel.onModified()

    def _place(self, plan):
        """Put a point at each boundary; one that the user holds stays where it is held."""
        from ...views.preview.boundaries import boundary_name, boundary_points

        self._standing = boundary_points(plan)
        if self._node is None or self._node.GetScene() is None:
            self._make()
        node = self._node
        _showIn(node.GetDisplayNode(), plan)
        if self._isHeld and node.GetNumberOfControlPoints() == len(self._standing):
            for n in range(len(self._standing)):
                node.SetNthControlPointLabel(n, boundary_name(plan, n))
            return
        self._isPlacing = True
        while node.GetNumberOfControlPoints() > len(self._standing):
            node.RemoveNthControlPoint(node.GetNumberOfControlPoints() - 1)
        for n, point in enumerate(self._standing):
            if n == node.GetNumberOfControlPoints():
                node.AddControlPointWorld(*point)
            elif _apart(node.GetNthControlPointPositionWorld(n), point) > 1e-6:
                node.SetNthControlPointPositionWorld(n, *point)
            node.SetNthControlPointLabel(n, boundary_name(plan, n))
        self._placed = tuple(tuple(node.GetNthControlPointPositionWorld(n)) for n in range(len(self._standing)))
        self._isPlacing = False

    def _make(self):
        node = slicer.vtkMRMLMarkupsFiducialNode()
        node.SetName("Slab boundaries")
        node.SetAttribute(ATTRIBUTE, "1")
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        node.SetUndoEnabled(False)
        self._node = node = slicer.mrmlScene.AddNode(node)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetHideFromEditors(True)
        display.SetSaveWithScene(False)
        display.SetSelectedColor(1.0, 0.8, 0.2)
        display.SetSliceProjection(True)  # in every slice, not only in the one through the middle
        display.SetSliceProjectionOpacity(1.0)
        display.SetPointLabelsVisibility(True)
        events = {
            slicer.vtkMRMLMarkupsNode.PointModifiedEvent: self.onPointModified,
            slicer.vtkMRMLMarkupsNode.PointStartInteractionEvent: self.onHeld,
            slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent: self.onReleased,
        }
        self._tags = [node.AddObserver(event, function) for event, function in events.items()]


def _showIn(display, plan):
    """Show the points where they lie beside one another: not in slice views along the axis, one behind the other."""
    from ...views.preview.boundaries import shows_boundaries

    slices = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    shown = [node for node in slices if shows_boundaries(plan, _normal(node))]
    views = [*shown, *slicer.util.getNodesByClass("vtkMRMLViewNode")] if shown else []
    wanted = [node.GetID() for node in views]
    if list(display.GetViewNodeIDs()) != wanted:
        display.SetViewNodeIDs(wanted)


def _normal(sliceNode):
    return tuple(sliceNode.GetSliceToRAS().GetElement(row, 2) for row in range(3))


def _apart(one, other):
    """Distance of two points in mm."""
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5
