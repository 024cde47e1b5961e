"""Files at addresses of the network, downloaded to scratch files that are gone when the work is done.

The package fsspec speaks to the servers. Nothing of an address but its public part is shown or recorded.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from ...core.errors import InputError, SlabExporterError
from ...core.text import Package, replaced
from ..atomic import scratch_beside
from ..disk import as_stored_there
from .addresses import Address, address_of

# Folder of the scratch files, in the system's temporary folder.
_SCRATCH = "slab-exporter"
_SECONDS_TO_CONNECT, _SECONDS_OF_SILENCE = 30, 60
_LOCAL = ("file", "local")
Result = TypeVar("Result")


class Downloads:
    """The scratch files of one command, by the addresses that they come from.

    Within a ``with`` block, errors that name a scratch file name its address instead.

    Args:
        tell: called with a sentence before each download.

    >>> with Downloads() as files:
    ...     files.local(Path("ct.nii.gz")).name
    'ct.nii.gz'
    """

    def __init__(self, tell: Callable[[str], object] | None = None) -> None:
        self._tell = tell
        self._stack = ExitStack()
        self._folder: Path | None = None
        self._paths: dict[str, Path] = {}
        self._sources: dict[Path, Address] = {}

    def __enter__(self) -> Downloads:
        """Return the downloads."""
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        """Remove the scratch files.

        Raises:
            SlabExporterError: the one that ended the block, with addresses instead of scratch files.
        """
        self._stack.close()
        if isinstance(error, SlabExporterError) and self.addresses and self.told(str(error)) != str(error):
            raise type(error)(self.told(error.sentence), option=error.option) from error

    @property
    def addresses(self) -> dict[str, str]:
        """Public address of each scratch file, and of the folders that they are in."""
        files = {str(path): address.public for path, address in self._sources.items()}
        folders = {os.path.dirname(path): public.rpartition("/")[0] for path, public in files.items()}
        return folders | files

    def of(self, files: Iterable[Path]) -> dict[str, str]:
        """Return those of the addresses that some files, or their folders, came from."""
        known = self.addresses
        wanted = {str(place) for file in files for place in (file, file.parent)}
        return {path: public for path, public in known.items() if path in wanted or os.path.dirname(path) in wanted}

    def told(self, text: str) -> str:
        """Return a text with addresses instead of scratch files."""
        return replaced(text, self.addresses)

    def in_addresses(self, result: Result, *names: str) -> Result:
        """Return a dataclass in whose named attributes, texts or tuples of them, addresses stand for scratch files."""
        if not self.addresses:
            return result
        values = {name: getattr(result, name) for name in names}
        told = {
            name: tuple(map(self.told, value)) if isinstance(value, tuple) else value and self.told(value)
            for name, value in values.items()
        }
        return replace(result, **told)  # type: ignore[type-var]

    def local(self, given: Path | Address) -> Path:
        """Return the path at which something can be read: itself, or a download.

        Raises:
            InputError: it cannot be downloaded.
        """
        address = address_of(given) if isinstance(given, Path) else given
        if address is None:
            return Path(str(given))
        path = self._paths.get(address.text)
        if path is None:
            path = self._paths[address.text] = self._place(address)
            self._sources[path] = address
        if not path.exists():
            self._download(address, path)
        return path

    def beside(self, listed_in: Path, text: str) -> tuple[Path, str | None]:
        """Return the path of what a list names, and why it is not there where it could not be downloaded.

        Args:
            listed_in: the list.
            text: an address, or a path relative to the list's folder, or to the list's own address.
        """
        of_list = self._sources.get(listed_in)
        address = address_of(text) if of_list is None else of_list.beside(text)
        if address is None:
            return as_stored_there(listed_in.parent / text), None
        try:
            return self.local(address), None
        except InputError as error:
            return self._paths[address.text], error.sentence

    def labels(self, arguments: Sequence[str]) -> list[str]:
        """Return label sets, PATH or NAME=PATH, with scratch files instead of addresses.

        Raises:
            InputError: one cannot be downloaded, or is a pattern.
        """
        return [self._label(text) for text in arguments]

    def _label(self, text: str) -> str:
        name, equals, rest = text.partition("=")
        address, name = (address_of(text), "") if address_of(text) is not None else (address_of(rest), name + equals)
        if address is None:
            return text
        if "{" in address.text:
            raise InputError(
                f"The label pattern {address.public} is an address, and patterns are for files of this machine; "
                "name the label maps in a list with a column 'label'."
            )
        return f"{name}{self.local(address)}"

    def _download(self, address: Address, target: Path) -> None:
        server, place = _server(address)
        size = _size(server, place, address)
        free = shutil.disk_usage(target.parent).free
        if size is not None and size > free:
            raise InputError(
                f"{address.public} has {size / 1e6:,.0f} MB, and there are {free / 1e6:,.0f} MB of room for it in "
                f"{tempfile.gettempdir()}; set TMPDIR to a larger disk."
            )
        if self._tell is not None:
            self._tell(f"downloading {address.public}" + ("" if size is None else f" ({size / 1e6:,.1f} MB)"))
        part = target.with_name(f"{target.name}.part")
        try:
            with _asking(address):
                server.get_file(place, str(part))
            found = part.stat().st_size
            if size not in (None, found):
                raise InputError(
                    f"{address.public} was not downloaded whole: {found:,} of {size:,} bytes came; try again."
                )
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)

    def _place(self, address: Address) -> Path:
        """A new path that ends like the address, so that cases are named by it."""
        if self._folder is None:
            self._folder = self._stack.enter_context(scratch_beside(Path(tempfile.gettempdir(), _SCRATCH).resolve()))
        *folders, name = address.parts
        for number in count(1):  # another query of the same path, or a path that goes on where another ends
            top = self._folder if number == 1 else self._folder / str(number)
            path = top.joinpath(*folders, name)
            if not path.is_dir() and not self._sources.keys() & {path, *path.parents}:
                break
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _server(address: Address) -> tuple[Any, str]:
    """Return the file system of fsspec that an address is on, and the place there.

    Raises:
        InputError: it is no address that can be downloaded, or a package is missing.
    """
    if address.scheme in _LOCAL:
        raise InputError(f"{address.public} is a file of this machine; give its path.")
    if "*" in address.text or "::" in address.text:
        raise InputError(f"{address.public} is not the address of one file; name the files in a list, one by one.")
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise InputError(
            f"{address.public} is an address, and only with the package fsspec are files downloaded: "
            + Package("fsspec", "'slab-exporter[remote]'")
            + "; or download it first."
        ) from None
    try:
        server, place = url_to_fs(address.text, **_settings(address))
    except ImportError as error:
        raise InputError(_lacks(address, error)) from None
    except ValueError:
        raise InputError(
            f"{address.public} is an address of a kind that fsspec does not know ('{address.scheme}')."
        ) from None
    return server, place


def _lacks(address: Address, error: ImportError) -> str:
    """The sentence about the package that speaks a protocol; fsspec names it."""
    package = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "http": "aiohttp", "https": "aiohttp"}
    needed = package.get(address.scheme) or error.name or f"for {address.scheme}://"
    return f"{address.public} can be downloaded only with the package {needed}: " + Package(needed) + "."


def _settings(address: Address) -> dict[str, Any]:
    """What a file system is opened with: over HTTP bytes as they are stored, and patience with a large file."""
    if address.scheme not in ("http", "https"):
        return {}
    import aiohttp

    patience = aiohttp.ClientTimeout(total=None, sock_connect=_SECONDS_TO_CONNECT, sock_read=_SECONDS_OF_SILENCE)
    client = {"auto_decompress": False, "trust_env": True, "timeout": patience}
    return {"client_kwargs": client, "headers": {"Accept-Encoding": "identity"}}


def _size(server: Any, place: str, address: Address) -> int | None:
    """Return the bytes of a file; None where the server does not say.

    Raises:
        InputError: it is a folder or a page, or is not there.
    """
    with _asking(address):
        about = server.info(place)
    if about.get("type") == "directory" or address.public.endswith("/"):
        raise InputError(
            f"{address.public} is a folder, and only single files are downloaded; name its files in a list, or "
            "download it first, as the folder of a DICOM series."
        )
    if about.get("mimetype") == "text/html":
        raise InputError(f"{address.public} is a web page and not the file itself; give the address of the download.")
    size = about.get("size")
    return None if size is None else int(size)


@contextmanager
def _asking(address: Address) -> Iterator[None]:
    """Turn whatever a server or its library says into a sentence; their own words may repeat what is secret.

    Raises:
        InputError: without the server's words.
    """
    try:
        yield
    except SlabExporterError:
        raise
    except Exception as error:
        raise InputError(f"{address.public} cannot be downloaded: {_reason(error)}.") from None


def _reason(error: Exception) -> str:
    """Why, in words that hold no address."""
    if isinstance(error, FileNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # fsspec says so of whatever goes wrong over HTTP
    status = getattr(error, "status", None)
    if isinstance(status, int):
        words = {401: "it asks for a user and password", 403: "access is refused", 404: "there is no such file"}
        return f"the server answers {status}" + (f", {words[status]}" if status in words else "")
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "access is refused"
    if isinstance(error, TimeoutError):
        return "the server does not answer"
    if isinstance(error, OSError) and error.strerror and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return f"the connection failed ({type(error).__name__})"
