"""SimpleITK's reader of files, safe in several threads.

ITK's reader of NIfTI headers keeps the name of the last file in a static string without a lock (``prev`` in
``NiftiImageIO::ReadImageInformation``): two threads that replace it at once free the same memory, and the process
is gone. So one file is read at a time, whatever its format.
"""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import Any

_ALONE = threading.Lock()


def itk_reader(path: Path, image_io: str = "") -> Any:
    """Return a ``SimpleITK.ImageFileReader`` for a file, which waits for others that are reading.

    Args:
        path: of the file, which is not opened yet.
        image_io: name of ITK's own reader of the format; without it each of its thirty opens the file until
            one takes it.
    """
    reader = _reader_class()()
    reader.SetFileName(str(path))
    reader.SetImageIO(image_io)
    return reader


def read_itk_image(path: Path) -> Any:
    """Return a file as a SimpleITK image.

    Raises:
        RuntimeError: ITK cannot read it.
    """
    return itk_reader(path).Execute()


@functools.cache
def _reader_class() -> Any:
    import SimpleITK as sitk

    class ReaderAlone(sitk.ImageFileReader):  # type: ignore[misc]  # SimpleITK has no types
        def ReadImageInformation(self) -> None:  # noqa: N802
            with _ALONE:
                super().ReadImageInformation()

        def Execute(self) -> Any:  # noqa: N802
            with _ALONE:
                return super().Execute()

    return ReaderAlone
