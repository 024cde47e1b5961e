"""SimpleITK: one DICOM file a slice, with the few attributes that place it; nothing is checked.

What SimpleITK's own example of writing a series does, and no more.
"""

from __future__ import annotations

from pathlib import Path

import SimpleITK
from slabs import run_peer


def export_volume(volume: Path, case_folder: Path) -> None:
    image = SimpleITK.ReadImage(str(volume))
    writer = SimpleITK.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    direction = image.GetDirection()
    cosines = "\\".join(str(direction[n]) for n in (0, 3, 6, 1, 4, 7))
    for k in range(image.GetDepth()):
        plane = image[:, :, k]
        position = image.TransformIndexToPhysicalPoint((0, 0, k))
        for tag, value in (
            ("0008|0060", "CT"),
            ("0020|000e", "2.25.1"),
            ("0008|0018", f"2.25.1.{k + 1}"),
            ("0020|0013", str(k + 1)),
            ("0020|0032", "\\".join(map(str, position))),
            ("0020|0037", cosines),
        ):
            plane.SetMetaData(tag, value)
        writer.SetFileName(str(case_folder / f"{k:04d}.dcm"))
        writer.Execute(plane)


if __name__ == "__main__":
    run_peer(export_volume)
