"""``slab-exporter demo``: the main job on a phantom that it makes itself."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ..core.errors import SlabExporterError
from ..core.options import ExportRequest, SlabOptions
from .arguments import (
    Subparsers,
    add_quiet_option,
    command_parser,
)
from .export import exit_code, summarise
from .terminal import display
from .usage.given import given_path


def add_parser(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command_parser(commands, "demo", "make a phantom torso with a label map and export both", run)
    parser.add_argument(
        "-o", "--output", type=given_path, default=Path("slab-exporter-demo"), metavar="OUT",
        help="folder to make (default slab-exporter-demo)",
    )  # fmt: skip
    parser.add_argument(
        "--story", action="store_true",
        help="also make the volumes that the documentation compares, fixes and stitches, in OUT/story",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier demo")
    add_quiet_option(parser, "print warnings and errors only")


def run(options: argparse.Namespace) -> int:
    """Run ``slab-exporter demo``; returns the exit code."""
    from ..cases.find import find_cases
    from ..export.from_files import export_cases
    from ..volumes.phantom import make_demo
    from ..volumes.story import make_story

    folder: Path = options.output
    if folder.exists() and any(folder.iterdir()) and not options.overwrite:
        raise SlabExporterError(f"The folder {folder} is not empty; choose another one with -o, or add --overwrite.")
    image, labels = make_demo(folder)
    if options.story:
        make_story(folder / "story")
    cases = find_cases([image], [f"organs={labels}"])
    out = folder / "slabs"
    shown = display(options.json, options.quiet)
    started = time.monotonic()
    request = ExportRequest(slabs=SlabOptions(thickness=32))
    result = export_cases(cases, out, request, shown, overwrite=options.overwrite)
    shown.close()
    options.output = out
    summarise(options, result, time.monotonic() - started)
    return exit_code(result)
