"""Boundaries of slabs typed into the table and dragged in a view; no Qt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from slab_exporter.core.errors import RequestError
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.pieces.shape import slab_options
from slab_exporter.core.planning import plan_slabs
from SlabExporterPanel.settings import PanelSettings, request_of
from SlabExporterPanel.views.panel_view import panel_view
from SlabExporterPanel.views.preview.boundaries import (
    boundaries,
    boundary_name,
    boundary_points,
    dragged,
    shows_boundaries,
    typed,
)
from support.phantoms import affine

CT = VolumeGeometry((4, 5, 150), np.diag([1.0, 1, 2, 1]))
HEAD_FIRST = VolumeGeometry((4, 5, 150), np.diag([1.0, 1, -2, 1]))
EQUAL = slab_options(thickness=50)


def slices(geometry, setting, overlap=0, limits=None):
    plan = plan_slabs(geometry, slab_options(cut_at=setting, overlap=overlap), limits)
    return [(slab.box.start[2], slab.box.stop[2] - 1) for slab in plan.slabs]


@pytest.mark.parametrize(
    ("number", "text", "shown"),
    [
        (0, "0 … 39", [(0, 39), (40, 99), (100, 149)]),
        (0, "40", [(0, 39), (40, 99), (100, 149)]),
        (1, "40 … 109", [(0, 39), (40, 109), (110, 149)]),
        (1, "60-69", [(0, 59), (60, 69), (70, 149)]),
        (2, "120 149", [(0, 49), (50, 119), (120, 149)]),
        (1, "0...149 ", None),
        (1, "10 … 119", [(0, 9), (10, 119), (120, 149)]),
        (1, "0 … 119", [(0, 119), (120, 149)]),
        (2, "100 … 119", [(0, 49), (50, 99), (100, 119), (120, 149)]),
        (0, "20 … 49", [(0, 19), (20, 49), (50, 99), (100, 149)]),
        (1, "20 slices", [(0, 49), (50, 69), (70, 149)]),
    ],
)
def test_neighbours_give_way_or_take_the_rest(number, text, shown):
    plan = plan_slabs(CT, EQUAL)
    if shown is None:
        with pytest.raises(RequestError, match="That is one slab of all 150 slices"):
            typed(plan, number, text)
    else:
        assert slices(CT, typed(plan, number, text)) == shown


@pytest.mark.parametrize(
    ("number", "text", "shown"),
    [
        (0, "100 … 139", [(140, 149), (100, 139), (50, 99), (0, 49)]),
        (0, "30", [(120, 149), (50, 119), (0, 49)]),
        (2, "0 … 39", [(100, 149), (40, 99), (0, 39)]),
    ],
)
def test_numbers_against_the_index_are_the_patients(number, text, shown):
    assert slices(HEAD_FIRST, typed(plan_slabs(HEAD_FIRST, EQUAL), number, text)) == shown


@pytest.mark.parametrize("geometry", [CT, HEAD_FIRST])
@pytest.mark.parametrize("overlap", [0, 4])
@pytest.mark.parametrize("limits", [None, Box((0, 0, 20), (4, 5, 140))])
def test_what_is_typed_is_what_is_shown(geometry, overlap, limits):
    plan = plan_slabs(geometry, slab_options(thickness=50, overlap=overlap), limits)
    for number, slab in enumerate(plan.slabs):
        first, last = slab.box.start[2], slab.box.stop[2] - 1
        same = typed(plan, number, f"{first} … {last}")
        equal = [(one.box.start[2], one.box.stop[2] - 1) for one in plan.slabs]
        assert slices(geometry, same, overlap, limits) == equal
        inner = typed(plan, number, f"{first + 5} … {last - 2}")
        assert (first + 5, last - 2) in slices(geometry, inner, overlap, limits)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "'' is not the first and last slice, such as 0 … 39, nor how many."),
        ("1 2 3", "'1 2 3' is not the first and last slice, such as 0 … 39, nor how many."),
        ("3.5", "'3.5' is not the first and last slice, such as 0 … 39, nor how many."),
        ("-5 … 9", "'-5 … 9' is not the first and last slice, such as 0 … 39, nor how many."),
        ("90 … 160", "The slices that are cut along k are 0 to 149; 90 to 160 were typed."),
        ("0 slices", "A slab of 0 slices does not fit there; up to 100 do."),
        ("101", "A slab of 101 slices does not fit there; up to 100 do."),
    ],
)
def test_what_does_not_fit_is_a_sentence(text, sentence):
    with pytest.raises(RequestError) as caught:
        typed(plan_slabs(CT, EQUAL), 1, text)
    assert str(caught.value) == sentence


def test_slabs_that_would_not_advance_are_refused():
    plan = plan_slabs(CT, slab_options(thickness=50, overlap=4))
    with pytest.raises(RequestError, match="shares 4 slices with the one before needs more than 4; 4 were typed"):
        typed(plan, 1, "46 … 49")
    with pytest.raises(RequestError, match="The first slab has 4 slices, and the next would share 4"):
        typed(plan, 0, "0 … 3")


@pytest.mark.parametrize("geometry", [CT, HEAD_FIRST])
@pytest.mark.parametrize("overlap", [0, 4])
def test_a_boundary_is_dragged_to_the_nearest_slice_and_stays_between_its_neighbours(geometry, overlap):
    plan = plan_slabs(geometry, slab_options(thickness=50, overlap=overlap))
    points = boundary_points(plan)
    assert len(points) == len(boundaries(plan))
    for number, (r, a, s) in enumerate(points):
        assert slices(geometry, dragged(plan, number, (r, a, s)), overlap) == [
            (slab.box.start[2], slab.box.stop[2] - 1) for slab in plan.slabs
        ]
        moved = plan_slabs(geometry, slab_options(cut_at=dragged(plan, number, (r + 50, a, s + 5.9)), overlap=overlap))
        assert boundaries(moved)[number] == boundaries(plan)[number] + 3  # 2 mm a slice, and numbers rise with S
        others = [n for n in range(len(points)) if n != number]
        assert [boundaries(moved)[n] for n in others] == [boundaries(plan)[n] for n in others]
        for far in (-1e4, 1e4):
            pushed = plan_slabs(geometry, slab_options(cut_at=dragged(plan, number, (r, a, far)), overlap=overlap))
            assert len(pushed.slabs) == len(plan.slabs)


def test_a_boundary_lies_between_the_slices_that_it_divides():
    plan = plan_slabs(CT, slab_options(cut_at="40"))
    assert boundary_points(plan) == ((1.5, 2.0, 79.0),)  # slices 39 and 40 have their middles at 78 and 80 mm
    assert boundary_name(plan, 0) == "k = 40"


def test_they_are_shown_in_views_that_do_not_look_along_the_axis():
    plan = plan_slabs(CT, slab_options(cut_at="40"))
    assert [shows_boundaries(plan, normal) for normal in ((1, 0, 0), (0, 1, 0), (0, 0, -1))] == [True, True, False]
    oblique = VolumeGeometry((4, 5, 150), affine(oblique=20))
    plan = plan_slabs(oblique, slab_options(cut_at="2", axis="i"))
    normals = [tuple(oblique.directions[:, n]) for n in range(3)]
    assert [shows_boundaries(plan, normal) for normal in normals] == [False, True, True]


def test_the_panel_cuts_there_and_says_so(volume, settings):
    view = panel_view(replace(settings, cut_at="4, 15", axis="k"), volume)
    assert [row.slices for row in view.rows] == ["0 … 3", "4 … 14", "15 … 22"]
    assert "3 slabs of up to 11 slices" in view.summary
    beyond = panel_view(replace(settings, cut_at="40", axis="k"), volume)
    assert beyond.export.tooltip == "No slab can begin at k = 40: the volume's slices along k are 0 to 22."
    wrong = panel_view(replace(settings, cut_at="4;5"), volume)
    assert wrong.export.tooltip.startswith("'Boundaries' needs the indices of slices, whole numbers such as 40,104")


def test_blocks_and_one_piece_go_before_boundaries():
    assert request_of(PanelSettings(cut_at="4", block="5,5,5")).slabs.cut_at is None
    assert request_of(PanelSettings(cut_at="4", crop=True)).slabs.cut_at is None
    assert request_of(PanelSettings(cut_at="9, 4", remainder="pad")).slabs.cut_at == (4, 9)
