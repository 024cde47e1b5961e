"""The command line. Answers ``--help`` without importing numpy or Slicer's libraries."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any

from .. import __version__
from ..core.errors import SlabExporterError
from ..interrupts import INTERRUPTED, ending_signals, interrupt
from ..startup import open_closed_streams
from . import compare, demo, export, flirt, inspect, stitch, verify, where
from .arguments import SOME_FAILED, UNUSABLE
from .terminal import accept_any_character, drop_output, typed, was_printing
from .usage.completion import add_completion
from .usage.parser import DOCUMENTATION, PROGRAM, CommandParser, commands_of, pointer, sentence_of

# In the order of --help; each has add_parser and run, and imports its work when it runs.
COMMANDS = (export, verify, inspect, stitch, compare, where, flirt, demo)

_NEGATIVE_WITH_EXPONENT = re.compile(r"-(\d+\.?\d*|\.\d+)[eE][+-]?\d+")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: as after the program's name; ``sys.argv[1:]`` if None.

    Returns:
        0 all done; 1 some cases failed, the others are complete; 2 wrong usage or nothing usable
        in the input; 130 interrupted.
    """
    open_closed_streams()
    typed_in = _numbers_apart(sys.argv[1:] if arguments is None else arguments)
    options = _understood(typed_in)
    if isinstance(options, int):
        return options
    previous = _interrupt_on_terminate()
    try:
        accept_any_character()
        options.typed_in = typed_in[1:]  # behind the command, to know what was given
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except SlabExporterError as error:
        if options.debug:
            raise
        print(f"slab-exporter: {typed(error.sentence)}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        # Whoever read our output has gone; the work has been stopped.
        drop_output()
        return INTERRUPTED
    except Exception as error:
        if options.debug:
            raise
        if isinstance(error, OSError):
            return _told(error)
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python wraps it while it makes a class
            return _interrupted()
        reason = f"{type(error).__name__}: {str(error).strip() or 'no reason given'}"
        print(
            f"slab-exporter: something unexpected happened ({reason}); add --debug to see where, and please report it.",
            file=sys.stderr,
        )
        return UNUSABLE
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _understood(typed_in: list[str]) -> argparse.Namespace | int:
    """Return the options that were typed; an exit code where help was asked for, or needed."""
    parser = build_parser()
    if not typed_in:
        parser.print_help(sys.stderr)
        return UNUSABLE
    try:
        return parser.parse(typed_in)
    except SystemExit as end:
        return int(end.code or 0)
    except argparse.ArgumentError as error:
        accept_any_character()
        print(f"{PROGRAM}: {sentence_of(error)}\n{pointer(typed_in, commands_of(parser))}", file=sys.stderr)
        return UNUSABLE


def _interrupted() -> int:
    print("slab-exporter: interrupted; complete cases stay, go on with --resume.", file=sys.stderr)
    return INTERRUPTED


def _told(error: OSError) -> int:
    """Say what could not be printed, read or written; returns the exit code."""
    reason = error.strerror or error
    if was_printing(error):
        drop_output()
        print(f"slab-exporter: the output cannot be printed: {reason}.", file=sys.stderr)
        return SOME_FAILED
    names = " and ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
    print(f"slab-exporter: {names or 'A file'} cannot be read or written: {reason}.", file=sys.stderr)
    return UNUSABLE


def _numbers_apart(arguments: Sequence[str]) -> list[str]:
    """Arguments in which argparse takes -1e-05 for a number, as it does -1, and not for an option.

    A space in front is enough; ``float`` does not mind it.
    """
    return [f" {text}" if _NEGATIVE_WITH_EXPONENT.fullmatch(text) else text for text in arguments]


def _interrupt_on_terminate() -> dict[int, Any]:
    """Treat a termination signal (a cluster's time limit) like Ctrl-C, so that it cleans up; returns the handlers."""
    try:
        return {number: signal.signal(number, interrupt) for number in ending_signals()}
    except ValueError:  # not on the main thread
        return {}


def build_parser() -> CommandParser:
    """The parser of all commands."""
    parser = CommandParser(
        prog=PROGRAM,
        description="Cut medical volumes into slabs with the geometry right, and prove it.",
        epilog=f"""examples:
  slab-exporter demo
  slab-exporter export ct.nii.gz --labels organs.nii.gz -o slabs
  slab-exporter export --help        (COMMAND --help lists what a command takes)

Exit codes: 0 all done; 1 some cases failed, the others are complete;
2 wrong usage or nothing usable in the input; 130 interrupted.

Documentation: {DOCUMENTATION}""",
    )
    parser.add_argument("--version", action="version", version=f"SlabExporter {__version__}")
    add_completion(parser)
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser
