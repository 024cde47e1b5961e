"""Many tiny cases in one folder, and many DICOM files of many series: time and memory grow as the numbers do.

    python Testing/endurance/growth.py FOLDER [--cases 1250 2500 5000] [--files 5000 10000 20000]

Prints seconds, peak memory and the size of the report for each number, and the ratio of processor seconds
per case (file) between the largest number and the smallest: 1 is linear. Wants Linux.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
from pathlib import Path

import numpy as np
import pydicom

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "SlabExporter")]

# ruff: noqa: E402
from support.dicom_phantoms import uid, write_image
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (8, 8, 6)
FILES_IN_SERIES = 200


def make_cases(folder: Path, count: int) -> Path:
    """``count`` volumes of some kilobytes, all different."""
    folder.mkdir(parents=True)
    for n in range(count):
        save_nifti(folder / f"case_{n:05d}.nii.gz", index_phantom(SHAPE) + np.int16(n % 30000), affine())
    return folder


def make_series(folder: Path, files: int, in_series: int = FILES_IN_SERIES) -> Path:
    """DICOM images in one folder, of series with ``in_series`` of them, in no order."""
    folder.mkdir(parents=True)
    path = write_image(folder.with_name("template"), np.zeros((8, 8), np.int16), (0, 0, 0))
    image = pydicom.dcmread(path)
    for n in range(files):
        number, place = n % (files // in_series), n // (files // in_series)
        image.SeriesInstanceUID = uid("series", number)
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid("image", n)
        image.SeriesNumber, image.InstanceNumber = number, place + 1
        image.ImagePositionPatient = [0, 0, 2 * place]
        image.PixelData = np.full((8, 8), n % 30000, np.int16).tobytes()
        image.save_as(folder / f"{n:06d}.dcm")
    path.unlink()
    return folder


def measure(what: str, folder: Path, numbers: list[int], options: tuple[object, ...]) -> float:
    """Export data sets of several sizes; returns seconds per unit of the largest over those of the smallest."""
    from processes import watch

    make = make_cases if what == "cases" else make_series
    rates = []
    for number in numbers:
        here = folder / f"{what}-{number}"
        shutil.rmtree(here, ignore_errors=True)
        make(here / "in", number)
        before = _processor_seconds()
        run = watch("export", here / "in", "-o", here / "out", *options)
        seconds = _processor_seconds() - before
        peak = max(size for samples in run.samples.values() for _, size in samples) / 1e6
        report = (here / "out" / "report.html").stat().st_size / 1e6
        print(f"{number} {what}: exit code {run.code}, {run.seconds:.1f} s, {seconds:.1f} s of processors,", end=" ")
        print(f"peak {peak:.0f} MB, report {report:.1f} MB", flush=True)
        rates.append(seconds / number)
        shutil.rmtree(here)
    return rates[-1] / rates[0]


def _processor_seconds() -> float:
    """Of all processes that have ended: what else the machine does at the time matters less."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, nargs="*", default=[1250, 2500, 5000])
    parser.add_argument("--files", type=int, nargs="*", default=[5000, 10000, 20000])
    options = parser.parse_args()
    for what, numbers in (("cases", options.cases), ("files", options.files)):
        if numbers:
            ratio = measure(what, options.folder, numbers, ("--thickness", 64, "--quiet"))
            print(f"seconds per unit, {numbers[-1]} {what} against {numbers[0]}: {ratio:.2f}")


if __name__ == "__main__":
    main()
