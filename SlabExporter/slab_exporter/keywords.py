"""What the front door is given, made what the library takes: paths, numbers of any type, label sets."""

from __future__ import annotations

import functools
import operator
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeAlias, TypeVar

from .core.errors import RequestError
from .files.network.addresses import Address, address_of, where_a_file_is_needed

if TYPE_CHECKING:
    pass

AnyPath: TypeAlias = "str | os.PathLike[str]"
Labels: TypeAlias = "AnyPath | Sequence[AnyPath] | Mapping[str, AnyPath] | None"
Fill: TypeAlias = "float | Literal['auto']"


Given = ParamSpec("Given")
Result = TypeVar("Result")


def taking_options(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Return a function whose keyword ``options`` names a file of others; those that are given beside it win."""

    @functools.wraps(function)
    def call(*inputs: Given.args, **given: Given.kwargs) -> Result:
        from .core.options.entries import merged
        from .export.options_file import read_options

        path: Any = given.pop("options", None)
        values = given if path is None else merged(read_options(path_of(path), given), given)
        return function(*inputs, **values)

    return call


def path_of(given: AnyPath) -> Path:
    """Return a path that was given as text or ``Path``.

    Raises:
        RequestError: it is empty, and would mean the current folder; or it is an address.
    """
    text = os.fspath(given)
    if not text:
        raise RequestError("An empty text is given where a path is needed; give '.' for the current folder.")
    if (address := address_of(given)) is not None:
        raise RequestError(where_a_file_is_needed(address))
    return Path(text)


def input_of(given: AnyPath) -> Path | Address:
    """Return a path, or an address of the network.

    Raises:
        RequestError: it is empty.
    """
    return address_of(given) or path_of(given)


def paths_of(given: AnyPath | Iterable[AnyPath]) -> list[Path | Address]:
    """Return one path or address, or several, as a list.

    Raises:
        RequestError: one is empty.
    """
    return [input_of(given)] if isinstance(given, (str, os.PathLike)) else [input_of(path) for path in given]


def inputs_of(given: AnyPath | Iterable[AnyPath]) -> list[Path | Address]:
    """Return the inputs of an export as a list.

    Raises:
        RequestError: one is empty, or there is none.
    """
    paths = paths_of(given)
    if not paths:
        raise RequestError("No input is given; give a volume file, a folder, a pattern or a list.")
    return paths


def label_arguments(labels: Labels) -> list[str]:
    """Return label sets as the command line gives them, PATH or NAME=PATH.

    Raises:
        RequestError: a path is empty.
    """
    if isinstance(labels, Mapping):
        return [f"{name}={_text_of(path)}" for name, path in labels.items()]
    if labels is None:
        return []
    return [_text_of(labels)] if isinstance(labels, (str, os.PathLike)) else [_text_of(path) for path in labels]


def _text_of(given: AnyPath) -> str:
    """A label path or address as it is typed."""
    found = input_of(given)
    return found.text if isinstance(found, Address) else str(found)


def whole(name: str, value: Any) -> int:
    """Return a whole number of any type (numpy's as well) as Python's own, which a manifest can hold.

    Raises:
        RequestError: it is something else.
    """
    try:
        return operator.index(value)
    except TypeError:
        raise RequestError(f"{name} must be a whole number; it is {value!r}.") from None


def number(name: str, value: Any) -> float:
    """Return a number of any type as Python's own.

    Raises:
        RequestError: it is something else.
    """
    if not isinstance(value, Real):
        raise RequestError(f"{name} must be a number; it is {value!r}.")
    return float(value)


def warn(text: str) -> None:
    """Say a sentence about the inputs as a whole, as Python does: where the library was called."""
    library, level, frame = os.path.dirname(__file__), 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(library):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, stacklevel=level)
