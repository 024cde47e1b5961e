"""``--options FILE``: what is not typed stands in a file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def completed(
    options: argparse.Namespace, add_arguments: Callable[[argparse.ArgumentParser], None]
) -> argparse.Namespace:
    """Return the options with those of the file that ``--options`` names; what was typed wins.

    Args:
        options: as parsed, with what was typed behind the command in ``typed_in``.
        add_arguments: adds the arguments of the command to a parser.

    Raises:
        InputError: the file cannot be read, or has an entry that is unknown or of the wrong kind.
        RequestError: it does not name a file that is needed.
    """
    from ..core.options.entries import entries, merged
    from ..export.options_file import read_options

    if options.options is None:
        return options
    given = _given(options.typed_in, add_arguments)
    if given.pop("no_verify", False):
        given["verify"] = False
    known = {keyword: value for keyword, value in given.items() if keyword in entries()}
    values = merged(read_options(options.options, known), known)
    return argparse.Namespace(**vars(options) | values | {"no_verify": not values.get("verify", True)})


def _given(typed_in: list[str], add_arguments: Callable[[argparse.ArgumentParser], None]) -> dict[str, Any]:
    """Return the options that were typed, without the defaults of the others."""
    parser = argparse.ArgumentParser(argument_default=argparse.SUPPRESS)
    add_arguments(parser)
    for action in parser._actions:  # the only way: an argument's own default goes before the parser's
        action.default = argparse.SUPPRESS
    return vars(parser.parse_args(typed_in))
