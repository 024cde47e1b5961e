"""``--print-completion SHELL``: what a shell needs to complete commands, options and paths."""

from __future__ import annotations

import argparse
from typing import Any

from .given import given_input, given_path
from .parser import CommandParser, commands_of

SHELLS = ("bash", "zsh", "tcsh")


def add_completion(parser: CommandParser) -> None:
    """Add the option to the parser of all commands."""
    parser.add_argument(
        "--print-completion", action=_Print, choices=SHELLS, metavar="SHELL",
        help="print a script that completes commands and options in bash, zsh or tcsh (needs the package shtab)",
    )  # fmt: skip


class _Print(argparse.Action):
    """Print the script and end, as ``--version`` does."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        """Print the script for the shell that was named."""
        print(completion_script(parser, values))
        parser.exit()


def completion_script(parser: CommandParser, shell: str) -> str:
    """Return the script for a shell.

    Raises:
        ArgumentError: shtab is not installed.
    """
    try:
        import shtab
    except ImportError:
        message = "completion needs the package shtab: pip install 'slab-exporter[completion]'"
        raise argparse.ArgumentError(None, message) from None
    for command in commands_of(parser).values():
        for action in command._actions:
            if action.type in (given_path, given_input):
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))
