"""Export random oblique heads, and compare every slab with where nibabel has it in the source.

    python Testing/endurance/oblique_heads.py --count 2000

Each head is rotated at random, left- or right-handed, has an sform, a qform or both, rounded to
float32 as in any NIfTI, and axes that may be off a right angle by the rounding of a DICOM's
cosines. A finding is a head that fails its own verification, whose slab holds another sform or
qform than the source's times translate(start), or that ITK places elsewhere than nibabel.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "SlabExporter")]

from slab_exporter.files.nifti import read_header  # noqa: E402
from slab_exporter.files.nifti_transforms import SAME_MM  # noqa: E402
from slab_exporter.files.readback import image_geometry  # noqa: E402
from support.headers import corner_distance, forms_in, nifti_header, write_nifti  # noqa: E402
from support.phantoms import rotation  # noqa: E402

# Voxels do not matter here; few of them, far apart, reach as far as those of a head.
SHAPE, VOXEL = (4, 5, 9), (57.0, 43.0, 26.0)
BATCH = 50


def random_head(generator: np.random.Generator) -> tuple[str, nib.nifti1.Nifti1Header]:
    """(what it is, header)."""
    kind = str(generator.choice(["sform", "qform", "both"]))
    handed = int(generator.choice([-1, 1]))
    lean = [generator.uniform(0, 360), generator.uniform(-45, 45), 0][int(generator.integers(3))]
    axis = tuple(generator.normal(size=3)) if generator.random() < 0.5 else (1.0, 0.0, 0.0)
    flips = np.diag([*generator.choice([-1.0, 1.0], 2), 1.0])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(lean, axis) @ flips
    if np.linalg.det(matrix[:3, :3]) * handed < 0:
        matrix[:3, 2] *= -1
    skew = np.eye(3)
    skew[0, 1] = generator.choice([0, 0, 1e-6, 1e-5, 1e-4, 1e-3])
    matrix[:3, :3] = matrix[:3, :3] @ skew * (np.array(VOXEL) * generator.uniform(0.8, 1.2, 3))
    matrix[:3, 3] = generator.normal(0, 120, 3)
    codes = int(generator.integers(1, 5)), int(generator.integers(1, 5))
    forms = {form: matrix if kind in (form, "both") else None for form in ("sform", "qform")}
    return kind, nifti_header(SHAPE, **forms, codes=codes)


def export(folder: Path, out: Path) -> str:
    """Export and verify a folder; what is said of it besides the summary."""
    from slab_exporter.cli.main import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        main(["export", str(folder), "-o", str(out), "--thickness", "4", "--format", "nii", "--axis", "k", "--quiet"])
        main(["verify", str(out)])
    return said.getvalue()


def off(source: Path, slab: Path, start: int) -> dict[str, float]:
    """Largest distance in mm of a slab's forms, and of what ITK makes of it, from nibabel's reading of the source."""
    step = np.eye(4)
    step[2, 3] = start
    shape = nib.load(slab).shape
    stated, held = forms_in(source), forms_in(slab)
    # NIfTI's reference code and nibabel may read a qform near a half turn differently
    reference = read_header(source).qform
    doubt = 0.0 if stated[1] is None else corner_distance(stated[1], reference, SHAPE)
    pairs = zip(("sform", "qform"), held, stated, (0.0, doubt), strict=True)
    result = {
        form: max(0.0, _distance(found, said @ step, shape) - unclear)
        for form, found, said, unclear in pairs
        if said is not None
    }
    if stated[0] is not None and reference is not None and corner_distance(stated[0], reference, SHAPE) > SAME_MM:
        # forms that disagree are said to, and only the one that is used is kept
        result = dict([min(result.items(), key=lambda item: item[1])])
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(slab))
    reader.ReadImageInformation()
    itk = image_geometry(reader).affine_ras
    # where both forms are there ITK may take the direction from one and the sizes from the other
    between = 0.0
    if held[0] is not None and held[1] is not None:
        qforms = (held[1], read_header(slab).qform)
        between = max(corner_distance(held[0], qform, shape) for qform in qforms)
    nearest = min(corner_distance(itk, said @ step, shape) for said in stated if said is not None)
    # so near to a half turn nibabel and ITK may read one qform differently, in the source as in the slab
    reader.SetFileName(str(source))
    with contextlib.suppress(RuntimeError):
        reader.ReadImageInformation()
        nearest = min(nearest, corner_distance(itk, image_geometry(reader).affine_ras @ step, shape))
    return result | {"itk": max(0.0, nearest - between)}


def _distance(found: np.ndarray | None, planned: np.ndarray, shape) -> float:
    return np.inf if found is None else corner_distance(found, planned, shape)


def main() -> int:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    findings, worst, checked = [], {"sform": 0.0, "qform": 0.0, "itk": 0.0}, 0
    for first in range(0, arguments.count, BATCH):
        with tempfile.TemporaryDirectory(prefix="oblique-heads-") as scratch:
            source, out = Path(scratch) / "in", Path(scratch) / "out"
            source.mkdir()
            kinds = {}
            for n in range(first, min(first + BATCH, arguments.count)):
                kinds[f"head{n:05}"], header = random_head(generator)
                write_nifti(source / f"head{n:05}.nii", header, np.zeros(SHAPE, np.int16))
            said = export(source, out)
            for name, kind in kinds.items():
                slabs = sorted((out / name / "images").glob("*.nii"))
                if len(slabs) != 3:
                    findings.append(f"{name} ({kind}): {[line for line in said.splitlines() if name in line]}")
                for n, slab in enumerate(slabs):
                    for what, distance in off(source / f"{name}.nii", slab, _start(out / name, n)).items():
                        worst[what] = max(worst[what], distance)
                        if distance > 1e-4:
                            findings.append(f"{name} ({kind}): {what} off by {distance:g} mm")
                checked += len(slabs)
            if "DIFFERENT" in said:
                findings += [line for line in said.splitlines() if "DIFFERENT" in line]
    for finding in findings[:40]:
        print(finding)
    print(f"largest distance in mm: {', '.join(f'{what} {distance:.2g}' for what, distance in worst.items())}")
    print(f"{arguments.count} heads, {checked} slabs, {len(findings)} findings")
    return 1 if findings else 0


def _start(case: Path, n: int) -> int:
    from slab_exporter.core.manifest import FILE_NAME, read_manifest

    return read_manifest(case / FILE_NAME).slabs[n].box.start[2]


if __name__ == "__main__":
    sys.exit(main())
