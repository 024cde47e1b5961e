"""What ``stitch``, ``compare``, ``where`` and ``flirt`` do; imported only when one of them runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..compare.files import CompareRequest, compare_files
from ..compare.words import comparison_json, comparison_lines
from ..coordinates.registration import convert, describe_grid
from ..coordinates.where import find_place, through_registration
from ..core.errors import Cancelled, InputError, RequestError, SlabExporterError
from ..stitch.predictions import Predictions
from ..stitch.stitching import StitchRequest, StitchResult, default_output, find_manifests, stitch_case
from ..volumes.reading import FileChoice
from .main import DONE, SOME_FAILED, UNUSABLE
from .terminal import display, print_json


def run_stitch(options: argparse.Namespace) -> int:
    """``slab-exporter stitch``."""
    request = StitchRequest(options.blend, options.fill, options.trust_names, options.labels)
    manifests = find_manifests(options.manifest)
    predictions = None if options.predictions is None else Predictions(options.predictions)
    one_case = options.manifest in manifests or options.manifest / "manifest.json" in manifests
    if one_case:
        _stitch_one(options, manifests[0], options.output, request, predictions)
        return DONE
    if options.output.is_file():
        raise RequestError(f"{options.output} is a file; a whole export is stitched into a folder.")
    failures: list[SlabExporterError] = []
    for manifest in manifests:
        try:
            _stitch_one(options, manifest, default_output(manifest, options.output), request, predictions)
        except Cancelled:
            raise
        except SlabExporterError as error:
            failures.append(error)
            _tell_failure(options, manifest, error)
    if not failures:
        return DONE
    nothing = len(failures) == len(manifests) and all(isinstance(error, InputError) for error in failures)
    return UNUSABLE if nothing else SOME_FAILED


def _stitch_one(
    options: argparse.Namespace,
    manifest: Path,
    output: Path,
    request: StitchRequest,
    predictions: Predictions | None,
) -> None:
    shown = display(options.json, options.quiet)
    try:
        result = stitch_case(manifest, output, request, predictions, options.overwrite, shown)
    finally:
        shown.close()
    if options.json:
        print_json({"event": "stitched", **result.to_json()})
        return
    for text in result.warnings:
        print(f"{result.case}: warning: {text}", file=sys.stderr)
    if result.uncovered:
        print(f"{result.case}: warning: {result.uncovered}; filled with {result.fill:g}.", file=sys.stderr)
    if not options.quiet:
        print(_described(result))


def _described(result: StitchResult) -> str:
    channels = f", {result.channels} channels" if result.channels > 1 else ""
    overlaps = f", overlaps: {result.blend}" if result.overlapping else ""
    return f"{result.case}: {result.slabs} slabs -> {result.path} ({result.dtype}{channels}{overlaps})"


def _tell_failure(options: argparse.Namespace, manifest: Path, error: SlabExporterError) -> None:
    if options.json:
        print_json({"event": "case-failed", "case": manifest.parent.name, "message": str(error)})
    else:
        print(f"slab-exporter: {manifest.parent.name}: {error}", file=sys.stderr)


def run_where(options: argparse.Namespace) -> int:
    """``slab-exporter where``."""
    if (options.flirt is None) != (options.reference is None):
        raise RequestError("--flirt and --reference belong together: the matrix, and the image it leads to.")
    frame = next(name for name in ("ijk", "ras", "lps") if getattr(options, name) is not None)
    file = FileChoice(options.file, options.frame, options.nifti_transform)
    place = find_place(file, frame, tuple(getattr(options, frame)))
    places = [place]
    if options.flirt is not None:
        reference = FileChoice(options.reference, transform=options.reference_nifti_transform)
        places.append(through_registration(place, options.flirt, reference))
    if options.json:
        print_json({"event": "located", **place.to_json()} | ({"reference": places[1].to_json()} if places[1:] else {}))
    else:
        print("\n".join(p.to_text() for p in places))
    return DONE


def run_flirt(options: argparse.Namespace) -> int:
    """``slab-exporter flirt``."""
    moving = FileChoice(options.moving, transform=options.nifti_transform)
    reference = FileChoice(options.reference, transform=options.reference_nifti_transform)
    found = convert(options.matrix, moving, reference, options.output, options.kind, options.overwrite)
    if options.json:
        print_json({"event": "converted", "output": str(options.output), **found.to_json()})
        return DONE
    print(describe_grid(options.moving.name, found.moving))
    print(describe_grid(options.reference.name, found.reference))
    print("RAS mm of the moving image -> RAS mm of the reference:")
    for row in found.ras:
        print("  " + "  ".join(f"{value:12.6f}" for value in row))
    for text in found.warnings:
        print(f"note: {text}")
    print(f"written: {options.output}")
    return DONE


def run_compare(options: argparse.Namespace) -> int:
    """``slab-exporter compare``."""
    request = CompareRequest(
        reference=options.reference,
        other=options.other,
        reference_frame=options.reference_frame,
        frame=options.frame,
        reference_transform=options.reference_nifti_transform,
        transform=options.nifti_transform,
        fix=options.fix,
        flip=options.flip,
        overwrite=options.overwrite,
    )
    result = compare_files(request)
    found = result.comparison
    if options.json:
        mended = {"mended": None if result.mended is None else str(options.fix), "refused": result.refused}
        print_json({"event": "compared", **comparison_json(found), "warnings": list(result.warnings), **mended})
    else:
        print(f"REFERENCE {result.descriptions[0]}")
        print(f"OTHER     {result.descriptions[1]}")
        print("\n".join(comparison_lines(found)))
        for text in result.warnings:
            print(f"note: {text}")
        if result.mended is not None:
            print(f"mended: {result.mended}")
    if result.refused is not None:
        print(f"slab-exporter: {result.refused}", file=sys.stderr)
        return SOME_FAILED
    return DONE if found.is_same_place or result.mended is not None else SOME_FAILED
