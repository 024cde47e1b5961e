"""Frames of sequences in the panel's view model; no Qt."""

from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np
import pytest
from slab_exporter.cli.export import request_of as request_of_command
from slab_exporter.cli.main import build_parser
from slab_exporter.export.from_scene import export_nodes
from SlabExporterPanel.settings import request_of
from SlabExporterPanel.views.commands import command_line, python_lines
from SlabExporterPanel.views.frames import asked_frames, frames_view
from SlabExporterPanel.views.panel_view import panel_view
from support.frames import frames_phantom
from support.phantoms import affine
from support.scenes import held
from support.sequences import browsed, load_sequence, multi_volume, save_sequence, sequence_of

COUNT = 4


def phantoms() -> list[np.ndarray]:
    return [np.ascontiguousarray(frames_phantom(COUNT)[..., n]) for n in range(COUNT)]


@pytest.fixture
def proxy(scene):
    return browsed(scene, sequence_of(scene, phantoms(), affine()))[1]


def test_the_row_is_shown_for_sequences_alone(scene, volume, proxy, settings):
    assert frames_view(None) is None
    assert panel_view(settings, volume).frames is None
    row = panel_view(settings, proxy).frames
    assert "'bold' holds 4 frames (0 to 3, ordered by time in s: 0.75 to 8.25)" in row.tooltip
    assert row.example == "0:4"
    assert frames_view(multi_volume(scene, phantoms(), affine())).example == "0:4"


def test_what_is_asked_for_goes_for_sequences_alone(volume, proxy):
    assert asked_frames(None, "every", "") is None
    assert asked_frames(volume, "every", "") is None
    assert asked_frames(proxy, "shown", "0:2") is None
    assert asked_frames(proxy, "every", "0:2") == "all"
    assert asked_frames(proxy, "some", " 0:2 ") == "0:2"


def test_the_case_and_its_notes_follow_the_choice(proxy, settings):
    shown = panel_view(settings, proxy)
    assert shown.case == "bold_frame-1"
    assert "shows frame 1 of the 4 (0 to 3)" in shown.notes[0]
    both = panel_view(replace(settings, frames="all"), proxy)
    assert (both.case, both.export.enabled) == ("bold", True)
    assert both.notes[0] == "4 frames of 'bold' are cut together: each file holds all of them."
    assert both.rows == shown.rows
    series = panel_view(replace(settings, frames="1:3", format="dicom"), proxy)
    assert series.notes[0] == "2 frames of 'bold' are cut together: each becomes a series."


def test_uneven_values_and_where_they_stay_are_told(scene, settings):
    values = ("0", "40", "90", "200")
    uneven = browsed(scene, sequence_of(scene, phantoms(), affine(), values=values, index=("TriggerTime", "ms")))[1]
    sentence = "The values of 'TriggerTime' are not evenly spaced: NIfTI keeps none of them, manifest and NRRD do."
    assert sentence in panel_view(replace(settings, frames="all"), uneven).notes
    assert sentence not in panel_view(replace(settings, frames="all", format="nrrd"), uneven).notes


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ("", "Type which frames are cut: a range such as 0:10, or a list such as 0,3,7."),
        ("0:9", "'bold' holds 4 frames, counted from 0; of 'Frames' 0:9, frame 4 does not exist."),
        ("soon", "'Frames' soon is neither 'all' nor a range such as 0:40"),
    ],
)
def test_frames_that_cannot_be_cut_switch_the_button_off(proxy, settings, frames, reason):
    view = panel_view(replace(settings, frames=frames), proxy)
    assert not view.export.enabled
    assert reason in view.export.tooltip
    assert view.frames is not None


def test_frames_on_other_grids_switch_the_button_off(scene, settings):
    sequence = sequence_of(scene, phantoms(), affine())
    sequence.SetDataNodeAtValue(held(scene, phantoms()[0], affine(origin=(9, 9, 9))), "30")
    proxy = browsed(scene, sequence)[1]
    assert panel_view(settings, proxy).export.enabled
    view = panel_view(replace(settings, frames="all"), proxy)
    assert "Frames 0 and 4 of 'bold' lie on different grids" in view.export.tooltip


def test_the_command_and_the_python_lines_ask_for_the_same(scene, settings, tmp_path):
    sequence = load_sequence(
        scene, save_sequence(scene, sequence_of(scene, phantoms(), affine()), tmp_path / "bold.seq.nrrd")
    )
    proxy = browsed(scene, sequence)[1]
    for asked in (replace(settings, frames="0:3"), settings):
        *_, line = command_line(asked, proxy).splitlines()
        options = build_parser().parse_args(shlex.split(line)[1:])
        assert str(options.inputs[0]) == str(tmp_path / "bold.seq.nrrd")
        request = request_of(asked) if asked.frames else replace(request_of(asked), frame=1)
        assert request_of_command(options) == request
    assert "frames='0:3'" in python_lines(replace(settings, frames="0:3"), proxy)
    assert "frame=1" in python_lines(settings, proxy)
    never_saved = browsed(scene, sequence_of(scene, phantoms(), affine(), "new"))[1]
    never_saved.SetName("shown")
    assert "# save 'new' as a file first" in command_line(settings, never_saved)


def test_what_the_view_says_is_what_is_exported(proxy, settings, tmp_path):
    asked = replace(settings, frames="1:3")
    manifest = export_nodes(proxy, tmp_path / "out", request_of(asked))
    view = panel_view(replace(asked, replace=str(tmp_path / "out" / "bold")), proxy)
    assert (manifest.case, len(manifest.slabs), manifest.frames.numbers) == (view.case, len(view.rows), (1, 2))
