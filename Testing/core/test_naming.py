"""Names that survive every file system."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slab_exporter.core.naming import case_names, safe_name, slab_name, slab_name_pattern, volume_stem


@given(st.text(max_size=300))
def test_a_safe_name_is_one_harmless_path_part(text):
    name = safe_name(text)
    assert name
    assert Path(name).name == name
    assert not name.startswith(".")
    assert not name.endswith((".", " "))
    assert len(name.encode()) <= 121
    assert not set(name) & set('<>:"/\\|?*\0\n')


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Müller, Björn", "Müller, Björn"),
        ("患者 7", "患者 7"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("con", "con_"),
        ("", "case"),
        ("...", "case"),
    ],
)
def test_letters_stay_and_traps_go(text, name):
    assert safe_name(text) == name


def test_equal_stems_are_told_apart_by_their_folders():
    paths = [Path("/d/case_1/imaging.nii.gz"), Path("/d/case_2/imaging.nii.gz"), Path("/d/other.nii")]
    assert case_names(paths) == ["case_1_imaging", "case_2_imaging", "other"]


def test_names_that_differ_in_case_or_format_only_are_distinct():
    names = case_names([Path("/d/CT.nii"), Path("/d/ct.nii"), Path("/d/ct.nrrd")])
    assert len({n.casefold() for n in names}) == 3


def test_stems_know_double_extensions():
    assert volume_stem(Path("a.b.nii.gz")) == "a.b"
    assert volume_stem(Path("x.NRRD")) == "x"


def test_slab_names_sort_and_are_recognised():
    assert slab_name("ct", 7, 12) == "ct_slab-007"
    assert slab_name("ct", 7, 1200) == "ct_slab-0007"
    pattern = slab_name_pattern("c.t")
    assert pattern.fullmatch("c.t_slab-007.nii.gz")
    assert not pattern.fullmatch("cxt_slab-007.nii.gz")
    assert not pattern.fullmatch("c.t_slab-007-mine.nii.gz.bak/..")
