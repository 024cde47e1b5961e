"""Stored pixel values of one plane, from native or compressed pixel data (PS3.5 section 8)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import InputError
from ...core.text import Package, Sentence, sizes
from .series import PixelFormat, Slice

_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", _BIG_ENDIAN)
# Transfer syntax (PS3.5 section 10, PS3.6 annex A) -> its name, and the package whose decoder pydicom uses for it.
_DECODERS = {
    "1.2.840.10008.1.2.4.50": ("JPEG Baseline", "pylibjpeg pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.51": ("JPEG Extended", "pylibjpeg pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.57": ("JPEG Lossless", "pylibjpeg pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.70": ("JPEG Lossless SV1", "pylibjpeg pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.80": ("JPEG-LS Lossless", "pylibjpeg pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.81": ("JPEG-LS", "pylibjpeg pylibjpeg-libjpeg"),
    "1.2.840.10008.1.2.4.90": ("JPEG 2000 Lossless", "pylibjpeg pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.4.91": ("JPEG 2000", "pylibjpeg pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.4.201": ("High-Throughput JPEG 2000 Lossless", "pylibjpeg pylibjpeg-openjpeg>=2"),
    "1.2.840.10008.1.2.4.202": ("High-Throughput JPEG 2000 Lossless RPCL", "pylibjpeg pylibjpeg-openjpeg>=2"),
    "1.2.840.10008.1.2.4.203": ("High-Throughput JPEG 2000", "pylibjpeg pylibjpeg-openjpeg>=2"),
    "1.2.840.10008.1.2.5": ("RLE", "pylibjpeg pylibjpeg-rle"),
}


def stored_planes(dataset: Any, planes: list[Slice]) -> list[npt.NDArray]:
    """Stored values (before rescale) of planes of one file, each rows x columns, in native byte order.

    Args:
        dataset: the file with its pixels; call within ``parsing.parsing``.
        planes: of this file.

    Raises:
        InputError: fewer bytes than promised, another size than the header said, compressed against
            its transfer syntax, no decoder.
    """
    first = planes[0]
    if (int(dataset.Rows), int(dataset.Columns)) != (first.rows, first.columns):
        raise InputError(f"{first.path} has been changed while it was being read.")
    content = dataset.get("PixelData")
    for keyword in ("FloatPixelData", "DoubleFloatPixelData"):
        if keyword in dataset:
            raise InputError(
                f"{first.path} holds {keyword}, fractional pixels (PS3.3 C.7.6.24), which are not supported."
            )
    if not content:
        raise InputError(f"{first.path} holds no pixels: it was cut off, or is only a header.")
    if first.pixel.transfer_syntax in _NATIVE:
        if dataset["PixelData"].is_undefined_length:  # PS3.5 A.4: only compressed pixels are written so
            raise InputError(
                f"{first.path} contradicts itself: its pixels are compressed, but its transfer syntax "
                f"{first.pixel.transfer_syntax} says that they are not. Export it again from where it came from."
            )
        return [_meaningful(_native(content, plane), plane.pixel) for plane in planes]
    frames = _decoded(dataset, first)
    return [_meaningful(frames[plane.frame or 0], plane.pixel) for plane in planes]


def needs_decoder(pixel: PixelFormat) -> bool:
    """Return whether pixels are compressed, so that other packages make sense of them, and of damaged ones."""
    return pixel.transfer_syntax not in _NATIVE


def stored_dtype(pixel: PixelFormat) -> np.dtype:
    """The integer type of stored values."""
    return np.dtype(f"{'i' if pixel.signed else 'u'}{pixel.allocated // 8}")


def _native(content: bytes, plane: Slice) -> npt.NDArray:
    dtype = stored_dtype(plane.pixel).newbyteorder(">" if plane.pixel.transfer_syntax == _BIG_ENDIAN else "<")
    count = plane.rows * plane.columns
    start = count * dtype.itemsize * (plane.frame or 0)
    if len(content) < start + count * dtype.itemsize:
        raise InputError(
            f"{plane.path} is truncated or its header is wrong: it holds {len(content)} bytes of pixels where "
            f"{plane.columns} x {plane.rows} pixels of {plane.pixel.allocated} bits need "
            f"{start + count * dtype.itemsize}. Copy or download the file again."
        )
    array = np.frombuffer(content, dtype, count, start).reshape(plane.rows, plane.columns)
    return array.astype(stored_dtype(plane.pixel), copy=False)


def _meaningful(array: npt.NDArray, pixel: PixelFormat) -> npt.NDArray:
    """Only the bits that hold the value: old files keep overlays in the others (PS3.5 8.1.1)."""
    if pixel.stored == pixel.allocated:
        return array
    bits = pixel.allocated
    wide = array.view(f"u{bits // 8}") << np.array(bits - 1 - pixel.high_bit, f"u{bits // 8}")
    # An arithmetic shift back drops the low bits and extends the sign.
    return wide.view(array.dtype) >> np.array(bits - pixel.stored, array.dtype)


def _decoded(dataset: Any, first: Slice) -> npt.NDArray:
    """All frames of a compressed file: by pydicom's decoders, or by GDCM inside SimpleITK."""
    try:
        array = dataset.pixel_array
    except Exception:  # pydicom says in many ways that it has no decoder
        array = _decoded_by_gdcm(dataset, first)
    frames = np.asarray(array).reshape(-1, *np.shape(array)[-2:])
    wanted = max(1, int(dataset.get("NumberOfFrames") or 1))
    if frames.shape != (wanted, first.rows, first.columns):
        raise InputError(
            f"{first.path} contradicts itself: its pixels decode to {sizes(frames.shape[::-1])} where "
            f"its header says {first.columns} x {first.rows} x {wanted}."
        )
    return frames.astype(stored_dtype(first.pixel), copy=False)


def _decoded_by_gdcm(dataset: Any, first: Slice) -> npt.NDArray:
    import SimpleITK as sitk

    for keyword in ("RescaleSlope", "RescaleIntercept", "SharedFunctionalGroupsSequence"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.PhotometricInterpretation = "MONOCHROME2"  # ITK inverts the values of MONOCHROME1
    with tempfile.TemporaryDirectory(prefix="slab-exporter-") as folder:
        path = Path(folder) / "image.dcm"
        try:
            dataset.save_as(str(path))
            # The reader that decodes; ITK's others would only guess at the file.
            return sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO"))
        except Exception as error:  # SimpleITK's, or pydicom's over a damaged element
            raise InputError(_no_decoder(first)) from error


def _no_decoder(plane: Slice) -> str:
    name, package = _DECODERS.get(plane.pixel.transfer_syntax, ("", ""))
    if not package:
        return (
            f"{plane.path} is compressed with the transfer syntax {plane.pixel.transfer_syntax}, "
            "which no reader here can decode. Decompress it first, for example with dcmdjpeg or gdcmconv --raw."
        )
    return Sentence(
        f"{plane.path} is compressed ({name}), and the readers installed here cannot decode it. If the file is not "
        "damaged, install a decoder: ",
        Package(package),
        ".",
    )
