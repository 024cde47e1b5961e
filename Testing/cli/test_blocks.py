"""Blocks and what is left out on the command line: one sentence, the right exit code, nothing half written."""

from __future__ import annotations

import json

import pytest
from support.blocks import phantom
from support.phantoms import affine, save_nifti


@pytest.fixture
def ct(tmp_path):
    save_nifti(tmp_path / "seg.nii.gz", phantom()[1], affine())
    return save_nifti(tmp_path / "ct.nii.gz", phantom()[0], affine())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--block", "5,4"], "--block needs three whole numbers of voxels along i, j, k, or 'all', such as 64,64,32"),
        (["--block", "5,4,x"], "it is '5,4,x'"),
        (["--block", "5,0,5"], "A block needs at least one voxel along each axis; it is 5,0,5."),
        (["--block-mm", "5,4,-1"], "A block's size in mm must be positive; it is 5,4,-1."),
        (["--block", "5,4,6", "--thickness", "64"], "--block cuts along all three axes, and --thickness along one"),
        (
            ["--block", "5,4,6", "--thickness-mm", "9"],
            "--block cuts along all three axes, and --thickness-mm along one",
        ),
        (["--block-mm", "5,4,6", "--axis", "axial"], "--block-mm cuts along all three axes, and --axis along one"),
        (["--block", "5,4,6", "--block-mm", "5,4,6"], "Choose either --block or --block-mm."),
        (["--block", "5,4,6", "--overlap", "4"], "The overlap along j (4 voxels) must be smaller than the block (4"),
        (
            ["--block", "5,4,6", "--overlap", "1,2"],
            "it is '1,2' (blocks also take three, along i, j, k, such as",
        ),
        (["--overlap", "1,2,3"], "Slabs overlap along one axis; three numbers need --block."),
        (["--overlap", "many"], "The overlap must be a whole number"),
        (["--keep", "labelled"], "--keep labelled needs label maps; add --labels."),
        (["--keep", "labelled", "--dry-run"], "--keep labelled needs label maps; add --labels."),
        (["--min-fraction", "0.1"], "--min-fraction needs --keep labelled or body: of what it is a fraction."),
        (["--keep", "body", "--min-fraction", "0"], "--min-fraction must be above 0 and at most 1; it is 0."),
        (["--crop-to", "labels"], "--crop-to labels needs label maps; add --labels."),
        (["--crop-to", "labels", "--dry-run"], "--crop-to labels needs label maps; add --labels."),
        (["--crop-to", "body", "--within", "x.mrk.json"], "--crop-to body and --within each say what is cut"),
        (["--margin", "3"], "--margin needs --crop-to labels or body: around what it is left."),
        (["--crop-to", "body", "--margin", "-1"], "--margin must be 0 mm or more; it is -1."),
        (["--crop", "--thickness", "4"], "--crop writes one piece, and --thickness says how several are cut"),
        (["--crop", "--block", "4,4,4"], "--crop writes one piece, and --block says how several are cut"),
        (["--crop", "--overlap", "1"], "--crop writes one piece, and --overlap says how several are cut"),
        (["--within", "{nobody}.mrk.json"], "The ROI pattern '{nobody}.mrk.json' cannot be filled in; use {case}"),
    ],
)
def test_senseless_options_are_refused_before_anything_is_written(run_cli, ct, tmp_path, options, sentence):
    code, _, error = run_cli("export", ct, "-o", tmp_path / "out", *options)
    assert code == 2
    assert sentence in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--block", "5,64,5", "--remainder", "drop"], "11 voxels along j, fewer than the block's 64"),
        (["--block-mm", "2,5,5", "--overlap", "3"], "The overlap along i (3 voxels) must be smaller than the block (3"),
    ],
)
def test_a_volume_that_blocks_do_not_fit_fails_alone(run_cli, ct, tmp_path, options, sentence):
    code, _, error = run_cli("export", ct, "-o", tmp_path / "out", *options)
    assert code == 1
    assert sentence in error
    left = {path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")}
    assert left == {"errors.csv", "options.json"}


def test_the_whole_way_with_its_words(run_cli, ct, tmp_path):
    out = tmp_path / "out"
    arguments = ("export", ct, "-o", out, "--labels", tmp_path / "seg.nii.gz", "--block", "5,4,all", "--overlap", "2")
    code, text, _ = run_cli(*arguments, "--keep", "labelled", "--dry-run")
    assert code == 0
    assert "20 blocks, 10 slices" in text
    assert "What --keep leaves out is known only when voxels are read" in text
    code, text, error = run_cli(*arguments, "--keep", "labelled")
    assert code == 0
    assert "of up to 5 x 4 x 10 voxels, numbered I to S, P to A, L to R" in error
    assert "--keep labelled leaves out 16 of 20 blocks, which hold no labels." in error
    assert "1 case, 4 blocks, 4 verified" in text
    assert run_cli("verify", out)[0] == 0
    code, text, error = run_cli("stitch", out / "ct", "-o", tmp_path / "back.nii.gz")
    assert code == 0
    assert "4 blocks -> " in text
    assert "16 left out: filled with -1000" in text
    assert "warning" not in error
    code, text, _ = run_cli("stitch", out / "ct", "-o", tmp_path / "again.nii.gz", "--json")
    assert json.loads(text.splitlines()[-1])["left_out"] == 16
    code, text, _ = run_cli("where", out / "ct", "--ijk", "4", "3", "6")
    assert "block 5 " in text


def test_one_piece_with_its_words(run_cli, ct, tmp_path):
    out = tmp_path / "out"
    arguments = ("export", ct, "-o", out, "--crop-to", "body", "--margin", "1", "--crop")
    code, text, _ = run_cli(*arguments, "--dry-run")
    assert code == 0
    assert "What --crop-to leaves out is known only when voxels are read" in text
    assert "1 of 1 cases, 1 crop, " in text
    code, text, error = run_cli(*arguments)
    assert code == 0
    assert "1 crop of 11 x 10 x 9 voxels" in error
    assert "1 case, 1 crop, 1 verified" in text
    assert run_cli("verify", out)[0] == 0
    assert run_cli("stitch", out / "ct", "-o", tmp_path / "back.nii.gz")[0] == 0


def test_what_no_block_holds_is_said_of_blocks(run_cli, ct, tmp_path):
    assert run_cli("export", ct, "-o", tmp_path / "out", "--block", "5,all,5", "--remainder", "drop")[0] == 0
    code, _, error = run_cli("stitch", tmp_path / "out" / "ct", "-o", tmp_path / "back.nii.gz")
    assert code == 0
    assert "330 of 1430 voxels are in no block; filled with -1000." in error
    code, _, error = run_cli("stitch", tmp_path / "out" / "ct", "-o", tmp_path / "x.nii", "--blend", "mean")
    assert "These blocks hold whole numbers (int16)" in error
    (tmp_path / "predictions").mkdir()
    save_nifti(tmp_path / "predictions" / "ct_block-0000.nii.gz", phantom()[1], affine())
    options = ("stitch", tmp_path / "out" / "ct", "-o", tmp_path / "x.nii", "--predictions", tmp_path / "predictions")
    code, _, error = run_cli(*options)
    assert "lacks the predictions of 3 of 4 blocks: " in error
    assert "(a prediction has the name of its block)." in error
