"""Volume nodes that show one frame of a sequence, such as a time of a perfusion study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_BROWSER = "vtkMRMLSequenceBrowserNode"


@dataclass(frozen=True)
class ShownFrame:
    """The frame of a sequence that a node shows at the moment.

    Attributes:
        sequence: name of the sequence.
        number: of the frame, from 0.
        count: of frames.
    """

    sequence: str
    number: int
    count: int

    def sentence(self, name: str) -> str:
        """Return what an export of the node called ``name`` leaves out.

        >>> ShownFrame("Perfusion", 2, 20).sentence("Perfusion")
        "'Perfusion' shows frame 2 of the 20 (0 to 19) of the sequence 'Perfusion': this frame alone is exported."
        """
        return (
            f"'{name}' shows frame {self.number} of the {self.count} (0 to {self.count - 1}) of the sequence "
            f"'{self.sequence}': this frame alone is exported."
        )


def shown_frame(node: Any) -> ShownFrame | None:
    """Return the frame that a node shows; None where it does not follow a sequence of several."""
    scene = node.GetScene()
    for number in range(scene.GetNumberOfNodesByClass(_BROWSER) if scene is not None else 0):
        browser = scene.GetNthNodeByClass(number, _BROWSER)
        sequence = browser.GetSequenceNode(node)
        if sequence is not None and sequence.GetNumberOfDataNodes() > 1:
            return ShownFrame(sequence.GetName(), browser.GetSelectedItemNumber(), sequence.GetNumberOfDataNodes())
    return None
