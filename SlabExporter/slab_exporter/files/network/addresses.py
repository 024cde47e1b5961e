"""Addresses such as https://host/ct.nii.gz: told from paths, and shown without what is secret in them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ...core.naming import safe_name, volume_extension

# A drive of Windows is one letter; a path that was made of an address has lost one of its slashes.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")
# Of these, what stands before the "@" is a container and no user.
_CONTAINERS = ("abfs", "abfss", "wasb", "wasbs")
_LONGEST_PART = 100


@dataclass(frozen=True)
class Address:
    """An address of the network, with whatever user, password or signature it was given with.

    Attributes:
        text: as it was given; for whoever opens it, and for nobody to read.
    """

    text: str = field(repr=False)

    @property
    def scheme(self) -> str:
        """What stands before "://", in small letters."""
        return self.text.partition(":")[0].lower()

    @property
    def public(self) -> str:
        """The address without user, password and what follows a question mark, where signatures stand.

        >>> Address("https://me:secret@host:8080/scans/ct.nii.gz?sig=1a2b").public
        'https://host:8080/scans/ct.nii.gz'
        >>> Address("s3://scans/ct.nii.gz").public
        's3://scans/ct.nii.gz'
        """
        place, path = self._split()
        return f"{self.scheme}://{place}{path}"

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of folders and of a file that are safe on every file system: scheme, host, path.

        >>> Address("https://host:8080/a%20b/../ct.nii.gz").parts
        ('https', 'host_8080', 'a b', 'case', 'ct.nii.gz')
        """
        place, path = self._split()
        return tuple(_as_name(part) for part in (self.scheme, place, *path.split("/")) if part)

    def beside(self, text: str) -> Address:
        """Return the address of what a list at this address names, relative to its folder.

        >>> Address("https://host/data/list.csv?sig=1").beside("images/a.nii").text
        'https://host/data/images/a.nii'
        """
        folder = re.split(r"[?#]", self.text, maxsplit=1)[0].rpartition("/")[0]
        return address_of(text) or Address(f"{folder}/{text.lstrip('/')}")

    def _split(self) -> tuple[str, str]:
        try:
            found = urlsplit(self.text)
        except ValueError:  # a bracket that begins no IPv6 address
            return "", ""
        place = found.netloc if self.scheme in _CONTAINERS else found.netloc.rpartition("@")[2]
        return place, found.path


def _as_name(part: str) -> str:
    """A part of a path as a name; the extension of a volume stays whatever its length."""
    text = unquote(part)
    extension = volume_extension(Path(text)) or os.path.splitext(text)[1]
    stem = text[: len(text) - len(extension)] if extension else text
    return f"{safe_name(stem[:_LONGEST_PART])}{extension}" if stem else safe_name(text)


def address_of(given: str | os.PathLike[str]) -> Address | None:
    """Return the address that a text, or a path that was made of one, stands for; None for a path.

    >>> address_of("C:/scans/ct.nii"), address_of(Path("https://host/ct.nii")).public
    (None, 'https://host/ct.nii')
    """
    text = given.as_posix() if isinstance(given, Path) else os.fspath(given)
    found = _ADDRESS.match(text)
    if found is None:
        return None
    return Address(f"{found[1]}://{text[found.end() :]}") if isinstance(given, Path) else Address(text)


def where_a_file_is_needed(address: Address) -> str:
    """Return the sentence about an address that was given for a file or folder of this machine.

    >>> where_a_file_is_needed(Address("s3://scans/ct.nii.gz"))
    's3://scans/ct.nii.gz is an address; here a file or folder of this machine is needed.'
    """
    return f"{address.public} is an address; here a file or folder of this machine is needed."


def is_address(given: str | os.PathLike[str]) -> bool:
    """Return whether a text, or a path that was made of one, is an address of the network."""
    return address_of(given) is not None
