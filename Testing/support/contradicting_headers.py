"""Volume files whose headers contradict themselves, made at random, and what independent readers make of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import nrrd
import numpy as np

from support.headers import nifti_header
from support.phantoms import index_phantom, rotation

SHAPE = (5, 6, 8)
VOXELS = index_phantom(SHAPE)
NAN, INFINITE = float("nan"), float("inf")


@dataclass(frozen=True)
class Case:
    """A file and what an independent reader makes of it.

    Attributes:
        path: of the file.
        what: was done to its header.
        affine: IJK -> RAS mm; None: no reader can tell, so that it must be refused or warned about.
        voxels: (i, j, k).
    """

    path: Path
    what: str
    affine: np.ndarray | None
    voxels: np.ndarray


def random_affine(generator: np.random.Generator) -> np.ndarray:
    """Any place, mostly of orthogonal axes."""
    matrix = np.eye(4)
    turned = rotation(generator.choice([0, 0, 17, 180, 93]), tuple(generator.normal(size=3)))
    matrix[:3, :3] = turned @ np.diag(generator.choice([-1.0, 1.0], 3)) * generator.choice([0.01, 0.7, 2, 5], 3)
    if generator.random() < 0.1:
        matrix[0, 1] += generator.choice([1e-6, 1e-3, 0.3]) * np.linalg.norm(matrix[:3, 1])
    matrix[:3, 3] = generator.normal(0, 100, 3).round(2)
    return matrix


def _pixdim(header: Any, generator: np.random.Generator) -> str:
    axis = int(generator.integers(1, 4))
    factor = generator.choice([-1.0, -1.0, 1.5, 0.0, NAN, 1.0001, INFINITE])
    header["pixdim"][axis] *= factor
    return f"pixdim[{axis}] x {factor:g}"


def _qfac(header: Any, generator: np.random.Generator) -> str:
    header["pixdim"][0] = generator.choice([0, 1, -1, 2, -2, 0.5, NAN])
    return f"pixdim[0] = {header['pixdim'][0]:g}"


def _codes(header: Any, generator: np.random.Generator) -> str:
    header["sform_code"], header["qform_code"] = generator.choice([-1, 0, 1, 2, 3, 4, 5, 99], 2)
    return f"codes s {header['sform_code']}, q {header['qform_code']}"


def _units(header: Any, generator: np.random.Generator) -> str:
    header["xyzt_units"] = int(generator.choice([0, 1, 2, 3, 4, 7, 8, 10, 16, 32, 255]))
    return f"xyzt_units = {header['xyzt_units']}"


def _quaternion(header: Any, generator: np.random.Generator) -> str:
    name, value = f"quatern_{generator.choice(list('bcd'))}", generator.choice([0.3, 1, -1, 1.0001, 2, NAN])
    header[name] = value
    return f"{name} = {value:g}"


def _rows(header: Any, generator: np.random.Generator) -> str:
    name, column = f"srow_{generator.choice(list('xyz'))}", int(generator.integers(4))
    value = generator.choice([0, -1, 3, NAN, INFINITE, 1e12])
    header[name][column] = value
    return f"{name}[{column}] = {value:g}"


def _offsets(header: Any, generator: np.random.Generator) -> str:
    name, value = f"qoffset_{generator.choice(list('xyz'))}", generator.choice([0, 12.5, -1e6, NAN, INFINITE])
    header[name] = value
    return f"{name} = {value:g}"


def _scaling(header: Any, generator: np.random.Generator) -> str:
    header["scl_slope"], header["scl_inter"] = generator.choice([0, 1, 2, -1, 0.5, NAN, INFINITE], 2)
    return f"slope {header['scl_slope']:g}, inter {header['scl_inter']:g}"


def _intent(header: Any, generator: np.random.Generator) -> str:
    header["intent_code"] = int(generator.choice([0, 2, 1001, 1002, 1007, 1008, 2003, -5]))
    return f"intent_code = {header['intent_code']}"


def _slices(header: Any, generator: np.random.Generator) -> str:
    header["slice_code"], header["dim_info"] = int(generator.choice([0, 1, 6, 9, 200])), int(generator.integers(256))
    header["slice_start"], header["slice_end"] = generator.choice([-1, 0, 7, 99], 2)
    return f"slice_code {header['slice_code']}, dim_info {header['dim_info']}"


def _extents(header: Any, generator: np.random.Generator) -> str:
    header["extents"], header["session_error"] = generator.choice([0, 16384, -1], 2)
    header["regular"] = generator.choice([b"r", b"", b"x"])
    header["glmax"], header["glmin"] = generator.choice([0, -7, 32767], 2)
    return "extents, session_error, regular, glmax"


def _dimensions(header: Any, generator: np.random.Generator) -> str:
    header["dim"][0] = int(generator.choice([2, 3, 4, 5, 7]))
    header["dim"][int(generator.integers(4, 8))] = int(generator.choice([0, 1, 1, 2, -1]))
    return f"dim = {header['dim'].tolist()}"


def _bits(header: Any, generator: np.random.Generator) -> str:
    header["bitpix"] = int(generator.choice([0, 8, 16, 32]))
    return f"bitpix = {header['bitpix']}"


def _offset(header: Any, generator: np.random.Generator) -> str:
    header["vox_offset"] = generator.choice([0, 348, 352, 352.4, 368, -16, NAN])
    return f"vox_offset = {header['vox_offset']:g}"


NIFTI = (
    [_pixdim, _qfac, _codes, _units, _quaternion, _rows, _offsets, _scaling]
    + [_intent, _slices, _extents, _dimensions, _bits, _offset]
)  # fmt: skip


def nifti_case(path: Path, generator: np.random.Generator) -> Case:
    """A single file or a pair, with one to three contradictions."""
    forms = [random_affine(generator), random_affine(generator)]
    same, left_out = generator.random() < 0.6, generator.integers(4)
    sform, qform = forms[0], forms[0] if same else forms[1]
    codes = tuple(int(code) for code in generator.choice([1, 2, 4], 2))
    header = nifti_header(SHAPE, None if left_out == 1 else sform, None if left_out == 0 else qform, codes)
    changes = generator.choice(len(NIFTI), int(generator.integers(1, 4)), replace=False)
    what = "; ".join(NIFTI[n](header, generator) for n in changes)
    single = generator.random() < 0.8
    # padding on both sides, so that any offset finds voxels
    padding = bytes(4) if single else b""
    header["magic"] = b"n+1" if single else b"ni1"
    if not single:
        path, header["vox_offset"] = path.with_suffix(".hdr"), 0
        path.with_suffix(".img").write_bytes(VOXELS.tobytes(order="F"))
    content = header.binaryblock + padding + (VOXELS.tobytes(order="F") + bytes(64) if single else b"")
    path.write_bytes(content)
    affine, voxels = _by_nibabel(path)
    return Case(path, what, affine, voxels)


def _by_nibabel(path: Path) -> tuple[np.ndarray | None, np.ndarray]:
    """Place in mm and values as nibabel reads them; no place where it refuses or guesses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = nib.load(path)
            voxels = np.asanyarray(image.dataobj)
            while voxels.ndim > 3 and voxels.shape[-1] == 1:
                voxels = voxels[..., 0]
            affine = image.affine.copy()
        header = image.header
        if int(header["sform_code"]) <= 0 and int(header["qform_code"]) <= 0:
            return None, voxels
        # nibabel leaves the conversion to the caller
        affine[:3] *= {1: 1000.0, 3: 0.001}.get(int(header["xyzt_units"]) & 7, 1.0)
        return affine, voxels.reshape(voxels.shape + (1,) * (3 - voxels.ndim))
    except Exception:
        return None, VOXELS


