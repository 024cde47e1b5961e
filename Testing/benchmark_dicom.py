"""How fast DICOM slabs are written, against a minimal SimpleITK series writer and nii2dcm.

    python Testing/benchmark_dicom.py [--slices 128] [--repeat 3] [--json FILE]

Whole processes: each reads the same uncompressed NIfTI and writes one file a slice. SlabExporter's
rows cut it into slabs of 64; the second one reads every image back and compares it, as a normal
export does. The last two rows are the writing alone, within one process, voxels in memory.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIDE = 512
SPACING = (0.7, 0.7, 1.5)


def phantom(path: Path, slices: int) -> None:
    """CT-like noise, LAS as most CT NIfTIs."""
    import nibabel as nib

    values = np.random.default_rng(0).integers(-1024, 3000, (SIDE, SIDE, slices)).astype(np.int16)
    image = nib.Nifti1Image(values, np.diag([-SPACING[0], *SPACING[1:], 1]))
    image.set_qform(image.affine, 1)
    nib.save(image, path)


def simpleitk_series(source: Path, out: Path) -> None:
    import SimpleITK as sitk

    write_with_simpleitk(sitk.ReadImage(str(source)), out)


def write_with_simpleitk(image, out: Path) -> None:
    """What SimpleITK's own DICOM series example does, and no more."""
    import SimpleITK as sitk

    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    d = image.GetDirection()
    cosines = "\\".join(str(d[n]) for n in (0, 3, 6, 1, 4, 7))
    for k in range(image.GetSize()[2]):
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
        writer.SetFileName(str(out / f"{k:04d}.dcm"))
        writer.Execute(plane)


def nii2dcm_series(source: Path, out: Path) -> None:
    from nii2dcm.run import run_nii2dcm

    run_nii2dcm(str(source), str(out), "MR")


def slab_exporter(source: Path, out: Path, *options: str) -> None:
    from SlabExporterLib.cli import main

    assert main(["export", str(source), "-o", str(out), "--format", "dicom", "--quiet", *options]) == 0


def writing_alone(source: Path, work: Path, repeat: int) -> dict[str, float]:
    """Seconds to write all images from memory."""
    import nibabel as nib
    import SimpleITK as sitk
    from SlabExporterLib.dicom.case_header import case_header
    from SlabExporterLib.dicom.slab_series import SlabSeries
    from SlabExporterLib.dicom.writer import write_images
    from SlabExporterLib.pure.dicom_options import DicomOptions
    from SlabExporterLib.pure.geometry import VolumeGeometry
    from SlabExporterLib.pure.source import SourceVolume

    nifti = nib.load(source)
    voxels = np.ascontiguousarray(np.asanyarray(nifti.dataobj).transpose(2, 1, 0))
    geometry = VolumeGeometry(nifti.shape, nifti.affine)
    volume = SourceVolume("phantom", "phantom.nii", "0", geometry, voxels)
    image = sitk.ReadImage(str(source))

    def ours(out: Path) -> None:
        header = case_header("phantom", volume, None, DicomOptions(), "0")
        write_images(SlabSeries(header, 0, 1, geometry.box, geometry), voxels, out)

    return {
        "SlabExporter, writing alone": timed(ours, work, repeat),
        "SimpleITK, writing alone": timed(lambda out: write_with_simpleitk(image, out), work, repeat),
    }


def timed(function, work: Path, repeat: int) -> float:
    times = []
    for _ in range(repeat):
        out = work / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        started = time.perf_counter()
        function(out)
        times.append(time.perf_counter() - started)
    return min(times)


PROCESSES = {
    "SlabExporter, without read-back": lambda s, o: slab_exporter(s, o, "--no-verify"),
    "SlabExporter, every image read back": slab_exporter,
    "SimpleITK series writer": simpleitk_series,
    "nii2dcm": nii2dcm_series,
}


def measure(slices: int, repeat: int) -> dict[str, float | None]:
    """Name -> seconds, None where a program is not installed or failed."""
    rows: dict[str, float | None] = {}
    with tempfile.TemporaryDirectory(prefix="benchmark-dicom-") as folder:
        work = Path(folder)
        source = work / "phantom.nii"
        phantom(source, slices)
        for name in PROCESSES:

            def run(out: Path, name: str = name) -> None:
                command = [sys.executable, __file__, "--only", name, str(source), str(out)]
                subprocess.run(command, check=True, capture_output=True)

            try:
                rows[name] = timed(run, work, repeat)
            except subprocess.CalledProcessError:
                rows[name] = None
        rows |= writing_alone(source, work, repeat)
    return rows


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "SlabExporter"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=128)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs=3, metavar=("NAME", "SOURCE", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        PROCESSES[options.only[0]](Path(options.only[1]), Path(options.only[2]))
        return
    rows = measure(options.slices, options.repeat)
    reference = rows["SimpleITK series writer"] or float("nan")
    print(f"| {SIDE} x {SIDE} x {options.slices}, int16 | seconds | against SimpleITK |\n|---|---|---|")
    for name, seconds in rows.items():
        against = rows["SimpleITK, writing alone"] if name.endswith("alone") else reference
        shown = "not installed |" if seconds is None else f"{seconds:.2f} | {seconds / against:.2f}"
        print(f"| {name} | {shown} |")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
