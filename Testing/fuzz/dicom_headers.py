"""Export DICOM series whose images contradict each other, and ask independent readers what they say.

    python Testing/fuzz/dicom_headers.py --count 500

Small CT and MR series of 4 to 12 images, with up to three contradictions in per-image attributes
(``support.contradicting_series``). Each series must be refused, or be warned about by the name of the
attribute, or come out as pydicom reads it: every image once, its values rescaled by its own header,
every corner where its own header puts it, and nothing in one volume that makes values or positions
incomparable. Anything else is a silent difference, and a finding. What comes out in silence is also
compared with dcm2niix, where it is installed. A refusal must name a file or an attribute, and a remedy; an
option that it names must work.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "SlabExporter")]

from slab_exporter.dicom.reading.parsing import quiet_pydicom  # noqa: E402
from support.command_line import refusals  # noqa: E402
from support.contradicting_series import CHANGES, random_images, write_images  # noqa: E402
from support.headers import corner_distance  # noqa: E402

BATCH = 25
REMEDY = r"(Put|Keep|Give|Go|Correct|Convert|Copy|Without|They|Choose|Take|Find|Move|Export)\b"
# What the library calls rounding of a position (mm)
ROUNDING_MM = 0.02
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
# What all images of a volume share that state it
SHARED = (
    "EchoTime", "EchoNumbers", "InversionTime", "DiffusionBValue", "ConvolutionKernel", "KVP", "Modality",
    "ContrastBolusAgentPhase", "PhotometricInterpretation", "FrameOfReferenceUID", "RescaleType",
    "TemporalPositionIdentifier",
)  # fmt: skip
MOST_ACQUISITIONS = 4


@dataclass(frozen=True)
class Plane:
    """An image as pydicom reads it.

    Attributes:
        name: of the file.
        header: its attributes.
        values: rescaled, (columns, rows); None where pydicom cannot tell.
        corners: (4, 3) LPS mm of the centres of its corner pixels; None where it does not state them.
    """

    name: str
    header: pydicom.Dataset
    values: np.ndarray | None
    corners: np.ndarray | None


def by_pydicom(path: Path) -> Plane:
    """One image with its own rescale, position, direction and size of pixels."""
    header = pydicom.dcmread(path)
    try:
        slope, intercept = header.get("RescaleSlope"), header.get("RescaleIntercept")
        values = header.pixel_array.T * float(1 if slope is None else slope) + float(intercept or 0)
        row, column = np.reshape([float(c) for c in header.ImageOrientationPatient], (2, 3))
        between_rows, between_columns = map(float, header.PixelSpacing)
        first = np.array([float(c) for c in header.ImagePositionPatient])
        across, down = row * between_columns * (header.Columns - 1), column * between_rows * (header.Rows - 1)
        return Plane(path.name, header, values, np.array([first, first + across, first + down, first + across + down]))
    except Exception:
        return Plane(path.name, header, None, None)


def contradictions(planes: list[Plane]) -> list[str]:
    """Attributes in which images of one volume contradict each other, so that a reader must be told."""
    found = [keyword for keyword in SHARED if not _agree([plane.header.get(keyword) for plane in planes])]
    for keyword, default in (("RescaleSlope", 1), ("RescaleIntercept", 0)):
        stated = [plane.header.get(keyword) for plane in planes]
        if len({float(default if value is None else value) for value in stated}) > 1:
            found.append("rescaled")
    if len({"RescaleSlope" in plane.header or "RescaleIntercept" in plane.header for plane in planes}) > 1:
        found.append("RescaleSlope")
    if len({str(plane.header.get("ContrastBolusAgent") or "") for plane in planes}) > 1:
        found.append("ContrastBolusAgent")
    types = [plane.header.get("ImageType") for plane in planes if plane.header.get("ImageType")]
    if len({tuple(values) for values in types}) > 1:
        found.append("ImageType")
    acquisitions = {plane.header.get("AcquisitionNumber") for plane in planes} - {None}
    if 1 < len(acquisitions) <= min(MOST_ACQUISITIONS, (len(planes) - 1) // 2):
        found.append("AcquisitionNumber")
    return found


def _agree(values: list[Any]) -> bool:
    stated = [value for value in values if value not in (None, "")]
    with contextlib.suppress(TypeError, ValueError):
        numbers = [float(value) for value in stated]
        return not numbers or max(numbers) - min(numbers) <= 0.01 * max(map(abs, numbers))
    return len(set(map(str, stated))) <= 1


def export(folder: Path, out: Path, *options: str) -> dict[str, str]:
    """Export a folder of series; the sentence for each that was refused."""
    from slab_exporter.cli.main import main

    said = io.StringIO()
    options = (
        "--split-series",
        "--thickness",
        "3",
        "--remainder",
        "balance",
        "--axis",
        "k",
        "--format",
        "nii",
        "--quiet",
        *options,
    )
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        main(["export", str(folder), "-o", str(out), *options])
    refused = refusals(out)
    if refused or any(out.glob("*/manifest.json")):
        return refused
    return {path.name: said.getvalue() for path in folder.iterdir() if path.name in said.getvalue()}


def volumes_of(name: str, out: Path) -> list[tuple[np.ndarray, np.ndarray, list[str]]]:
    """(values in IJK, affine RAS, warnings) of each case that a series became."""
    found = []
    for manifest in sorted(out.glob(f"{name}_*/manifest.json")):
        document = json.loads(manifest.read_text(encoding="utf-8"))
        slabs = [nib.load(manifest.parent / slab["image"]) for slab in document["slabs"]]
        values = np.concatenate([np.asanyarray(slab.dataobj) for slab in slabs], axis=2)
        found.append((values, slabs[0].affine, document["warnings"]))
    return found


def difference(planes: list[Plane], volumes: list[tuple[np.ndarray, np.ndarray, list[str]]]) -> str | None:
    """What came out otherwise than pydicom reads it and no warning names; None if nothing."""
    lost = {plane.name for plane in planes}
    for values, affine, warnings in volumes:
        said = " ".join(warnings)
        own = []
        for k in range(values.shape[2]):
            plane = next((plane for plane in planes if _is(plane, values[:, :, k], affine, k, "mm" in said)), None)
            if plane is None:
                return f"slice {k} is no image of the series, with its values, in its place"
            own.append(plane)
            lost.discard(plane.name)
        if len({plane.name for plane in own}) < len(own):
            return "an image comes twice"
        for keyword in contradictions(own):
            if keyword not in said:
                return f"a volume of images that contradict each other in {keyword}"
    if lost and not any("left out" in warning for _, _, warnings in volumes for warning in warnings):
        return f"{sorted(lost)} came out nowhere"
    return None


def _is(plane: Plane, values: np.ndarray, affine: np.ndarray, k: int, moved: bool) -> bool:
    if plane.values is None or plane.corners is None or plane.values.shape != values.shape:
        return False
    i, j = (n - 1 for n in values.shape)
    corners = (RAS_TO_LPS @ affine @ np.transpose([(0, 0, k, 1), (i, 0, k, 1), (0, j, k, 1), (i, j, k, 1)]))[:3].T
    far = float(np.max(np.linalg.norm(corners - plane.corners, axis=1)))
    return bool(np.allclose(values, plane.values, rtol=1e-6, atol=1e-6)) and far < (0.2 if moved else ROUNDING_MM)


def by_dcm2niix(folder: Path, out: Path) -> list[nib.Nifti1Image]:
    """The volumes that dcm2niix makes of a series, those of several times apart."""
    out.mkdir()
    command = ["dcm2niix", "-b", "n", "-z", "n", "-f", "%p_%s", "-o", str(out), str(folder)]
    subprocess.run(command, capture_output=True, check=False)
    found = []
    for path in sorted(out.glob("*.nii")):
        image = nib.load(path)
        if np.linalg.matrix_rank(image.affine) == 4:
            found += nib.four_to_three(image) if image.ndim == 4 else [image]
    return found


def same_as_one(volume: tuple[np.ndarray, np.ndarray, list[str]], others: list[nib.Nifti1Image]) -> bool:
    """Whether one of dcm2niix's volumes holds the same values in the same places, in whatever order of axes."""
    ours = nib.as_closest_canonical(nib.Nifti1Image(volume[0], volume[1]))
    for other in map(nib.as_closest_canonical, others):
        if other.shape == ours.shape and corner_distance(ours.affine, other.affine, ours.shape) < ROUNDING_MM:
            scale = 1e-6 * float(np.max(np.abs(ours.get_fdata())) + 1)
            if np.allclose(ours.get_fdata(), other.get_fdata(), rtol=1e-6, atol=scale):
                return True
    return False


