"""Export files whose headers contradict themselves, and ask independent readers what they say.

    python Testing/fuzz/headers.py --count 2000

NIfTI (single files and pairs), NRRD and MetaImage; signs and sizes of voxels, codes, units, spaces,
intents, slice codes, extents, scaling. Each file must be refused, or be warned about, or come out
as nibabel (NIfTI) or pynrrd (NRRD) reads it, or as the definition of the format has it (MetaImage): the
same voxels in the same places, in mm. Anything else is a silent difference, and a finding.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "SlabExporter")]

from support.command_line import refusals  # noqa: E402
from support.contradicting_headers import Case, meta_case, nifti_case, nrrd_case  # noqa: E402
from support.headers import corner_distance  # noqa: E402

BATCH = 50


def export(folder: Path, out: Path) -> dict[str, str]:
    """Export a folder; the sentence for each case that was refused."""
    from slab_exporter.cli.main import main

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        main(["export", str(folder), "-o", str(out), "--thickness", "4", "--axis", "k", "--format", "nii", "--quiet"])
    return refusals(out)


def judge(case: Case, out: Path, refused: dict[str, str]) -> tuple[str, str]:
    """(outcome, detail); the outcome "FINDING" is a silent difference or a file that was lost."""
    name = case.path.stem
    if name in refused:
        unexpected = "something unexpected" in refused[name] or "SimpleITK" in refused[name]
        return ("FINDING", refused[name]) if unexpected else ("refused", refused[name])
    manifest = out / name / "manifest.json"
    if not manifest.is_file():
        return "FINDING", "neither refused nor exported"
    document = json.loads(manifest.read_text(encoding="utf-8"))
    why = _difference(case, out / name, document)
    if why is None:
        return "equal", ""
    if document["warnings"]:
        return "warned", document["warnings"][0]
    return "FINDING", why


def _difference(case: Case, folder: Path, document: dict[str, Any]) -> str | None:
    for slab in document["slabs"]:
        start = np.eye(4)
        start[:3, 3] = slab["ijk_start"]
        image = nib.load(folder / slab["image"])
        if case.affine is None:
            return "no reader can tell where it lies"
        planned = case.affine @ start
        allowed = 1e-5 * float(np.max(np.abs(planned))) + 1e-3 * float(min(np.linalg.norm(planned[:3, :3], axis=0)))
        if (distance := corner_distance(image.affine, planned, image.shape)) > allowed:
            return f"{distance:g} mm from where an independent reader has it"
        box = tuple(slice(a, b) for a, b in zip(slab["ijk_start"], slab["ijk_stop"], strict=True))
        if case.voxels.ndim != 3 or not np.array_equal(np.asanyarray(image.dataobj), case.voxels[box]):
            return "other voxels than an independent reader has"
    return None


def run(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """(how often each outcome came, the findings) of random files."""
    generator = np.random.default_rng(seed)
    outcomes: Counter[str] = Counter()
    findings = []
    for first in range(0, count, BATCH):
        with tempfile.TemporaryDirectory(prefix="headers-") as scratch:
            source, out = Path(scratch) / "in", Path(scratch) / "out"
            source.mkdir()
            cases = []
            for n in range(first, min(first + BATCH, count)):
                make = (nifti_case, nifti_case, nrrd_case, meta_case)[int(generator.integers(4))]
                cases.append(make(source / f"file{n:05}.nii", generator))
            refused = export(source, out)
            for case in cases:
                outcome, detail = judge(case, out, refused)
                outcomes[outcome] += 1
                if outcome == "FINDING":
                    findings.append(f"{case.path.name}: {case.what}: {detail}")
    return outcomes, findings


def main() -> int:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    outcomes, findings = run(arguments.count, arguments.seed)
    print("\n".join(findings))
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
    print(f"{arguments.count} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
