"""``import slab_exporter as se``: light to import, typed, and the same as the command line."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import slab_exporter as se
from support.phantoms import affine, index_phantom, save_nifti

MODULE = Path(__file__).parents[1] / "SlabExporter"
FUNCTIONS = ("plan", "export", "verify", "stitch", "compare", "inspect", "where", "read_manifest")


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=MODULE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def ct(tmp_path) -> Path:
    return save_nifti(tmp_path / "ct.nii.gz", index_phantom((8, 7, 20)), affine(signs=(-1, 1, 1)))


def test_importing_loads_neither_slicer_nor_numpy():
    heavy = "('numpy', 'vtkmodules', 'slicer_core', 'SimpleITK', 'pydicom')"
    assert (
        run_python(f"import sys, slab_exporter as se; dir(se); print([m for m in {heavy} if m in sys.modules])") == "[]"
    )


def test_planning_and_data_sets_load_no_reader_of_dicom():
    code = (
        "import sys, slab_exporter as se; se.SlabDataset; print('vtkmodules' in sys.modules, 'pydicom' in sys.modules)"
    )
    assert run_python(code) == "False False"


def test_dir_names_everything_public():
    assert set(se.__all__) <= set(dir(se))
    for name in se.__all__:
        assert getattr(se, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'exports'"):
        _ = se.exports


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_stays_itself_after_the_folder_of_its_name_is_imported(name):
    code = (
        "import slab_exporter.export.from_files, slab_exporter.compare.files, slab_exporter.stitch.stitching\n"
        f"import slab_exporter as se; first = callable(se.{name})\n"
        "import slab_exporter.export.job, slab_exporter.compare.words, slab_exporter.stitch.blending\n"
        f"print(first, callable(se.{name}), se.{name}.__name__)"
    )
    assert run_python(code) == f"True True {name}"


def test_types_are_shipped():
    assert (MODULE / "slab_exporter" / "py.typed").is_file()


def test_a_type_checker_sees_the_functions(tmp_path):
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    script = tmp_path / "uses.py"
    script.write_text(
        "import slab_exporter as se\n"
        "reveal_type(se.export('a', 'b').failures)\n"
        "reveal_type(se.plan('a').slabs[0].box.start)\n"
        "reveal_type(se.compare('a', 'b').same_place)\n"
        "se.plan('a', thicknes=3)\n"
    )
    out, _, code = api.run(
        ["--config-file", str(MODULE.parent / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache"), str(script)]
    )
    assert code == 1
    for said in (
        'Revealed type is "tuple[slab_exporter.export.from_files.Failure, ...]"',
        'Revealed type is "tuple[int, int, int]"',
        'Revealed type is "bool"',
        'Unexpected keyword argument "thicknes"',
    ):
        assert said in out.replace("builtins.", ""), out


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_unknown_keyword_is_a_type_error(name):
    with pytest.raises(TypeError, match="thicknes"):
        getattr(se, name)("a", "b", thicknes=3)


def command_options(name: str) -> set[str]:
    """The options of a command as keywords."""
    from slab_exporter.cli.main import build_parser

    commands = build_parser()._subparsers._group_actions[0].choices
    return {
        option.removeprefix("--").replace("-", "_")
        for action in commands[name]._actions
        for option in action.option_strings
        if option.startswith("--")
    }


@pytest.mark.parametrize("name", ["export", "verify", "stitch", "compare", "inspect", "where"])
def test_keywords_are_the_options_of_the_command(name):
    keywords = set(inspect.signature(getattr(se, name)).parameters)
    # what prints, and what is the function's name here
    not_here = {"help", "json", "debug", "quiet", "output", "dry_run", "no_verify", "sort", "csv"}
    if name == "export":
        assert "verify" in keywords
    assert command_options(name) - not_here <= keywords


def test_plan_reads_no_voxel_and_agrees_with_the_export(ct, tmp_path):
    plan = se.plan(str(ct), thickness=8, overlap=2, remainder="shift")
    assert [(slab.box.start[2], slab.box.stop[2]) for slab in plan.slabs] == [(0, 8), (6, 14), (12, 20)]
    result = se.export(ct, tmp_path / "out", thickness=8, overlap=2, remainder="shift")
    assert [slab.box for slab in result.manifests[0].slabs] == [slab.box for slab in plan.slabs]
    data = ct.read_bytes()
    ct.write_bytes(data[:400])  # the header, and voxels that cannot be unpacked
    assert se.plan(ct, thickness=8, overlap=2, remainder="shift").slabs == plan.slabs


def test_plan_of_a_dicom_slab_is_in_the_index_order_of_the_series(ct, tmp_path):
    result = se.export(ct, tmp_path / "dicom", thickness=20, format="dicom", modality="CT")
    folder = tmp_path / "dicom" / "ct" / result.manifests[0].slabs[0].image
    plan = se.plan(folder, thickness_mm=20.0)
    assert plan.geometry.shape_ijk == (8, 7, 20)
    assert plan.thickness == 8  # 20 mm of 2.5 mm slices
    with pytest.raises(se.RequestError, match="not a NIfTI file"):
        se.plan(folder, nifti_transform="sform")


def test_paths_may_be_text_or_path_and_labels_a_path_a_list_or_a_dict(ct, tmp_path):
    labels = save_nifti(
        tmp_path / "organs.nii.gz", (index_phantom((8, 7, 20)) % 3).astype(np.uint8), affine(signs=(-1, 1, 1))
    )
    for n, (given, sets) in enumerate(
        [
            (str(labels), ["labels"]),
            ([labels], ["labels"]),
            ({"liver": labels, "lung": str(labels)}, ["liver", "lung"]),
        ]
    ):
        result = se.export([str(ct)], str(tmp_path / f"out{n}"), labels=given)
        assert list(result.manifests[0].label_sources) == sets


def test_errors_are_one_sentence_of_the_librarys_own(ct, tmp_path):
    with pytest.raises(se.InputError, match=r"missing\.nii\.gz"):
        se.plan(tmp_path / "missing.nii.gz")
    with pytest.raises(se.RequestError, match="empty"):
        se.export("", tmp_path / "out")
    with pytest.raises(se.RequestError, match="No input"):
        se.export([], tmp_path / "out")
    with pytest.raises(se.RequestError, match="fill, unless it is 'auto', must be a number; it is 'air'"):
        se.export(ct, tmp_path / "out", fill="air")
    with pytest.raises(se.RequestError, match="one of ijk, ras and lps"):
        se.where(ct, ijk=(0, 0, 0), ras=(0, 0, 0))
    for point in ((0, 0), 5, "abc", (0, 0, "1")):
        with pytest.raises(se.RequestError, match="ijk must be"):
            se.where(ct, ijk=point)
    for keywords in ({"thickness": 8.0}, {"thickness": "8"}, {"overlap": None}, {"frame": 0.5}, {"thickness_mm": "20"}):
        with pytest.raises(se.RequestError, match=r"must be a (whole )?number; it is"):
            se.plan(ct, **keywords)
    with pytest.raises(se.RequestError, match="choose one of sform, qform"):
        se.compare(ct, ct, nifti_transform="srow")
    with pytest.raises(se.RequestError, match="table of segments"):
        se.export(ct, tmp_path / "out", format="dicom", segments=tmp_path / "none.csv")
    with pytest.raises(se.RequestError, match="both are given"):
        se.stitch(tmp_path, tmp_path / "a.nii.gz", predictions=tmp_path, labels="labels")
    assert not (tmp_path / "out").exists()
    assert issubclass(se.DiskFullError, se.OutputError)
    assert issubclass(se.OutputError, se.SlabExporterError)


def test_fill_verify_and_split_reach_the_export(ct, tmp_path):
    result = se.export(
        ct,
        tmp_path / "out",
        thickness=16,
        remainder="pad",
        fill=-7,
        verify=False,
        split=(0.8, 0.2),
        compression="small",
    )
    (manifest,) = result.manifests
    assert manifest.plan.fill == -7
    assert not any(slab.verified for slab in manifest.slabs)
    *_, last = se.SlabDataset(tmp_path / "out", transform=lambda item: item["image"])
    assert last.shape == (1, 8, 7, 16)
    assert np.all(last[..., 4:] == -7)


@pytest.mark.parametrize(
    "keywords",
    [
        {"thickness": np.int64(8), "overlap": np.uint8(3), "fill": np.int16(-5)},
        {"thickness_mm": np.float32(20), "fill": np.float32(-5)},
        {"jobs": np.int64(1), "seed": np.int64(3), "split": np.array([0.5, 0.5])},
        {"split": "0.5,0.5"},
    ],
    ids=str,
)
def test_numbers_may_be_numpys(ct, tmp_path, keywords):
    result = se.export(ct, tmp_path / "out", remainder="pad", **keywords)
    assert result.failures == ()
    (manifest,) = result.manifests
    assert manifest.slabs[0].box.shape[2] == (64 if "split" in keywords else 8)
    if "fill" in keywords:
        assert manifest.plan.fill == -5


def test_a_case_that_fails_is_in_the_result(ct, tmp_path):
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(ct.read_bytes()[:300])
    seen = []
    result = se.export([ct, broken], tmp_path / "out", thickness=10, progress=lambda event: seen.append(event.kind))
    assert [manifest.case for manifest in result.manifests] == ["ct"]
    assert [failure.case for failure in result.failures] == ["broken"]
    assert isinstance(result.failures[0].error, se.InputError)
    assert {"case-finished", "case-failed"} <= set(seen)


def test_label_maps_that_belong_to_no_image_are_a_warning_where_the_caller_stands(ct, tmp_path):
    (tmp_path / "segmentations").mkdir()
    for name in ("liver", "spleen"):
        organ = (index_phantom((8, 7, 20)) % 3).astype(np.uint8)
        save_nifti(tmp_path / "segmentations" / f"{name}.nii.gz", organ, affine())
    with pytest.warns(UserWarning, match="2 label maps belong to no image") as caught:
        se.inspect(tmp_path)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="2 label maps belong to no image") as caught:
        se.export(tmp_path, tmp_path.parent / f"{tmp_path.name}-out")
    assert caught[0].filename == __file__


def test_several_cases_are_stitched_one_by_one(ct, tmp_path):
    other = save_nifti(tmp_path / "other.nii.gz", index_phantom((8, 7, 9)), affine())
    se.export([ct, other], tmp_path / "out", thickness=10, jobs=1)
    with pytest.raises(se.RequestError, match="2 cases"):
        se.stitch(tmp_path / "out", tmp_path / "whole.nii.gz")
    se.stitch(tmp_path / "out" / "ct", tmp_path / "whole.nii.gz")
    found = se.compare(ct, tmp_path / "whole.nii.gz")
    assert found.same_place
    assert found.certain
    assert found.verdict == "same-place"
    assert found.displacement.distance == pytest.approx(0, abs=1e-4)


def test_where_goes_through_a_registration(ct, tmp_path):
    matrix = tmp_path / "shift.tfm"
    matrix.write_text(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        "Parameters: 1 0 0 0 1 0 0 0 1 0 0 0\nFixedParameters: 0 0 0\n"
    )
    place = se.where(ct, ijk=(1, 2, 3), flirt=matrix, reference=ct)
    assert place.ijk == pytest.approx([1, 2, 3])
    assert place.inside
    with pytest.raises(se.RequestError, match="belong together"):
        se.where(ct, ijk=(1, 2, 3), flirt=matrix)


def test_damage_is_in_the_report(ct, tmp_path):
    result = se.export(ct, tmp_path / "out", thickness=10)
    path = tmp_path / "out" / "ct" / result.manifests[0].slabs[1].image
    path.write_bytes(path.read_bytes()[:-1])
    (report,) = se.verify(tmp_path / "out")
    assert report.files == 2
    assert len(report.differences) == 1
    assert "has been changed" in report.differences[0]
