"""The public data sets: whose images, which label map, which part; one tree of empty files a data set."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from slab_exporter.cases.find import find_cases
from slab_exporter.cases.parts import deal
from support.dicom_phantoms import uid, voxels, write_series
from support.trees import touch


class Expected(NamedTuple):
    """One line of the table."""

    image: str
    patient: str
    label: str
    part: str


def read_table() -> dict[str, tuple[list[Expected], list[str]]]:
    """Data set -> (images, files that are none)."""
    table: dict[str, tuple[list[Expected], list[str]]] = {}
    for line in (Path(__file__).parent / "data_sets.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            images, others = table.setdefault(line[3:], ([], []))
        elif line.startswith("+ "):
            others.append(line[2:])
        elif line and not line.startswith("#"):
            images.append(Expected(*(column.strip() for column in line.split("|"))))
    return table


TABLE = read_table()


def partition(patients: dict[str, str]) -> set[frozenset[str]]:
    """Names that have the same value are together."""
    return {frozenset(n for n, other in patients.items() if other == value) for value in patients.values()}


@pytest.mark.parametrize("name", TABLE)
def test_a_public_data_set_is_understood(tmp_path, name):
    expected, others = TABLE[name]
    touch(tmp_path, *(row.image for row in expected), *(row.label for row in expected if row.label != "-"), *others)
    told: list[str] = []
    cases = {c.image.relative_to(tmp_path).as_posix(): c for c in find_cases([tmp_path], [], warn=told.append)}
    labels = {n: next((p.relative_to(tmp_path).as_posix() for p in c.labels.values()), "-") for n, c in cases.items()}
    assert set(cases) == {row.image for row in expected}
    assert labels == {row.image: row.label for row in expected}
    assert partition({n: c.group for n, c in cases.items()}) == partition({r.image: r.patient for r in expected})
    assert {n: c.part or "-" for n, c in cases.items()} == {row.image: row.part for row in expected}
    assert all(case.problem is None for case in cases.values())
    left_open = name.endswith("?") or any("+" in name or file.endswith("seg.nii.gz") for file in others)
    pieces = any("instance" in file for file in others)
    assert bool(told) == (left_open or pieces)


@pytest.mark.parametrize("given", ["a relative path", "an absolute path"])
def test_collections_of_the_cancer_imaging_archive_go_by_their_headers(tmp_path, monkeypatch, given):
    """NSCLC-Radiomics and LIDC-IDRI: patient / study / series / images, with label maps beside as NIfTI."""
    monkeypatch.chdir(tmp_path)
    studies = {
        "LUNG1-001": ["01-01-2014-StudyID-NA-85095/1.000000-NA-61228", "06-01-2014-StudyID-NA-1/1.000000-NA-2"],
        "LUNG1-002": ["01-01-2014-StudyID-NA-85096/1.000000-NA-61229"],
        "LIDC-IDRI-0001": ["01-01-2000-NA-NA-30178/3000566.000000-NA-03192"],
    }
    for patient, folders in studies.items():
        for place in folders:
            own = {"PatientID": patient, "StudyInstanceUID": uid(place), "SeriesInstanceUID": uid(place, 1)}
            write_series(Path("in") / patient / place, voxels((3, 4, 5)), **own)
            touch(Path("in") / patient / place, "segmentation.nii.gz")
    told: list[str] = []
    cases = find_cases([Path("in") if given == "a relative path" else tmp_path / "in"], [], warn=told.append)
    assert sorted(case.group for case in cases) == ["LIDC-IDRI-0001", "LUNG1-001", "LUNG1-001", "LUNG1-002"]
    for case in cases:
        assert case.labels["labels"].resolve() == case.image.resolve() / "segmentation.nii.gz"
    assert told == []


def test_chaos_goes_by_its_headers(tmp_path):
    """Train_Sets/CT/1/DICOM_anon, Train_Sets/MR/1/T1DUAL/DICOM_anon/InPhase: label maps are pictures, and not found."""
    series = {
        "Train_Sets/CT/1/DICOM_anon": ("ct1", "s1"),
        "Train_Sets/MR/1/T1DUAL/DICOM_anon/InPhase": ("mr1", "s2"),
        "Train_Sets/MR/1/T1DUAL/DICOM_anon/OutPhase": ("mr1", "s3"),
        "Train_Sets/MR/1/T2SPIR/DICOM_anon": ("mr1", "s4"),
        "Test_Sets/CT/3/DICOM_anon": ("ct3", "s5"),
    }
    for place, (patient, number) in series.items():
        own = {"PatientID": patient, "StudyInstanceUID": uid(patient), "SeriesInstanceUID": uid(number)}
        write_series(tmp_path / place, voxels((3, 4, 5)), **own)
        (tmp_path / place).with_name("Ground").mkdir(exist_ok=True)
    cases = {c.image.relative_to(tmp_path).as_posix(): c for c in find_cases([tmp_path], [])}
    assert {place: case.group for place, case in cases.items()} == {p: who for p, (who, _) in series.items()}
    assert {case.part for place, case in cases.items() if place.startswith("Train")} == {"training"}
    assert cases["Test_Sets/CT/3/DICOM_anon"].part == "test"


def test_one_patient_id_for_everything_is_said(tmp_path):
    for n in range(3):
        own = {"PatientID": "anonymous", "StudyInstanceUID": uid("study", n), "SeriesInstanceUID": uid("series", n)}
        write_series(tmp_path / f"p{n}", voxels((3, 4, 5)), **own)
    told: list[str] = []
    assert len({case.group for case in find_cases([tmp_path], [], warn=told.append)}) == 1
    assert [text.split(" because")[0] for text in told] == ["3 images are kept together in 1 group"]


WORDS = (
    "ct-{:03d}|CT_{}|MR_{:03d}|pet_{}|T1_s{}|s{}_T1|scan_{:02d}|image-{}|img{:04d}|volume-{}|Vol{}|data_{}|mri{}|ct{}|"
    "case_{}|case {}|patient{}|subject-{:03d}|sub{:03d}|P{}|{:03d}|{}|study_{}|series{}|sample_{}|exam-{}|liver_{}|"
    "la_{:03d}|t1_{}|T2w_{}|us_{}|pre_{:03d}|anat_{}|{}_ct|brain{}_T1w|LiTS17_{}|ct_2020_{:03d}|site1_{:03d}"
)


@pytest.mark.parametrize("folder", ["in", "ct", "CT_2020", "LiTS", "case_1", "data1"])
@pytest.mark.parametrize("word", WORDS.split("|"))
def test_plain_numbers_are_patients(tmp_path, word, folder):
    names = [word.format(n) for n in range(1, 11)]
    touch(tmp_path, *(f"{folder}/{name}.nii.gz" for name in names), f"{folder}/segmentation.nii.gz")
    told: list[str] = []
    cases = find_cases([tmp_path], [], warn=told.append)
    assert len({case.group for case in cases}) == 10
    assert all(case.labels == {} and case.problem is None for case in cases)
    assert len(told) == 1
    assert told[0].startswith("1 label map belongs to no image")
    assert sorted(deal(cases, (0.8, 0.1, 0.1), 0).parts.values()) == ["test", *["training"] * 8, "validation"]


@pytest.mark.parametrize(
    ("files", "groups"),
    [
        (["{p}_T1.nii", "{p}_T2.nii"], 5),
        (["{p}/t1.nii", "{p}/t2.nii"], 5),
        (["{p}/visit1/ct.nii", "{p}/visit2/ct.nii"], 5),
        (["{p}/2019-03-01/CT.nii", "{p}/2021-04-05/CT.nii"], 5),
        (["{p}_frame01.nii", "{p}_frame12.nii"], 5),
        (["CT/{p}.nii", "PET/{p}.nii"], 5),
        (["patient_{p}_visit_1.nii", "patient_{p}_visit_2.nii"], 5),
        (["{p}/{p}_rest.nii", "{p}/{p}_stress.nii"], 5),
    ],
)
def test_images_of_one_patient_are_together_and_nothing_need_be_said(tmp_path, files, groups):
    told: list[str] = []
    touch(tmp_path, *(file.format(p=f"p{n}") for n in range(5) for file in files))
    assert len({case.group for case in find_cases([tmp_path], [], warn=told.append)}) == groups
    assert told == []


@pytest.mark.parametrize(
    ("files", "groups"),
    [
        ([f"s{n}_{k}.nii" for n in range(1, 4) for k in (1, 2)], 3),
        ([f"P{n}/CT_{k}.nii" for n in range(1, 4) for k in (1, 2)], 3),
        ([f"{who}/{what}.nii" for who in ("anna", "bob") for what in ("lung", "liver")], 2),
        ([f"frame{n:02d}.nii" for n in range(6)], 1),
        ([f"{kind}/{n}.nii" for kind in ("CT", "MR") for n in range(4)], 4),
    ],
)
def test_what_is_left_open_is_together_and_is_said(tmp_path, files, groups):
    told: list[str] = []
    touch(tmp_path, *files)
    assert len({case.group for case in find_cases([tmp_path], [], warn=told.append)}) == groups
    assert len(told) == 1
    assert told[0].startswith(f"{len(files)} images are kept together in {groups} group")
    assert "group_by=" in told[0]


@pytest.mark.parametrize("files", [[f"site{s}/site{s}_{n:03d}.nii" for s in (1, 2) for n in range(9)]])
def test_numbers_of_a_site_are_its_patients(tmp_path, files):
    touch(tmp_path, *files)
    assert len({case.group for case in find_cases([tmp_path], [])}) == len(files)


def test_several_label_maps_for_one_image_are_said_and_none_is_taken(tmp_path):
    touch(tmp_path, "a.nii", "a_seg.nii", "a_mask.nii", "b.nii", "b_seg.nii")
    told: list[str] = []
    cases = find_cases([tmp_path], [], warn=told.append)
    assert {c.name: [p.name for p in c.labels.values()] for c in cases} == {"a": [], "b": ["b_seg.nii"]}
    assert told[0].startswith(
        "1 image gets no label map because several could be meant (first: a with a_mask.nii, a_seg.nii)"
    )


def test_a_label_map_of_the_ct_is_not_that_of_the_mr(tmp_path):
    touch(tmp_path, "P1_ct.nii", "P1_mr.nii", "P1_ct_seg.nii")
    labels = {c.name: len(c.labels) for c in find_cases([tmp_path], [])}
    assert labels == {"P1_ct": 1, "P1_mr": 0}
