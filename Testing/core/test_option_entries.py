"""Options as entries of a file: every one of them, each of its kind, without contradictions."""

from __future__ import annotations

import argparse
import doctest
import inspect
import json
from dataclasses import asdict, fields, is_dataclass, replace

import pytest
import slab_exporter as se
from slab_exporter.cli.export import add_arguments
from slab_exporter.core.errors import InputError
from slab_exporter.core.options import (
    DataSetOptions,
    DicomOptions,
    ExportRequest,
    LabelOptions,
    PrepareOptions,
    SeriesOptions,
    entries,
)
from slab_exporter.core.pieces.keeping import KeepOptions
from slab_exporter.core.pieces.limiting import LimitOptions
from slab_exporter.core.pieces.shape import slab_options

# What is read and written, and how a run goes about it: all other options travel.
STAYS = {"inputs", "out", "output", "labels", "key_file", "jobs", "dask", "shard", "resume", "overwrite", "progress"}
STAYS |= {"options", "dry_run", "quiet", "json", "debug", "help"}


def leaves(value, before=()):
    for field in fields(value):
        inner = getattr(value, field.name)
        if is_dataclass(inner):
            yield from leaves(inner, (*before, field.name))
        else:
            yield (*before, field.name)


def test_every_field_is_an_entry_and_every_entry_an_option_of_command_line_and_front_door():
    table = entries.entries()
    places = {place for kind in (ExportRequest(), DataSetOptions()) for place in leaves(kind)}
    assert {entry.place for entry in table.values()} == places
    assert len(table) == len(places)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    typed = {"verify" if action.dest == "no_verify" else action.dest for action in parser._actions}
    assert set(table) == typed - STAYS
    assert set(table) == set(inspect.signature(se.export).parameters) - STAYS


def test_every_kind_of_value_is_known():
    for keyword, entry in entries.entries().items():
        assert entry.holds(json.loads(json.dumps(entry.default))), keyword
        assert not entry.holds({"a": 1}), keyword


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("thickness", "64"),
        ("thickness", 64.5),
        ("thickness", True),
        ("axis", "up"),
        ("block", [64, 64]),
        ("block", [64, 64, "all"]),
        ("overlap", [1, 2]),
        ("crop", 1),
        ("margin", "5 mm"),
        ("split", 0.8),
        ("split", ["a"]),
        ("new_uids", 7),
        ("format", ["nii"]),
    ],
)
def test_a_value_of_another_kind_is_named(keyword, value):
    with pytest.raises(InputError) as caught:
        entries.require_known("o.json", {keyword: value})
    assert str(caught.value).startswith(f"o.json: the entry '{keyword}' cannot be ")


def test_an_unknown_entry_is_named_with_the_one_that_may_be_meant():
    with pytest.raises(InputError, match=r"an entry 'thicknes', .*; is 'thickness' meant\?"):
        entries.require_known("o.json", {"thicknes": 64})
    with pytest.raises(InputError, match=r"an entry 'xyz', and there is no option of that name\."):
        entries.require_known("o.json", {"xyz": 64})