def refusal_fault(folder: Path, scratch: Path, sentence: str) -> str | None:
    """What is wrong with a refusal: it names nothing, has no remedy, or an option that does not work."""
    if "something unexpected" in sentence or "(TypeError)" in sentence or "(AttributeError)" in sentence:
        return sentence
    names = any(path.name in sentence or path.stem in sentence for path in folder.iterdir())
    if not names and not re.search(r"\b[A-Z][a-z]+[A-Z]\w+|localizers|degrees", sentence):
        return f"names no file and no attribute: {sentence}"
    options = re.findall(r"--(resample|allow-damaged|allow-uneven [\d.]+)", sentence)
    for option in options:
        name, *value = option.split()
        out = scratch / f"remedy-{name}-{folder.name}"
        again = export(folder, out, f"--{name}", *value)
        if again and f"--{name}" in " ".join(again.values()):
            return f"--{option} does not help: {again}"
    *_, last = sentence.rstrip(". ").split(". ")
    if not options and not re.match(REMEDY, last):
        return f"no remedy: {sentence}"
    return None


def judge(folder: Path, scratch: Path, out: Path, refused: dict[str, str]) -> tuple[str, str]:
    """(outcome, detail); the outcome "FINDING" is a silent difference, or a refusal that does not help."""
    with quiet_pydicom():
        planes = [by_pydicom(path) for path in sorted(folder.iterdir())]
        volumes = volumes_of(folder.name, out)
        sentences = [sentence for case, sentence in refused.items() if case.startswith(folder.name)]
        if sentences:
            fault = refusal_fault(folder, scratch, sentences[0])
            return ("FINDING", fault) if fault else ("refused", sentences[0])
        if not volumes:
            return "FINDING", "neither refused nor exported"
        why = difference(planes, volumes)
    if why is not None:
        return "FINDING", why
    warned = [warning for _, _, warnings in volumes for warning in warnings]
    if warned:
        return "warned", warned[0]
    if shutil.which("dcm2niix") is None:
        return "equal to pydicom", ""
    others = by_dcm2niix(folder, scratch / f"niix-{folder.name}")
    both = all(same_as_one(volume, others) for volume in volumes)
    return ("equal to both", "") if both else ("equal to pydicom", f"dcm2niix: {[other.shape for other in others]}")


