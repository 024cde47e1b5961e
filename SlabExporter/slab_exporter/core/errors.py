"""The library's one error channel: every message is a sentence for the person at the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .text import Option, Sentence


class SlabExporterError(Exception):
    """Base of all errors that a user can meet; ``str(error)`` says what, where and what to do.

    >>> error = RequestError("The overlap must be 0 or more slices; it is -1.", option="overlap")
    >>> error.option
    'overlap'

    Args:
        message: the sentence in parts: words, and the options that it mentions.
        option: the Python keyword of the option that is at fault; None: the first that is mentioned.

    Attributes:
        sentence: the message; ``text.in_words`` writes its options for the command line or the panel.
        option: keyword of the option at fault; None where no option is.
    """

    def __init__(self, *message: str | Option, option: str | None = None) -> None:
        super().__init__(*message)
        self.sentence = Sentence(*message)
        mentioned = (part.keyword for part in self.sentence.parts if isinstance(part, Option))
        self.option = option or next(mentioned, None)

    def __str__(self) -> str:
        """Return the sentence with options as in Python."""
        return str(self.sentence)


class RequestError(SlabExporterError):
    """The options contradict each other, or do not fit this volume."""


class InputError(SlabExporterError):
    """A source file cannot be used: missing, damaged, or of a kind that is not supported."""


class OutputError(SlabExporterError):
    """Something could not be written: folder in use, not writable, disk full."""


class DiskFullError(OutputError):
    """The output disk takes no more data, so that going on is pointless."""


class VerificationError(SlabExporterError):
    """The files that were written differ from what should have been written."""


class Cancelled(SlabExporterError):
    """The user stopped the work. Progress callables raise it; nothing half written stays."""


@contextmanager
def reading(what: Path | str) -> Iterator[None]:
    """Turn an OSError into the sentence that something cannot be read, as an ``InputError``.

    What does not fit into memory is its own fault, too, and not that of whatever comes after it.
    """
    try:
        yield
    except MemoryError as error:
        raise InputError(f"{what} does not fit into this machine's memory.") from error
    except OSError as error:
        raise InputError(f"{what} cannot be read: {error.strerror or error}.") from error


@contextmanager
def writing(what: Path | str) -> Iterator[None]:
    """Turn an OSError into the sentence that something cannot be written, as an ``OutputError``."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{what} cannot be written: {error.strerror or error}.") from error