_TO_RAS = {"left-posterior-superior": (-1, -1, 1), "LPS": (-1, -1, 1), "right-anterior-superior": (1, 1, 1)}
_TO_RAS |= {"RAS": (1, 1, 1), "left-anterior-superior": (-1, 1, 1), "LAS": (-1, 1, 1)}
_UNITS = {"": 1.0, "mm": 1.0, "um": 1e-3, "microns": 1e-3, "cm": 10.0, "m": 1e3, "nm": 1e-6, "furlong": None}


def nrrd_case(path: Path, generator: np.random.Generator) -> Case:
    """A header with a space, directions, an origin and a unit, or without some of them."""
    path = path.with_suffix(".nrrd")
    matrix = random_affine(generator)
    space = str(generator.choice([*_TO_RAS, *_TO_RAS, "", "scanner-xyz", "3D-right-handed", "3D-left-handed", "odd"]))
    unit = str(generator.choice(["", "", "mm", *_UNITS]))
    has_origin, has_directions = generator.random() < 0.9, generator.random() < 0.85
    lines = ["NRRD0005", "type: int16", "dimension: 3", "sizes: 5 6 8", "endian: little", "encoding: raw"]
    if has_directions:
        lines += [f"space: {space}" if space else "space dimension: 3"]
        lines += ["space directions: " + " ".join(_vector(matrix[:3, n]) for n in range(3))]
        lines += [f"space origin: {_vector(matrix[:3, 3])}"] if has_origin else []
        lines += [f'space units: "{unit}" "{unit}" "{unit}"'] if unit else []
    else:
        sizes = generator.choice(["2 3 4", "2 -3 4", "2 nan 4", "0 1 1", ""])
        lines += [f"spacings: {sizes}"] if sizes else []
        lines += [f'units: "{unit}" "{unit}" "{unit}"'] if unit else []
    if generator.random() < 0.3:
        lines.append(str(generator.choice(["centerings: cell cell cell", "kinds: domain domain domain", "content: x"])))
    path.write_bytes("\n".join([*lines, "", ""]).encode() + VOXELS.tobytes(order="F"))
    what = f"{space}, unit {unit!r}, {'directions' if has_directions else 'spacings'}"
    return Case(path, what, *_by_pynrrd(path))