def run(count: int, seed: int, verbose: bool = False) -> tuple[Counter[str], list[str], int]:
    """(how often each outcome came, the findings, how many images there were) of random series."""
    generator = np.random.default_rng(seed)
    outcomes: Counter[str] = Counter()
    findings, files = [], 0
    for first in range(0, count, BATCH):
        with tempfile.TemporaryDirectory(prefix="dicom-headers-") as name:
            scratch, done = Path(name), {}
            for n in range(first, min(first + BATCH, count)):
                what, images = random_images(generator)
                changes = sorted(generator.permutation(len(CHANGES))[: int(generator.integers(4))])
                done[f"s{n:05}"] = "; ".join([what, *(CHANGES[m](images, generator) for m in changes)])
                files += len(images)
                with quiet_pydicom():
                    write_images(scratch / "in" / f"s{n:05}", images, generator)
            refused = export(scratch / "in", scratch / "out")
            for series, what in done.items():
                outcome, detail = judge(scratch / "in" / series, scratch, scratch / "out", refused)
                outcomes[outcome] += 1
                if outcome == "FINDING":
                    findings.append(f"{series}: {what}: {detail}")
                elif verbose:
                    print(f"{series}: {what}: {outcome}: {detail}")
    return outcomes, findings, files


def main() -> int:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="say what became of each series")
    arguments = parser.parse_args()
    outcomes, findings, files = run(arguments.count, arguments.seed, arguments.verbose)
    print("\n".join(findings))
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
    print(f"{arguments.count} series of {files} images, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