@pytest.mark.parametrize(
    ("of_file", "given", "result"),
    [
        ({"thickness": 64}, {"thickness": 32}, {"thickness": 32}),
        ({"thickness": 64, "axis": "k"}, {"thickness_mm": 9.0}, {"axis": "k", "thickness_mm": 9.0}),
        ({"block": [4, 4, 4], "overlap": 1}, {"axis": "k"}, {"axis": "k", "overlap": 1}),
        ({"block": [4, 4, 4], "overlap": 1}, {"crop": True}, {"crop": True}),
        ({"thickness": 64, "remainder": "pad", "axis": "k"}, {"cut_at": "5"}, {"axis": "k", "cut_at": "5"}),
        ({"cut_at": [5], "axis": "k"}, {"thickness": 9}, {"axis": "k", "thickness": 9}),
        ({"cut_at": [5], "overlap": 1}, {"remainder": "pad"}, {"overlap": 1, "remainder": "pad"}),
        ({"cut_at": [5]}, {"remainder": "keep"}, {"cut_at": [5], "remainder": "keep"}),
        ({"block": [4, 4, 4]}, {"crop": False}, {"block": [4, 4, 4], "crop": False}),
        ({"within": "a", "crop": True}, {"crop_to": "body"}, {"crop": True, "crop_to": "body"}),
        ({"crop_to": "body", "margin": 3}, {"within": "a"}, {"within": "a"}),
        ({"keep": "body", "min_fraction": 0.1}, {"keep": "all"}, {"keep": "all"}),
        ({"keep": "body", "min_fraction": 0.1}, {"keep": "labelled"}, {"keep": "labelled", "min_fraction": 0.1}),
        ({"format": "dicom", "modality": "CT"}, {"format": "nii"}, {"format": "nii"}),
        ({"format": "dicom", "modality": "CT"}, {"format": "dicom"}, {"format": "dicom", "modality": "CT"}),
        ({"orient": "RAS", "spacing": [1, 1, 1]}, {"like": "a"}, {"like": "a"}),
        ({"like": "a", "interpolation": "linear"}, {"spacing": "2"}, {"interpolation": "linear", "spacing": "2"}),
        ({"fill": -5.0}, {"fill": None}, {"fill": None}),
        ({"frame": 2}, {"frame": None}, {"frame": 2}),
    ],
)
def test_what_is_given_wins_also_over_what_it_contradicts(of_file, given, result):
    assert entries.merged(of_file, given) == result


REQUESTS = [
    ExportRequest(),
    ExportRequest(slab_options(thickness=7, axis="j", overlap=2, remainder="pad", fill=-7.5), frame=3, verify=False),
    ExportRequest(
        slab_options(thickness_mm=9.5), nifti_transform="qform", compression="small", within="/in/{case}.json"
    ),
    ExportRequest(slab_options(cut_at="104,40", axis="k", overlap=3)),
    ExportRequest(slab_options(block="4,all,5", overlap="1,0,2"), keep=KeepOptions("labelled", 0.25)),
    ExportRequest(slab_options(block_mm="4.5,all,5"), limit=LimitOptions("labels", 2.5), allow_outside_data=True),
    ExportRequest(slab_options(crop=True), series=SeriesOptions(0.5, allow_damaged=True), format="nrrd"),
    ExportRequest(series=SeriesOptions(resample=True), prepare=PrepareOptions("LPS", (1.0, 0.0, 2.5), None, "bspline")),
    ExportRequest(prepare=PrepareOptions(like="/in/grid.nii"), frames="0:40"),
    ExportRequest(labels=LabelOptions("image", 0.3, "last")),
    ExportRequest(
        format="dicom",
        dicom=DicomOptions("MR", "A^B", "17", "none", True, True, "5e1f", "/in/segments.csv"),
    ),
]


def test_the_requests_change_every_field_once():
    asked = [entries.values_in(asdict(request)) for request in REQUESTS]
    plain = asked[0]
    untouched = {
        keyword
        for keyword, entry in entries.entries().items()
        if entry.place in set(leaves(ExportRequest())) and all(one[keyword] == plain[keyword] for one in asked)
    }
    assert not untouched


@pytest.mark.parametrize("request_", REQUESTS)
def test_nothing_that_is_ignored_contradicts_what_is_used(request_):
    values = entries.values_in(json.loads(json.dumps(asdict(request_))))
    entries.require_known("o.json", values)
    shape = {
        name: values[name]
        for name in (
            "thickness", "thickness_mm", "axis", "overlap", "remainder", "fill", "block", "block_mm", "crop", "cut_at"
        )
    }  # fmt: skip
    assert replace(request_, slabs=slab_options(**shape)) == request_


def test_the_examples():
    assert not doctest.testmod(entries).failed