def _by_pynrrd(path: Path) -> tuple[np.ndarray | None, np.ndarray]:
    """Place in mm and values as pynrrd reads them; no place where it refuses, or the header leaves it open."""
    try:
        voxels, header = nrrd.read(str(path))
    except nrrd.NRRDError:
        return None, VOXELS
    units = set(header.get("space units", [""]))
    unit_mm = _UNITS[units.pop()] if len(units) == 1 else None
    if header.get("space") not in _TO_RAS or "space origin" not in header or unit_mm is None:
        return None, voxels
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = header["space directions"].T, header["space origin"]
    affine = np.diag([*_TO_RAS[header["space"]], 1]) @ affine
    affine[:3] *= unit_mm
    return affine, voxels


def _vector(values: np.ndarray) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"


def meta_case(path: Path, generator: np.random.Generator) -> Case:
    """A header with a matrix, an offset, sizes and a unit, or without some of them."""
    path = path.with_suffix(".mha")
    matrix = random_affine(generator)
    sizes = np.linalg.norm(matrix[:3, :3], axis=0)
    unit, longer = str(generator.choice(["", "", "mm", "um", "cm"])), float(generator.choice([1, 1, 1, 1, 1.5]))
    directions = matrix[:3, :3] / sizes * longer
    signs = generator.choice([1, 1, 1, -1], 3)
    named = {
        str(generator.choice(["TransformMatrix", "Rotation", "Orientation"])): directions.T.ravel(),
        str(generator.choice(["Offset", "Position", "Origin"])): matrix[:3, 3],
        str(generator.choice(["ElementSpacing", "ElementSize"])): sizes * signs,
    }
    kept = {name: values for name, values in named.items() if generator.random() < 0.9}
    lines = ["ObjectType = Image", "NDims = 3", "BinaryData = True", "BinaryDataByteOrderMSB = False"]
    lines += [f"{name} = {' '.join(repr(float(v)) for v in values)}" for name, values in kept.items()]
    lines += [f"DistanceUnits = {unit}"] if unit else []
    lines += ["DimSize = 5 6 8", "ElementType = MET_SHORT", "ElementDataFile = LOCAL", ""]
    path.write_bytes("\n".join(lines).encode() + VOXELS.tobytes(order="F"))
    affine = None
    if len(kept) == 3 and longer == 1 and np.all(signs > 0):
        affine = np.diag([-1, -1, 1, 1]) @ matrix
        affine[:3] *= _UNITS[unit]
    return Case(path, f"{list(kept)}, unit {unit!r}, signs {signs.tolist()}, length {longer:g}", affine, VOXELS)
