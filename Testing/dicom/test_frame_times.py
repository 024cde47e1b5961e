"""Frames of a time series as DICOM: each series says which of the times it is."""

from __future__ import annotations

import json

import numpy as np
import pydicom
import pytest
import slab_exporter as se
from slab_exporter.core.options import DicomOptions, ExportRequest, SlabOptions
from slab_exporter.export.from_scene import export_nodes
from support.dicom_tools import dcentvfy_lines, dciodvfy_errors
from support.frames import PLACE, frames_phantom, save_frames
from support.sequences import browsed, sequence_of

COUNT = 4


def images_of(out):
    return sorted(out.rglob("*.dcm"))


def times_of(out) -> dict[int, tuple]:
    """By frame, what the images of its slabs say."""
    found: dict[int, set] = {}
    for path in images_of(out):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        frame = 0 if path.parent.parent.name == "images" else int(path.parent.parent.name[-3:])
        said = (header.get("TemporalPositionIdentifier"), header.get("NumberOfTemporalPositions"))
        found.setdefault(frame, set()).add((*said, header.get("TemporalResolution")))
    assert all(len(values) == 1 for values in found.values())
    return {frame: values.pop() for frame, values in sorted(found.items())}


@pytest.mark.parametrize("modality", ["MR", "CT", "PT", "OT"])
@pytest.mark.parametrize(("unit", "step"), [("sec", 2500.0), ("msec", 2.5)])
def test_each_series_says_which_time_it_is_and_stays_conformant(tmp_path, modality, unit, step):
    source = save_frames(tmp_path / "bold.nii", frames_phantom(COUNT), unit=unit)
    result = se.export(source, tmp_path / "out", frames="1:4", format="dicom", modality=modality, thickness=6)
    assert not result.failures
    # the first frame that is cut is the image, the others are named after their numbers in the source
    assert times_of(tmp_path / "out") == {0: (2, 4, step), 2: (3, 4, step), 3: (4, 4, step)}
    paths = images_of(tmp_path / "out")
    assert dciodvfy_errors(paths[:: max(1, len(paths) // 6)]) == []
    assert dcentvfy_lines(paths) == []
    assert se.verify(tmp_path / "out")[0].differences == ()


def test_frames_without_a_time_claim_none(tmp_path):
    source = save_frames(tmp_path / "dwi.nii", frames_phantom(COUNT), step=0.0, unit="unknown")
    se.export(source, tmp_path / "out", frames="all", format="dicom")
    assert set(times_of(tmp_path / "out").values()) == {(None, None, None)}
    alone = save_frames(tmp_path / "bold.nii", frames_phantom(COUNT))
    se.export(alone, tmp_path / "alone", frame=2, format="dicom")
    assert set(times_of(tmp_path / "alone").values()) == {(None, None, None)}


@pytest.mark.parametrize(
    ("values", "index", "expected"),
    [
        (("0", "40", "120"), ("TriggerTime", "ms"), (2, 3, None)),
        (("10", "20", "30"), ("EchoTime", "ms"), (None, None, None)),
        (("5", "10", "15"), ("FlipAngle", "degrees"), (None, None, None)),
    ],
)
def test_only_an_index_of_time_makes_times(tmp_path, scene, values, index, expected):
    arrays = [np.ascontiguousarray(frames_phantom(3)[..., n]) for n in range(3)]
    node = browsed(scene, sequence_of(scene, arrays, PLACE, values=values, index=index))[1]
    request = ExportRequest(SlabOptions(), format="dicom", frames="all", dicom=DicomOptions(modality="MR"))
    manifest = export_nodes(node, tmp_path / "out", request)
    assert times_of(tmp_path / "out")[1] == expected
    assert json.loads((tmp_path / "out" / "bold" / "manifest.json").read_text())["frames"]["index"]["name"] == index[0]
    assert manifest.frames.apart
