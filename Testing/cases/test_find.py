"""Which files are cases, and which label map belongs to which image."""

from __future__ import annotations

from pathlib import Path

import pytest
from slab_exporter.cases.find import find_cases, grouped, match_summary
from slab_exporter.core.errors import InputError, RequestError
from support.trees import touch


def labels_of(cases, folder):
    return {c.name: {name: path.relative_to(folder).as_posix() for name, path in c.labels.items()} for c in cases}


def test_lits_segmentations_belong_to_the_volumes_of_the_same_number(tmp_path):
    touch(tmp_path, *(f"batch {n % 2}/volume-{n}.nii" for n in (0, 1, 2, 12)))
    touch(tmp_path, *(f"batch {n % 2}/segmentation-{n}.nii" for n in (0, 1, 2, 12)))
    cases = find_cases([tmp_path], [])
    assert [c.name for c in cases] == ["volume-0", "volume-2", "volume-12", "volume-1"]
    assert labels_of(cases, tmp_path)["volume-12"] == {"labels": "batch 0/segmentation-12.nii"}
    assert match_summary(cases) == ["4 images", "label set 'labels': 4 by LiTS (volume-N / segmentation-N)"]


def test_nnunet_channels_share_their_label_map_and_their_group(tmp_path):
    touch(tmp_path, "imagesTr/la_003_0000.nii.gz", "imagesTr/la_003_0001.nii.gz", "imagesTr/la_004_0000.nii.gz")
    touch(tmp_path, "labelsTr/la_003.nii.gz", "labelsTr/la_004.nii.gz", "imagesTs/la_009_0000.nii.gz")
    cases = find_cases([tmp_path], [])
    assert labels_of(cases, tmp_path) == {
        "la_003_0000": {"labels": "labelsTr/la_003.nii.gz"},
        "la_003_0001": {"labels": "labelsTr/la_003.nii.gz"},
        "la_004_0000": {"labels": "labelsTr/la_004.nii.gz"},
        "la_009_0000": {},
    }
    assert [c.group for c in cases] == ["la_003", "la_003", "la_004", "la_009"]
    assert match_summary(cases)[1].endswith("; 1 without")


def test_the_same_names_in_training_and_test_folders_do_not_mix(tmp_path):
    touch(tmp_path, "imagesTr/a_0000.nii", "labelsTr/a.nii", "imagesTs/a_0000.nii", "labelsTs/a.nii")
    cases = find_cases([tmp_path], [])
    assert sorted(str(c.labels["labels"].parent.name) for c in cases) == ["labelsTr", "labelsTs"]
    assert all(c.labels["labels"].parent.name[-2:] == c.image.parent.name[-2:] for c in cases)


def test_case_folders_name_the_case(tmp_path):
    for n in range(3):
        touch(tmp_path, f"case_{n:05d}/imaging.nii.gz", f"case_{n:05d}/segmentation.nii.gz")
    cases = find_cases([tmp_path], [])
    assert [c.name for c in cases] == ["case_00000", "case_00001", "case_00002"]
    assert labels_of(cases, tmp_path)["case_00001"] == {"labels": "case_00001/segmentation.nii.gz"}


def test_suffixes_mark_label_maps_beside_their_images(tmp_path):
    touch(
        tmp_path, "a.nii.gz", "a_seg.nii.gz", "b.nrrd", "b-label.nrrd", "P1/P1_t1.nii", "P1/P1_t2.nii", "P1/P1_seg.nii"
    )
    cases = find_cases([tmp_path], [])
    assert labels_of(cases, tmp_path) == {
        "P1_t1": {"labels": "P1/P1_seg.nii"},
        "P1_t2": {"labels": "P1/P1_seg.nii"},
        "a": {"labels": "a_seg.nii.gz"},
        "b": {"labels": "b-label.nrrd"},
    }


def test_a_label_folder_is_matched_by_convention_too(tmp_path):
    touch(tmp_path, "x/volume-3.nii.gz", "x/volume-4.nii.gz", "y/segmentation-3.nii", "y/segmentation-4.nii")
    cases = find_cases([tmp_path / "x"], [str(tmp_path / "y")])
    assert [c.labels["labels"].name for c in cases] == ["segmentation-3.nii", "segmentation-4.nii"]


def test_an_image_without_its_label_is_a_case_with_a_problem(tmp_path):
    touch(tmp_path, "x/a.nii", "x/b.nii", "y/a.nii")
    first, second = find_cases([tmp_path / "x"], [f"liver={tmp_path / 'y'}"])
    assert first.problem is None
    assert "b.nii" in second.problem
    assert "none" in second.problem


def test_labels_that_fit_no_image_are_refused(tmp_path):
    touch(tmp_path, "x/a.nii", "x/b.nii", "y/c.nii")
    with pytest.raises(InputError, match="for any of the 2 images"):
        find_cases([tmp_path / "x"], [str(tmp_path / "y")])


def test_two_label_maps_for_one_image_are_a_problem(tmp_path):
    touch(tmp_path, "x/a.nii", "x/b.nii", "y/a.nii", "y/b.nii", "y/a.nrrd")
    first, _ = find_cases([tmp_path / "x"], [str(tmp_path / "y")])
    assert "holds 2" in first.problem


