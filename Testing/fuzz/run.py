"""Export thousands of damaged files and count what becomes of them.

    python Testing/fuzz/run.py --count 1000

Mutants are exported in a worker process, so that a crash in native code would be seen. Allowed
outcomes: a sentence, or slabs that an independent reader of the mutant (nibabel for NIfTI,
SimpleITK for the rest) agrees with.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk

sys.path[:0] = [
    str(Path(__file__).parent),
    str(Path(__file__).parents[1]),
    str(Path(__file__).parents[2] / "SlabExporter"),
]

from mutate import write_mutant  # noqa: E402
from slab_exporter.core.naming import volume_stem  # noqa: E402
from support.command_line import refusals  # noqa: E402
from support.phantoms import affine, index_phantom  # noqa: E402

BATCH = 20
TIMEOUT_SECONDS = 300


def make_seeds(folder: Path) -> list[Path]:
    """Small healthy files in the formats that are fuzzed."""
    folder.mkdir(parents=True)
    image = nib.Nifti1Image(index_phantom((6, 7, 8)), affine(signs=(-1, 1, 1), oblique=10))
    paths = [folder / "seed.nii", folder / "seed.nii.gz"]
    for path in paths:
        nib.save(image, path)
    simple = sitk.ReadImage(str(paths[0]))
    for name, compress in (("seed.nrrd", True), ("raw.nrrd", False), ("seed.mha", False), ("packed.mha", True)):
        for key in simple.GetMetaDataKeys():
            simple.EraseMetaData(key)
        sitk.WriteImage(simple, str(folder / name), compress)
        paths.append(folder / name)
    nib.save(nib.MGHImage(index_phantom((6, 7, 8)), affine()), folder / "seed.mgz")
    return [*paths, folder / "seed.mgz"]


def export_all(folder: Path, out: Path) -> dict[str, tuple[str, str]]:
    """(outcome, detail) of each mutant of a folder, by its case, exported in this process."""
    from slab_exporter.cli.main import main

    cases = [volume_stem(path) for path in sorted(folder.iterdir())]
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            main(["export", str(folder), "-o", str(out), "--thickness", "3", "--axis", "k", "--frame", "0"])
    except BaseException as error:  # whatever it is, it must be reported as a finding
        return dict.fromkeys(cases, ("TRACEBACK", repr(error)))
    refused = refusals(out)
    paths = {volume_stem(path): path for path in folder.iterdir()}
    return {case: judge(paths[case], out / case, refused.get(case)) for case in cases}


def judge(path: Path, out: Path, sentence: str | None) -> tuple[str, str]:
    """(outcome, detail) of one mutant, whose case is in ``out`` if it was not refused with a sentence."""
    if sentence is None:
        return agrees(path, out) if (out / "manifest.json").is_file() else ("LOST", "neither refused nor exported")
    if out.exists():
        return "HALF WRITTEN", str(list(out.rglob("*")))
    unexpected = not sentence or "Traceback" in sentence or "something unexpected" in sentence
    return ("NO SENTENCE" if unexpected else "refused", sentence)


def agrees(path: Path, out: Path) -> tuple[str, str]:
    """Whether an independent reader of the mutant sees the voxels that the slabs hold."""
    parts = [nib.load(p) for p in sorted(out.glob("images/*.nii.gz"))]
    cut = np.concatenate([np.asanyarray(p.dataobj) for p in parts], axis=2)
    try:
        if ".nii" in path.name or path.suffix == ".mgz":
            image = nib.load(path)
            voxels = np.asanyarray(image.dataobj)
            voxels = voxels.reshape((*voxels.shape, 1, 1, 1)[: max(3, voxels.ndim)])
            voxels = voxels[..., 0] if voxels.ndim == 4 else voxels
        else:
            voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).T
    except Exception as error:  # a reader that gives up has no opinion
        return "exported, no second opinion", type(error).__name__
    if voxels.shape != cut.shape:
        return "SILENTLY WRONG", f"shape {cut.shape} instead of {voxels.shape}"
    same = np.allclose(cut.astype(float), voxels.astype(float), rtol=1e-6, atol=0, equal_nan=True)
    return ("exported", "") if same else ("SILENTLY WRONG", "voxels")


def worker(connection) -> None:
    """Serve folders of mutants until told to stop."""
    while (job := connection.recv()) is not None:
        connection.send(export_all(*job))


def start_worker():
    """(process, connection) of a fresh worker."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=worker, args=(theirs,), daemon=True)
    process.start()
    return process, ours


def run(count: int, seed: int, folder: Path, keep: Path | None) -> tuple[Counter, list[str]]:
    """Outcomes of ``count`` mutants by format, and a line for each finding."""
    rng = random.Random(seed)
    seeds = make_seeds(folder / "seeds")
    outcomes: Counter = Counter()
    findings: list[str] = []
    worker = start_worker()
    for first in range(0, count, BATCH):
        place = folder / "cases"
        shutil.rmtree(place, ignore_errors=True)
        (place / "in").mkdir(parents=True)
        mutants = {}
        for number in range(first, min(first + BATCH, count)):
            original, stem = rng.choice(seeds), f"mutant{number:05}"
            mutants[stem] = (original.name, *write_mutant(rng, original, place / "in", stem))
        worker, judged = judged_by(worker, place)
        for stem, (original, kind, path) in mutants.items():
            outcome, detail = judged.get(stem, ("HANG OR CRASH", f"of one in {sorted(mutants)}"))
            outcomes[(original, outcome)] += 1
            if outcome.isupper():
                findings.append(f"{stem} {original} {kind}: {outcome} {detail}")
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, keep / path.name)
    worker[1].send(None)
    return outcomes, findings


def judged_by(worker, place: Path):
    """(worker for the next, outcomes of a folder of mutants by case; none where the worker crashed or hung)."""
    process, connection = worker
    connection.send((place / "in", place / "out"))
    try:
        if connection.poll(TIMEOUT_SECONDS):
            return worker, connection.recv()
    except EOFError:
        process.join()
    process.kill()
    return start_worker(), {}


def main() -> int:
    """Run and print; 1 if anything but the allowed outcomes was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files that were not handled as they should")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcomes, findings = run(options.count, options.seed, Path(folder), options.keep)
    for (name, outcome), number in sorted(outcomes.items()):
        print(f"{name:<12} {outcome:<28} {number}")
    print(f"{options.count} files, {len(findings)} findings")
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
