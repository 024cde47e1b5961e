"""A label map belongs to the images whose place says so, and to no other."""

from __future__ import annotations

import pytest
from slab_exporter.cases.find import find_cases
from slab_exporter.core.errors import InputError, RequestError
from support.trees import touch


def matches(cases, folder):
    """Image -> label maps, as paths in the folder."""
    return {
        case.image.relative_to(folder).as_posix(): [
            path.relative_to(folder).as_posix() for path in case.labels.values()
        ]
        for case in cases
    }


@pytest.mark.parametrize(
    ("files", "labelled", "unlabelled"),
    [
        (["A/volume-1.nii", "A/segmentation-1.nii", "B/volume-1.nii"], "A/volume-1.nii", ["B/volume-1.nii"]),
        (
            ["train/c1/imaging.nii", "train/c1/segmentation.nii", "test/c1/imaging.nii"],
            "train/c1/imaging.nii",
            ["test/c1/imaging.nii"],
        ),
        (
            ["imagesTr/c_000_0000.nii", "labelsTr/c_000.nii", "imagesTs/c_000_0000.nii"],
            "imagesTr/c_000_0000.nii",
            ["imagesTs/c_000_0000.nii"],
        ),
        (["ct/a.nii", "ct/b.nii", "ct/ct_mask.nii"], None, ["ct/a.nii", "ct/b.nii"]),
        (["ct/ct_1.nii", "ct/ct_2.nii", "ct/ct_mask.nii"], None, ["ct/ct_1.nii", "ct/ct_2.nii"]),
        (["heart/p1.nii", "heart/p2.nii", "atlas/masks/heart.nii"], None, ["heart/p1.nii", "heart/p2.nii"]),
    ],
)
def test_an_image_does_not_take_the_label_map_of_another_place(tmp_path, files, labelled, unlabelled):
    found = matches(find_cases([touch(tmp_path, *files)], []), tmp_path)
    assert [image for image, labels in found.items() if labels] == ([labelled] if labelled else [])
    assert [image for image, labels in found.items() if not labels] == unlabelled


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("volume_pt1/volume-3.nii", "segmentations/segmentation-3.nii"),
        ("images/site A/x.nii", "labels/site A/x.nii"),
        ("train/images/x.nii", "train/labels/x.nii"),
        ("x.nii", "masks/x.nii"),
        ("imagesVa/x_0000.nii", "labelsVa/x.nii"),
        ("P1/ct.nii", "P1/P1_seg.nii"),
    ],
)
def test_label_folders_serve_the_tree_beside_them(tmp_path, image, label):
    assert matches(find_cases([touch(tmp_path, image, label)], []), tmp_path) == {image: [label]}


def test_a_map_in_a_given_folder_goes_to_the_image_of_its_own_subfolder(tmp_path):
    touch(tmp_path, "im/A/volume-1.nii", "im/B/volume-1.nii", "truth/A/segmentation-1.nii")
    first, second = find_cases([tmp_path / "im"], [str(tmp_path / "truth")])
    assert (first.image.parent.name, list(first.labels)) == ("A", ["labels"])
    assert "holds none" in second.problem


def test_no_image_becomes_its_own_label_map(tmp_path):
    touch(tmp_path, "a.nii", "a_seg.nii", "b.nii", "b_seg.nii")
    assert matches(find_cases([tmp_path], [str(tmp_path)]), tmp_path) == {
        "a.nii": ["a_seg.nii"],
        "b.nii": ["b_seg.nii"],
    }
    touch(tmp_path, "only/c.nii")
    with pytest.raises(InputError, match="holds the images and no label maps"):
        find_cases([tmp_path / "only"], [str(tmp_path / "only")])


def test_a_number_made_of_several_is_refused(tmp_path):
    touch(tmp_path, "im/p1_23.nii", "im/p12_3.nii", "seg_123.nii")
    with pytest.raises(RequestError, match=r"which has 2 \(1, 23\)"):
        find_cases([tmp_path / "im"], [f"{tmp_path}/seg_{{number}}.nii"])


def test_a_pattern_that_gives_one_map_to_several_images_is_refused(tmp_path):
    touch(tmp_path, "A/p1.nii", "B/p1.nii", "seg_p1.nii")
    with pytest.raises(RequestError, match=r"gives .*seg_p1.nii to .*A.* and to .*B"):
        find_cases([tmp_path], [f"{tmp_path}/seg_{{case}}.nii"])


def test_images_of_one_folder_may_share_the_folders_map(tmp_path):
    touch(tmp_path, "im/P1/t1.nii", "im/P1/t2.nii", "P1.nii")
    cases = find_cases([tmp_path / "im"], [f"{tmp_path}/{{folder}}.nii"])
    assert [case.labels["labels"].name for case in cases] == ["P1.nii", "P1.nii"]


@pytest.mark.parametrize("columns", ["label,mask", "label,label", "label_a,label-a", "label_a,label_A"])
def test_two_columns_for_one_label_set_are_refused(tmp_path, columns):
    touch(tmp_path, "x.nii")
    (tmp_path / "l.csv").write_text(f"image,{columns}\nx.nii,l.nii,m.nii\n")
    with pytest.raises(InputError, match="has 2 columns"):
        find_cases([tmp_path / "l.csv"], [])


def test_label_maps_of_no_image_are_told(tmp_path):
    touch(tmp_path, "s1/ct.nii", "s1/segmentations/liver.nii", "s1/segmentations/spleen.nii")
    told: list[str] = []
    find_cases([tmp_path], [], warn=told.append)
    assert len(told) == 1
    assert told[0].startswith(f"2 label maps belong to no image by name and place (first: {tmp_path / 's1'}")
    touch(tmp_path, "s2/a.nii", "s2/a_seg.nii")
    find_cases([tmp_path / "s2"], [], warn=told.append)
    assert len(told) == 1
