"""Types of arguments: paths, addresses and texts that must not be empty; nothing is looked up."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...files.network.addresses import Address, address_of, where_a_file_is_needed


def given_text(text: str) -> str:
    """An argument that must not be empty, as it is where a variable of the shell is not set."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; is a shell variable unset?")
    return text


def given_path(text: str) -> Path:
    """A path that must not be empty, nor an address."""
    return Path(given_file(text))


def given_file(text: str) -> str:
    """The path of a file, or a pattern of them, that must not be empty, nor an address."""
    address = address_of(given_text(text))
    if address is not None:
        raise argparse.ArgumentTypeError(where_a_file_is_needed(address).rstrip("."))
    return text


def given_input(text: str) -> Path | Address:
    """A path or an address that must not be empty."""
    return address_of(given_text(text)) or Path(text)
