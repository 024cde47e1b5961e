"""What each command does; imported only when one runs."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ..cases.find import find_cases
from ..core.errors import InputError, SlabExporterError
from ..core.options import ExportRequest, SlabOptions
from ..export.from_files import ExportResult, export_cases
from ..inspection.dry_run import dry_run
from ..inspection.inspect import inspect_cases
from ..inspection.table import refuse_table_file, show_data_set
from ..pipeline.verification import verify_export
from ..volumes.phantom import make_demo
from .batch_command import cases_of, display_for, print_warning, run_options
from .dicom_options import dicom_options, series_options
from .main import DONE, SOME_FAILED, UNUSABLE
from .terminal import display, print_json


def run_export(options: argparse.Namespace) -> int:
    """``slab-exporter export``."""
    request = ExportRequest(
        slabs=SlabOptions(
            thickness=options.thickness,
            thickness_mm=options.thickness_mm,
            axis=options.axis,
            overlap=options.overlap,
            remainder=options.remainder,
            fill=options.fill,
        ),
        format=options.format,
        compression=options.compression,
        frame=options.frame,
        nifti_transform=options.nifti_transform,
        within=options.within,
        verify=not options.no_verify,
        series=series_options(options),
        dicom=dicom_options(options),
    )
    run = run_options(options)
    cases = cases_of(options)
    if options.dry_run:
        return _code_for(dry_run(cases, options.output, request, options.json), len(cases))
    shown = display_for(options, cases, request, run)
    started = time.monotonic()
    try:
        result = export_cases(cases, options.output, request, shown, options.resume, options.overwrite, run)
    finally:
        shown.close()
    _summarise(options, result, time.monotonic() - started)
    return exit_code(result)


def exit_code(result: ExportResult) -> int:
    """0 all done, 1 some failed, 2 if no input could be used at all."""
    if not result.failures and not result.problems:
        return DONE
    nothing_usable = (
        result.failures and not result.manifests and all(isinstance(f.error, InputError) for f in result.failures)
    )
    return UNUSABLE if nothing_usable else SOME_FAILED


def _summarise(options: argparse.Namespace, result: ExportResult, seconds: float) -> None:
    slabs = [slab for manifest in result.manifests for slab in manifest.slabs]
    verified = sum(slab.verified for slab in slabs)
    for problem in result.problems:
        print(f"slab-exporter: {problem}", file=sys.stderr)
    if options.json:
        print_json(
            {
                "event": "finished",
                "cases": len(result.manifests),
                "failed": len(result.failures),
                "problems": list(result.problems),
                "slabs": len(slabs),
                "verified": verified,
                "output": str(options.output),
            }
        )
    elif not options.quiet:
        listed = "" if getattr(options, "shard", None) else " (see errors.csv)"  # a shard writes no tables
        failed = f", {len(result.failures)} failed{listed}" if result.failures else ""
        print(
            f"{_count(len(result.manifests), 'case')}, {_count(len(slabs), 'slab')}, {verified} verified{failed}: "
            f"{options.output} ({seconds:.1f} s)"
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def run_verify(options: argparse.Namespace) -> int:
    """``slab-exporter verify``."""
    differences = 0
    checked = 0
    for report in verify_export(options.output):
        checked += report.files
        differences += len(report.differences)
        if options.json:
            print_json({"event": "case-verified", **report.to_json()})
            continue
        for text in report.differences:
            print(f"{report.case}: DIFFERENT: {text}")
        if not report.differences and not options.quiet:
            print(f"{report.case}: {_count(report.files, 'file')} as the source has it")
    if not options.json and not options.quiet:
        print(f"{_count(checked, 'file')} checked, {_count(differences, 'difference')}")
    return SOME_FAILED if differences else DONE


def run_inspect(options: argparse.Namespace) -> int:
    """``slab-exporter inspect``."""
    cases = find_cases(options.inputs, options.labels, warn=print_warning)
    if options.csv is not None:
        refuse_table_file(options.csv, options.inputs, cases)
    reports = []
    for report in inspect_cases(cases):
        reports.append(report)
        if options.json:
            print_json({"event": "inspected", **report.to_json()})
        elif len(cases) == 1:
            print(report.to_text())
        elif sys.stderr.isatty():
            print(f"\r{len(reports)} of {len(cases)} inspected", end="", file=sys.stderr, flush=True)
    if len(cases) > 1 or options.csv is not None:
        show_data_set(reports, options.sort, options.csv, options.json)
    return _code_for(sum(report.error is not None for report in reports), len(cases))


def _code_for(unusable: int, cases: int) -> int:
    if unusable == cases:
        return UNUSABLE
    return SOME_FAILED if unusable else DONE


def run_demo(options: argparse.Namespace) -> int:
    """``slab-exporter demo``."""
    folder: Path = options.output
    if folder.exists() and any(folder.iterdir()) and not options.overwrite:
        raise SlabExporterError(f"The folder {folder} is not empty; choose another one with -o, or add --overwrite.")
    image, labels = make_demo(folder)
    cases = find_cases([image], [f"organs={labels}"])
    out = folder / "slabs"
    shown = display(options.json, options.quiet)
    started = time.monotonic()
    request = ExportRequest(slabs=SlabOptions(thickness=32))
    result = export_cases(cases, out, request, shown, overwrite=options.overwrite)
    shown.close()
    options.output = out
    _summarise(options, result, time.monotonic() - started)
    return exit_code(result)
