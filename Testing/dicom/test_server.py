"""A real server takes the slabs and gives them back unchanged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from support.dicom_tools import require_package, require_program
from support.phantoms import affine, save_nifti

SESSION = Path(__file__).parents[1] / "support" / "orthanc_session.py"


def in_own_network(command: list[str]) -> list[str]:
    """The command in a network namespace with a loopback and nothing else, where the system allows that."""
    if shutil.which("unshare") and shutil.which("ip"):
        isolated = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode == 0:
            return [*isolated, *command]
    return command


def run_session(folder: Path, work: Path) -> dict:
    programs = [require_program("Orthanc", "orthanc"), require_program("storescu", "dcmtk")]
    work.mkdir()
    command = in_own_network([sys.executable, str(SESSION), *programs, str(folder), str(work)])
    result = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("with_labels", [False, True], ids=["images", "images and SEG"])
def test_orthanc_shows_one_study_and_gives_everything_back(tmp_path, run_cli, with_labels):
    image = np.arange(7 * 9 * 12).reshape(7, 9, 12).astype(np.int16) - 1000
    source = save_nifti(tmp_path / "head.nii", image, affine())
    labels = []
    if with_labels:
        require_package("highdicom")
        map_ = save_nifti(tmp_path / "organs.nii", ((image + 1000) % 5).astype(np.uint8), affine())
        labels = ["--labels", f"organs={map_}"]
    out = tmp_path / "out"
    assert run_cli("export", source, *labels, "-o", out, "--format", "dicom", "--thickness", 5)[0] == 0
    sent = {d.SOPInstanceUID: d for d in map(pydicom.dcmread, out.rglob("*.dcm"))}
    assert len(sent) == 12 + 3 * with_labels

    found = run_session(out, tmp_path / "work")
    assert found["storescu"] == 0, found["storescu_says"]
    (study,) = found["studies"]
    assert len(study["Series"]) == 3 + 3 * with_labels
    sizes = sorted(len(series["Instances"]) for series in found["series"])
    assert sizes == ([1, 1, 1] if with_labels else []) + [2, 5, 5]
    returned = [pydicom.dcmread(path) for path in (tmp_path / "work" / "returned").iterdir()]
    assert {d.SOPInstanceUID for d in returned} == set(sent)
    for dataset in returned:
        assert dataset == sent[dataset.SOPInstanceUID]
        assert dataset.PixelData == sent[dataset.SOPInstanceUID].PixelData
