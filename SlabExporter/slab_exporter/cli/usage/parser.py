"""A parser that says in one sentence what was mistyped, and where to look it up; standard library only."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

PROGRAM = "slab-exporter"
DOCUMENTATION = "https://slabexporter.github.io/SlicerSlabExporter/"


class CommandParser(argparse.ArgumentParser):
    """argparse's parser, whose errors are raised for ``main`` to show, and whose options have one name each."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options |= {
            "allow_abbrev": False,  # a new option would break what is abbreviated today
            "exit_on_error": False,
            "formatter_class": argparse.RawDescriptionHelpFormatter,
        }
        super().__init__(*arguments, **options)
        self.register("type", int, _whole_number)
        self.register("type", float, _number)

    def error(self, message: str) -> Any:
        """Raise what argparse would print below its usage.

        Raises:
            ArgumentError: always.
        """
        raise argparse.ArgumentError(None, self._in_words(message))

    def _in_words(self, message: str) -> str:
        """Return what argparse says of arguments that are missing as a sentence that names them as they are typed."""
        what, _, names = message.partition(": ")
        if what == "the following arguments are required":
            typed = [self._typed(name) for name in names.split(", ")]
            return f"{_and(typed)} {'is' if len(typed) == 1 else 'are'} missing"
        if message.startswith("one of the arguments "):
            given = message.removeprefix("one of the arguments ").removesuffix(" is required")
            return f"one of {', '.join(given.split())} is missing"
        return message

    def _typed(self, name: str) -> str:
        """Return an argument as it is typed: "-o OUT" for "-o/--output"."""
        found = next(
            (one for one in self._actions if one.option_strings and "/".join(one.option_strings) == name), None
        )
        return name if found is None else f"{found.option_strings[0]} {found.metavar}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            if isinstance(action, argparse._SubParsersAction):
                raise argparse.ArgumentError(None, f"there is no command '{value}'{_meant(value, known)}")
            raise argparse.ArgumentError(action, f"'{value}' is none of {', '.join(known)}{_meant(value, known)}")

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """Return the options that were typed.

        Raises:
            ArgumentError: an argument is wrong, missing or unknown.
        """
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            self._refuse(unknown[0], options)
        return options

    def _refuse(self, unknown: str, options: argparse.Namespace) -> None:
        if not unknown.startswith("-"):
            raise argparse.ArgumentError(None, f"'{unknown}' is one argument too many")
        name = unknown.partition("=")[0]
        command = commands_of(self)[options.command]
        known = [text for action in command._actions for text in action.option_strings]
        raise argparse.ArgumentError(None, f"there is no option {name}{_meant(name, known)}")


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of a parser's commands, by name."""
    (found,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(found.choices)


def sentence_of(error: argparse.ArgumentError) -> str:
    """Return what is wrong with the arguments, as one sentence.

    >>> sentence_of(argparse.ArgumentError(None, "INPUT and -o OUT are missing"))
    'INPUT and -o OUT are missing.'
    """
    said = error.message.replace("not allowed with argument", "cannot be given together with").replace(
        "expected", "needs"
    )
    colon = "" if said.startswith(("needs", "cannot")) else ":"
    subject = f"{error.argument_name.rpartition('/')[2]}{colon} " if error.argument_name else ""
    return f"{subject}{said}" if said.endswith(("?", ".")) else f"{subject}{said}."


def pointer(arguments: list[str], commands: Iterable[str]) -> str:
    """Return where the arguments that a command takes are listed."""
    command = next((f" {text}" for text in arguments if text in commands), "")
    return f"'{PROGRAM}{command} --help' lists what it takes."


def _and(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _meant(typed: str, known: list[str]) -> str:
    import difflib  # only where something is wrong

    near = difflib.get_close_matches(str(typed), known, n=1)
    return f"; is {near[0]} meant?" if near else ""


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
