"""``inspect`` over many inputs finds the odd ones."""

from __future__ import annotations

import csv
import gzip
import json

import numpy as np
import pytest
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.report.outliers import CaseFacts, find_outliers
from support.command_line import make_data_set
from support.phantoms import affine, index_phantom, save_nifti

SHAPE = (12, 10, 20)


@pytest.fixture
def odd_set(tmp_path):
    """Ten good cases and one of each trouble."""
    folder = make_data_set(tmp_path / "in", cases=10)
    usual = {"signs": (-1, 1, 1)}
    save_nifti(folder / "identity.nii", index_phantom(SHAPE) + 21, np.eye(4))
    save_nifti(folder / "turned.nii", index_phantom(SHAPE) + 22, affine(signs=(1, -1, 1)))
    save_nifti(folder / "thick.nii", index_phantom(SHAPE) + 23, affine(spacing=(0.7, 0.9, 12.0), **usual))
    save_nifti(folder / "float.nii", index_phantom(SHAPE).astype(np.float32), affine(**usual))
    (folder / "copy.nii").write_bytes(gzip.decompress((folder / "volume-3.nii.gz").read_bytes()))
    save_nifti(
        folder / "segmentation-4.nii.gz", np.zeros((12, 10, 5), np.uint8), affine(spacing=(0.7, 0.9, 10.0), **usual)
    )
    (folder / "broken.nii").write_bytes(b"x" * 500)
    return folder


def test_odd_cases_come_first_with_the_reason(odd_set, cli):
    code, text, _ = cli("inspect", odd_set)
    assert code == 1
    lines = text.splitlines()
    assert {line.split()[0] for line in lines[1:3]} == {"broken", "volume-4"}
    assert lines[3].startswith("identity")
    assert "8 of 16 cases are unusual." in lines
    for finding in (
        "turned: orientation RPS, where 13 of 15 cases have LAS",
        "thick: spacing 12 mm up-down, where the median is 2.5 mm",
        "float: voxel type float32, where 14 of 15 cases have int16",
        "copy: same voxels as volume-3",
        "volume-3: same voxels as copy",
        "identity: identity affine",
    ):
        assert finding in text
    assert "volume-4: CANNOT BE EXPORTED: The label map" in text


def test_the_table_can_be_sorted_and_saved(odd_set, tmp_path, cli):
    code, _, _ = cli("inspect", odd_set, "--sort", "spacing_k_mm", "--csv", tmp_path / "table.csv")
    assert code == 1
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    values = [float(row["spacing_k_mm"]) for row in rows if row["spacing_k_mm"]]
    assert len(rows) == 16
    assert values == sorted(values)
    assert rows[-2]["case"] == "thick"
    code, _, err = cli("inspect", odd_set, "--sort", "beauty")
    assert code == 2
    assert "no column 'beauty'" in err


def test_programs_get_the_findings_as_json(odd_set, cli):
    _, text, _ = cli("inspect", odd_set, "--json")
    documents = [json.loads(line) for line in text.splitlines()]
    assert len(documents) == 17
    assert set(documents[-1]["odd"]) == {
        "broken",
        "volume-4",
        "identity",
        "turned",
        "thick",
        "float",
        "copy",
        "volume-3",
    }


def test_a_mixed_data_set_has_no_odd_orientation():
    facts = [
        CaseFacts(str(n), VolumeGeometry(SHAPE, affine(signs=(-1 if n % 2 else 1, 1, 1))), "int16") for n in range(20)
    ]
    assert find_outliers(facts) == {}


def test_a_data_set_of_all_kinds_of_spacing_has_no_odd_one():
    spacings = np.geomspace(0.6, 7.5, 40)
    facts = [CaseFacts(str(z), VolumeGeometry(SHAPE, affine(spacing=(0.7, 0.7, z))), "int16") for z in spacings]
    assert find_outliers(facts) == {}


def test_the_table_replaces_nothing_but_an_earlier_table(tmp_path, cli):
    folder = make_data_set(tmp_path / "in", cases=2)
    (tmp_path / "mine.csv").write_text("a,b\n")
    source = (folder / "volume-0.nii.gz").read_bytes()
    for path in (folder / "volume-0.nii.gz", tmp_path / "new.nii", tmp_path / "mine.csv", tmp_path):
        code, _, err = cli("inspect", folder, "--csv", path)
        assert (code, err.count("\n")) == (2, 1), err
        assert f"--csv {path}" in err
    assert (folder / "volume-0.nii.gz").read_bytes() == source
    assert (tmp_path / "mine.csv").read_text() == "a,b\n"
    for _ in range(2):
        assert cli("inspect", folder, "--csv", tmp_path / "table.csv")[0] == 0