def test_a_pattern_finds_label_maps(tmp_path):
    touch(tmp_path, "s1/ct_7.nii", "s2/ct_8.nii", "truth/s1/organ7.nii", "truth/s2/organ8.nii")
    cases = find_cases([tmp_path / "s1", tmp_path / "s2"], [f"{tmp_path}/truth/{{folder}}/organ{{number}}.nii"])
    assert [c.labels["labels"].name for c in cases] == ["organ7.nii", "organ8.nii"]
    with pytest.raises(RequestError, match="cannot be filled in"):
        find_cases([tmp_path / "s1"], [f"{tmp_path}/{{nothing}}.nii"])


def test_a_table_names_cases_labels_and_columns(tmp_path):
    touch(tmp_path, "d/a.nii", "d/b.nii", "d/la.nii")
    table = tmp_path / "cases.csv"
    table.write_text(
        "\ufeffCase;Image;Label;patient;site\nfirst;d/a.nii;d/la.nii;P1;Ulm\n\nsecond;d/b.nii;;P1;Köln\n", "utf-8"
    )
    cases = find_cases([table], [])
    assert [(c.name, c.image, c.labels, c.columns) for c in cases] == [
        ("first", tmp_path / "d/a.nii", {"labels": tmp_path / "d/la.nii"}, {"patient": "P1", "site": "Ulm"}),
        ("second", tmp_path / "d/b.nii", {}, {"patient": "P1", "site": "Köln"}),
    ]
    assert [c.group for c in grouped(cases, "patient")] == ["P1", "P1"]
    with pytest.raises(RequestError, match="the lists have: patient, site"):
        grouped(cases, "age")


def test_a_table_may_have_several_label_columns(tmp_path):
    touch(tmp_path, "a.nii")
    (tmp_path / "l.csv").write_text("image,label_liver,label_tumour\na.nii,l.nii,t.nii\n")
    (case,) = find_cases([tmp_path / "l.csv"], [])
    assert case.labels == {"liver": tmp_path / "l.nii", "tumour": tmp_path / "t.nii"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,file\na,b\n", "no column 'image'"),
        ("image\n", "names no case"),
        ("case,image\nx,a.nii\ny,\n", "line 3: the column 'image' is empty"),
        ("", "no column 'image'"),
        ("image\na.nii\n", "names none that exists; the first would be"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, text, sentence):
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(InputError, match=sentence):
        find_cases([tmp_path / "l.csv"], [])


def test_a_text_list_is_relative_to_its_folder(tmp_path):
    touch(tmp_path, "d/a.nii")
    (tmp_path / "l.txt").write_text("# mine\n\nd/a.nii\n/abs/b.nii\n")
    cases = find_cases([tmp_path / "l.txt"], [])
    assert [c.image for c in cases] == [tmp_path / "d/a.nii", Path("/abs/b.nii")]


def test_cases_of_one_name_in_a_list_are_refused(tmp_path):
    touch(tmp_path, "a.nii")
    (tmp_path / "l.csv").write_text("case,image\nA,a.nii\na,b.nii\n")
    with pytest.raises(RequestError, match="Two cases are called 'a'"):
        find_cases([tmp_path / "l.csv"], [])


def test_patterns_are_opened_where_the_shell_did_not(tmp_path):
    touch(tmp_path, "p/a.nii", "q/b.nii.gz", "q/notes.txt~")
    cases = find_cases([tmp_path / "*" / "*.nii*"], [])
    assert [c.name for c in cases] == ["a", "b"]
    with pytest.raises(InputError, match="matches no volume"):
        find_cases([tmp_path / "*.mha"], [])


def test_outputs_hidden_files_and_earlier_exports_are_not_searched(tmp_path):
    touch(tmp_path, "a.nii", ".hidden/b.nii", ".c.nii", "out/d.nii", "old/x/images/x_slab-000.nii")
    (tmp_path / "old/x/manifest.json").write_text('{\n "schema": "slab-exporter/1",\n')
    assert [c.name for c in find_cases([tmp_path], [], tmp_path / "out")] == ["a"]


def test_slabs_of_an_export_that_was_killed_are_not_searched(tmp_path):
    touch(tmp_path, "a.nii", "old/x/images/x_slab-000.nii", "old/x/.partial/x_slab-001.nii")
    assert [c.name for c in find_cases([tmp_path], [])] == ["a"]


def test_a_manifest_of_another_program_hides_nothing(tmp_path):
    touch(tmp_path, "p/a.nii")
    (tmp_path / "p/manifest.json").write_text('{"from": "XNAT"}')
    assert [c.name for c in find_cases([tmp_path], [])] == ["a"]


def test_no_case_is_called_like_a_file_about_the_data_set(tmp_path):
    touch(tmp_path, "slabs.csv.nii.gz", "Report.html.nii")
    assert [c.name for c in find_cases([tmp_path], [])] == ["Report.html_", "slabs.csv_"]


def test_the_same_file_twice_is_refused(tmp_path):
    touch(tmp_path, "a.nii")
    with pytest.raises(RequestError, match="given twice"):
        find_cases([tmp_path, tmp_path / "a.nii"], [])
