"""Which part of the data set a case goes to, and what is said where shares cannot be met."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from slab_exporter.cases.find import find_cases
from slab_exporter.cases.parts import Deal, deal
from support.trees import touch

SHARES = (0.8, 0.1, 0.1)


def dealt(folder: Path, shares: tuple[float, ...] | None = None) -> Deal:
    return deal(find_cases([folder], []), shares, seed=0)


def decathlon(folder: Path, labelled: int, test: int, test_labels: bool = False) -> Path:
    for n in range(labelled):
        touch(folder, f"imagesTr/liver_{n}.nii", f"labelsTr/liver_{n}.nii")
    for n in range(100, 100 + test):
        touch(folder, f"imagesTs/liver_{n}.nii", *([f"labelsTs/liver_{n}.nii"] if test_labels else []))
    return folder


def test_lits_is_dealt_as_asked(tmp_path):
    touch(tmp_path, *(f"{kind}-{n}.nii" for n in range(10) for kind in ("volume", "segmentation")))
    result = dealt(tmp_path, SHARES)
    assert Counter(result.parts.values()) == {"training": 8, "validation": 1, "test": 1}
    assert result.warnings == ()


def test_images_of_the_test_folder_are_the_test_part(tmp_path):
    result = dealt(decathlon(tmp_path, 10, 3))
    assert Counter(result.parts.values()) == {"training": 10, "test": 3}
    assert {name for name, part in result.parts.items() if part == "test"} == {f"liver_{n}" for n in (100, 101, 102)}
    assert len(result.warnings) == 1
    assert result.warnings[0].startswith("3 cases of 13 without a label map (first: liver_100) are listed apart")
    assert result.warnings[0].endswith("3 under 'test'.")


def test_a_test_part_with_label_maps_takes_no_case_without_one(tmp_path):
    result = dealt(decathlon(tmp_path, 10, 3), SHARES)
    assert Counter(result.parts.values()) == {"training": 8, "validation": 1, "test": 1, "unlabelled": 3}
    assert {result.parts[f"liver_{n}"] for n in (100, 101, 102)} == {"unlabelled"}


def test_a_stated_test_part_counts_towards_its_share(tmp_path):
    """20 for training, 5 for test with label maps: 25 in all, of which a fifth is in test already."""
    result = dealt(decathlon(tmp_path, 20, 5, test_labels=True), (0.6, 0.2, 0.2))
    assert Counter(result.parts.values()) == {"training": 15, "validation": 5, "test": 5}
    assert {result.parts[f"liver_{n}"] for n in range(100, 105)} == {"test"}
    assert result.warnings == ()


def test_a_stated_part_larger_than_its_share_is_said(tmp_path):
    result = dealt(decathlon(tmp_path, 9, 11, test_labels=True), SHARES)
    assert Counter(result.parts.values()) == {"training": 8, "validation": 1, "test": 11}
    assert result.warnings == (
        "The shares of the split are not met: asked for training 0.8, validation 0.1, test 0.1; "
        "20 groups to deal give training 8 (8 cases), validation 1 (1 case), test 11 (11 cases).",
    )


@pytest.mark.parametrize(
    ("patients", "sentence"),
    [
        (
            1,
            "The validation and test parts stay empty: asked for training 0.8, validation 0.1, test 0.1; ",
        ),
        (2, "The test part stays empty: "),
        (3, "The shares of the split are not met: "),
    ],
)
def test_too_few_patients_are_said(tmp_path, patients, sentence):
    touch(tmp_path, *(f"p{n}_{kind}.nii" for n in range(patients) for kind in ("t1", "t2")))
    (text,) = dealt(tmp_path, SHARES).warnings
    assert text.startswith(sentence)
    assert f"training 1 ({2} cases)" in text


def test_groups_of_unequal_size_are_said(tmp_path):
    touch(tmp_path, *(f"p1_frame{n}.nii" for n in range(16)), *(f"p{n}_frame1.nii" for n in range(2, 6)))
    (text,) = dealt(tmp_path, (0.8, 0.2)).warnings
    assert "5 groups to deal give training 4 (" in text


def test_cases_without_a_label_map_are_apart_only_where_others_have_one(tmp_path):
    touch(tmp_path, "a/x.nii", "a/y.nii")
    assert set(dealt(tmp_path / "a").parts.values()) == {"training"}
    assert dealt(tmp_path / "a").warnings == ()
    touch(tmp_path, "a/x_seg.nii")
    assert dealt(tmp_path / "a").parts == {"x": "training", "y": "unlabelled"}


def test_a_case_with_another_label_set_only_is_not_among_those_with_the_first(tmp_path):
    """The list calls one label set "label" for all slabs."""
    touch(tmp_path, "a.nii", "b.nii", "l.nii", "t.nii")
    (tmp_path / "c.csv").write_text("image,label_liver,label_tumour\na.nii,l.nii,t.nii\nb.nii,,t.nii\n")
    assert deal(find_cases([tmp_path / "c.csv"], []), None, 0).parts == {"a": "training", "b": "unlabelled"}


def test_a_case_that_fails_today_moves_no_other_one(tmp_path):
    for n in range(10):
        touch(tmp_path, f"im/a{n}.nii", f"la/a{n}.nii")
    whole = deal(find_cases([tmp_path / "im"], [str(tmp_path / "la")]), SHARES, 0).parts
    (tmp_path / "la" / "a3.nii").unlink()
    assert deal(find_cases([tmp_path / "im"], [str(tmp_path / "la")]), SHARES, 0).parts == whole


def test_a_folder_called_test_alone_is_no_part(tmp_path):
    touch(tmp_path, "test/a.nii", "retest/a.nii")
    assert {case.part for case in find_cases([tmp_path], [])} == {""}
    assert {case.part for case in find_cases([tmp_path / "test"], [])} == {""}
    touch(tmp_path, "train/b.nii")
    assert {case.image.parent.name: case.part for case in find_cases([tmp_path], [])} == {
        "test": "test",
        "retest": "",
        "train": "training",
    }


def test_a_patient_in_several_parts_is_in_one_and_it_is_said(tmp_path):
    touch(tmp_path, "imagesTr/p1_t1.nii", "imagesTr/p2_t1.nii", "imagesTs/p3_t1.nii", "sub/imagesTs/p4_t1.nii")
    (tmp_path / "c.csv").write_text(
        "image,label,patient\nimagesTr/p1_t1.nii,l.nii,A\nimagesTs/p3_t1.nii,l.nii,A\nimagesTr/p2_t1.nii,m.nii,B\n"
    )
    result = deal(find_cases([tmp_path / "c.csv"], []), None, 0)
    assert set(result.parts.values()) == {"training"}
    assert result.warnings[0].startswith("1 group with images in folders of several parts (first: p1)")
