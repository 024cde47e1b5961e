"""Judge .nrrd, .mha and the like by their headers, before Slicer loads them."""

from __future__ import annotations

from pathlib import Path

import numpy.typing as npt

from ..core.errors import InputError
from ..core.naming import volume_extension
from .machine import require_memory
from .metaimage import judge_metaimage_header, require_whole
from .quiet import native_messages_hidden


def judge_before_loading(path: Path) -> None:
    """Refuse vectors, more than three dimensions, and more voxels than memory holds.

    Raises:
        InputError: with the number that is wrong.
    """
    import SimpleITK as sitk

    packed = judge_metaimage_header(path) if volume_extension(path) in (".mha", ".mhd") else None
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with native_messages_hidden():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(
            f"{path} cannot be read: its header is damaged or of a kind that ITK refuses ({_reason(error)})."
        ) from error
    sizes = reader.GetSize()
    components = reader.GetNumberOfComponents()
    if components > 1:
        raise InputError(
            f"{path} holds {components} numbers a voxel (colours or vectors). Convert it to a scalar volume first."
        )
    if len([n for n in sizes if n > 1]) > 3 or len(sizes) > 4:
        raise InputError(
            f"{path} has {len(sizes)} dimensions ({' x '.join(map(str, sizes))}). Split it into 3D volumes first."
        )
    count = 1
    for n in sizes:
        count *= n
    size = count * _bytes_of(reader.GetPixelID())
    require_memory(path, size)
    if packed is not None:
        require_whole(path, packed, size)


def lost_integers(path: Path, loaded: npt.NDArray) -> npt.NDArray | None:
    """The whole numbers of a file (KJI) that was loaded as floats, which round large ones; None for any other file.

    Slicer's reader does that to integers of 64 bits.
    """
    import SimpleITK as sitk

    if loaded.dtype.kind != "f":
        return None
    with native_messages_hidden():
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        stored = sitk.GetArrayViewFromImage(sitk.Image([1, 1], reader.GetPixelID())).dtype
        return sitk.GetArrayFromImage(reader.Execute()).reshape(loaded.shape) if stored.kind in "iu" else None


def _bytes_of(pixel_id: int) -> int:
    import SimpleITK as sitk

    return sitk.Image([1, 1], pixel_id).GetSizeOfPixelComponent()


def _reason(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".")[-200:] if lines else "no reason given"
