"""The one series of a test's folder: judged, loaded, or refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from slab_exporter.core.errors import InputError
from slab_exporter.core.options import SeriesOptions
from slab_exporter.core.text import command_words, in_words
from slab_exporter.core.volume import SourceVolume
from slab_exporter.dicom.reading.load import load_series
from slab_exporter.dicom.reading.scan import find_series
from slab_exporter.dicom.reading.series import Series


def only(folder: Path) -> Series:
    """The series of a folder that holds one."""
    (series,) = find_series(folder)
    return series


def load(folder: Path, frame: int | None = None, **options) -> SourceVolume:
    """The volume of a folder's series."""
    return load_series(only(folder), SeriesOptions(**options), frame)


def refusal(folder: Path, frame: int | None = None, **options) -> str:
    """Why a folder's series cannot be loaded, in the words of the command line."""
    with pytest.raises(InputError) as caught:
        load(folder, frame, **options)
    return in_words(caught.value.sentence, command_words)
