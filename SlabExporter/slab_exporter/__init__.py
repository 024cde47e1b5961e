"""SlabExporter: cut medical volumes into slabs with the geometry right, and prove it.

    import slab_exporter as se

    result = se.export("scans/", "slabs/", thickness=64, labels="masks/")

The functions are those of the command line, with its options as keywords; each one's help has an example.
Importing this package loads neither Slicer's libraries nor numpy: a function's modules come with its first use.
"""

from __future__ import annotations

from . import startup

if startup.is_being_started():  # before anything else is imported
    startup.forget_working_folder()

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import compare, export, inspect, plan, read_manifest, stitch, verify, where
    from .core.errors import (
        Cancelled,
        DiskFullError,
        InputError,
        OutputError,
        RequestError,
        SlabExporterError,
        VerificationError,
    )
    from .dataset import SlabDataset

__version__ = "0.1.0"

__all__ = [
    "Cancelled",
    "DiskFullError",
    "InputError",
    "OutputError",
    "RequestError",
    "SlabDataset",
    "SlabExporterError",
    "VerificationError",
    "__version__",
    "compare",
    "export",
    "inspect",
    "plan",
    "read_manifest",
    "stitch",
    "verify",
    "where",
]

_FUNCTIONS = ("compare", "export", "inspect", "plan", "read_manifest", "stitch", "verify", "where")


def _home(name: str) -> str:
    if name == "SlabDataset":
        return "dataset"
    return "api" if name in _FUNCTIONS else "core.errors"


def __getattr__(name: str) -> Any:
    """Load a public name on its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_home(name)}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, loaded or not, beside what any module has."""
    return sorted({*globals(), *__all__})


class _FrontDoor(ModuleType):
    """This package. Three folders are called like functions: importing them must not replace the functions.

    Python binds a subpackage in its parent when it has been imported (importlib, "Submodules"), so that
    ``slab_exporter.export`` would be a folder once the first volume has been exported.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _FUNCTIONS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _FrontDoor
