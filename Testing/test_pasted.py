"""Every command block of a page runs, pasted line by line into an empty folder, and prints what the page shows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.pasted import commands_of, pasted, programs_in, require_printed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the pages are for a POSIX shell")


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    return programs_in(tmp_path)


def test_readme_from_the_demo_to_the_comparison(tmp_path, environment):
    code, output = pasted("slab-exporter demo", tmp_path, environment)
    assert code == 0, output
    commands = commands_of("README.md")
    assert len(commands) >= 7
    for command in commands:
        code, output = pasted(command.line, tmp_path, environment)
        assert code == 0, f"$ {command.line}\n{output}"
        require_printed(command, output)
    assert "result: the same place in the patient" in output
    listed = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").partition("\nslabs/\n")[2]
    for name in (line.split()[0] for line in listed.partition("\n```")[0].splitlines() if line.strip() != "..."):
        assert (tmp_path / "slabs" / name).exists(), name


@pytest.mark.parametrize("page", ["docs/rotated-or-mirrored.md", "docs/way-back.md"])
def test_a_chapter_from_its_demo_on(tmp_path, environment, page):
    commands = commands_of(page)
    assert commands[0].line.startswith("slab-exporter demo --story")
    assert len(commands) >= 8
    for command in commands:
        code, output = pasted(command.line, tmp_path, environment)
        assert code in ((0, 1, 2) if command.printed else (0,)), f"$ {command.line}\n{output}"
        require_printed(command, output)


def test_the_story_is_what_the_naive_route_gives(tmp_path, runtime):
    """The batch of the story, which is made without DICOM, is what writing DICOM by hand and dicom2nifti make."""
    pytest.importorskip("dicom2nifti", reason="dicom2nifti is not installed (pip install slab-exporter[peers])")
    import nibabel as nib
    import numpy as np
    from slab_exporter.volumes.story import BATCH, back_from_dicom
    from support.naive_chain import batch_to_nifti, naive_dicom
    from support.phantoms import affine, lopsided_phantom, save_nifti

    voxels = lopsided_phantom((12, 10, BATCH.stop))
    place = affine(signs=(-1, 1, 1), spacing=(2.5, 2.5, 3.0), origin=(198.75, -148.75, -223.5))
    files = naive_dicom(save_nifti(tmp_path / "ct.nii", voxels, place), tmp_path / "dicom")
    made = nib.load(batch_to_nifti(files[BATCH], tmp_path / "batch1.nii.gz"))
    batch, batch_affine = back_from_dicom(voxels, place)
    np.testing.assert_array_equal(batch, made.get_fdata())
    np.testing.assert_allclose(batch_affine, made.affine, atol=1e-4)
