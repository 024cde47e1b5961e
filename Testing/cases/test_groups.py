"""What belongs to one patient stays on one side of a split."""

from __future__ import annotations

from pathlib import Path

from slab_exporter.cases.find import find_cases
from support.trees import touch


def groups(folder: Path) -> dict[str, str]:
    return {case.name: case.group for case in find_cases([folder], [])}


def test_modalities_of_one_case_folder_are_one_group(tmp_path):
    for name in ("B1", "B2"):
        touch(tmp_path, *(f"{name}/{name}_{kind}.nii" for kind in ("t1", "t2", "flair", "seg")))
    assert groups(tmp_path) == {f"{b}_{kind}": b for b in ("B1", "B2") for kind in ("t1", "t2", "flair")}


def test_modalities_are_one_group_without_a_label_map_too(tmp_path):
    touch(
        tmp_path,
        "sub-01/anat/sub-01_T1w.nii",
        "sub-01/anat/sub-01_T2w.nii",
        "p/p7_ct.nii",
        "p/p7_mr.nii",
        "p/p8_ct.nii",
    )
    found = groups(tmp_path)
    assert found["sub-01_T1w"] == found["sub-01_T2w"] == "sub-01"
    assert found["p7_ct"] == found["p7_mr"] != found["p8_ct"]


def test_folders_of_one_name_are_not_one_group(tmp_path):
    touch(tmp_path, "P1/anat/t1.nii", "P1/anat/t2.nii", "P2/anat/t1.nii", "P2/anat/t2.nii")
    cases = find_cases([tmp_path], [])
    by_patient = {case.image.parts[-3]: case.group for case in cases}
    assert len({case.group for case in cases}) == 2
    assert all(case.group == by_patient[case.image.parts[-3]] for case in cases)


def test_numbers_of_four_digits_are_channels_only_where_label_maps_say_so(tmp_path):
    for n in range(1, 5):
        touch(tmp_path, f"imagesTr/amos_{n:04d}.nii", f"labelsTr/amos_{n:04d}.nii")
    assert len(set(groups(tmp_path).values())) == 4


def test_channels_without_label_maps_are_known_by_being_complete(tmp_path):
    touch(tmp_path, *(f"a/la_{n:03d}_{channel:04d}.nii" for n in (3, 4) for channel in (0, 1)))
    touch(tmp_path, *(f"b/case_{n:04d}.nii" for n in range(3)))
    assert sorted(set(groups(tmp_path).values())) == ["case_0000", "case_0001", "case_0002", "la_003", "la_004"]


def test_images_that_share_a_label_map_are_one_group(tmp_path):
    touch(tmp_path, "a.nii", "b.nii", "c.nii", "l.nii", "m.nii")
    (tmp_path / "l.csv").write_text("image,label_x,label_y\na.nii,l.nii,\nb.nii,,m.nii\nc.nii,l.nii,m.nii\n")
    assert {case.group for case in find_cases([tmp_path / "l.csv"], [])} == {"a"}
