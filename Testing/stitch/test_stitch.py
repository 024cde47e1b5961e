"""Export and back again, judged by nibabel; predictions of every kind."""

from __future__ import annotations

import contextlib
import json
import re
from itertools import cycle, product

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slab_exporter.cases.find import Case
from slab_exporter.core.errors import Cancelled, InputError, RequestError
from slab_exporter.core.manifest import FILE_NAME, read_manifest
from slab_exporter.core.options import AXES, REMAINDERS, ExportRequest, SlabOptions
from slab_exporter.export.from_files import export_cases
from slab_exporter.stitch.blending import Stitcher
from slab_exporter.stitch.predictions import Predictions
from slab_exporter.stitch.slab_reading import SlabReader
from slab_exporter.stitch.stitching import StitchRequest, stitch_case
from support.phantoms import SIGNED_PERMUTATIONS, affine, index_phantom, save_nifti

SHAPE = (7, 9, 11)


def corner_distance(a, b, shape):
    index = np.array([[i, j, k, 1] for i in (0, shape[0] - 1) for j in (0, shape[1] - 1) for k in (0, shape[2] - 1)])
    return np.linalg.norm(index @ (a - b).T, axis=1).max()


def exported(folder, array, affine_ras, labels=None, name="case", **options):
    """One exported case; returns the path of its manifest."""
    path = save_nifti(folder / f"{name}.nii.gz", array, affine_ras)
    sets = {}
    if labels is not None:
        sets["organs"] = save_nifti(folder / f"{name}_organs.nii.gz", labels, affine_ras)
    request = ExportRequest(slabs=SlabOptions(**options))
    result = export_cases([Case(name, path, sets)], folder / "out", request, overwrite=True)
    assert not result.failures
    return folder / "out" / name / FILE_NAME


def predicted(manifest, folder, array, suffix="", affines=None):
    """Predictions cut out of an array that is as large as the source, padded with 0."""
    folder.mkdir(exist_ok=True)
    document = json.loads(manifest.read_text())
    for slab in document["slabs"]:
        source = np.zeros((*slab["shape_ijk"], *array.shape[3:]), array.dtype)
        start, stop = np.array(slab["ijk_start"]), np.array(slab["ijk_stop"])
        low, high = np.maximum(start, 0), np.minimum(stop, array.shape[:3])
        inner = tuple(slice(a, b) for a, b in zip(low - start, high - start, strict=True))
        source[inner] = array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        stem = slab["image"].split("/")[-1].replace(".nii.gz", "")
        used = np.array(slab["affine_ras"]) if affines is None else affines
        nib.save(nib.Nifti1Image(source, used), folder / f"{stem}{suffix}.nii.gz")
    return folder


def test_every_axis_remainder_overlap_and_orientation_comes_back_as_it_was(tmp_path):
    policies = list(product(AXES, REMAINDERS, (0, 2)))
    orientations = cycle(SIGNED_PERMUTATIONS)
    rng = np.random.default_rng(1)
    for n, (axis, remainder, overlap) in enumerate(policies):
        oblique = 20.0 * (n % 2)
        array = index_phantom(SHAPE, ("int16", "float32", "uint8")[n % 3])
        labels = rng.integers(0, 4, SHAPE).astype(np.uint8)
        geometry = affine(*next(orientations), oblique=oblique)
        folder = tmp_path / str(n)
        folder.mkdir()
        options = {"axis": axis, "remainder": remainder, "overlap": overlap, "thickness": 4}
        manifest = exported(folder, array, geometry, labels, **options)
        source = nib.load(folder / "case.nii.gz")
        uncovered = json.loads(manifest.read_text())["plan"]["uncovered"]
        for request, expected in ((StitchRequest(fill=3), array), (StitchRequest(fill=3, label_set="organs"), labels)):
            result = stitch_case(manifest, folder / "back.nii.gz", request, overwrite=True)
            back = nib.load(result.path)
            found = np.asanyarray(back.dataobj)
            kept = expected.copy()
            if uncovered is not None:
                cut_axis = "ijk".index(json.loads(manifest.read_text())["plan"]["index_axis"])
                np.moveaxis(kept, cut_axis, 0)[slice(*uncovered)] = 3
            assert found.dtype == expected.dtype
            assert found.tobytes() == kept.tobytes()
            assert corner_distance(back.affine, source.affine, SHAPE) < 1e-4
            assert (result.uncovered is None) == (uncovered is None)


def test_the_header_is_the_sources(tmp_path):
    image = nib.Nifti1Image(index_phantom(SHAPE), affine())
    image.set_sform(affine(), 4)
    image.set_qform(affine(), 1)
    image.header["descrip"], image.header["cal_max"], image.header["intent_name"] = b"from the scanner", 250, b"CT"
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, tmp_path / "case.nii.gz")
    export_cases([Case("case", tmp_path / "case.nii.gz", {})], tmp_path / "out", ExportRequest(slabs=SlabOptions(4)))
    stitch_case(tmp_path / "out" / "case" / FILE_NAME, tmp_path / "back.nii.gz", StitchRequest())
    header = nib.load(tmp_path / "back.nii.gz").header
    for name in ("descrip", "cal_max", "intent_name", "xyzt_units", "sform_code", "qform_code"):
        assert header[name] == image.header[name], name


@pytest.mark.parametrize("extension", [".nii", ".nii.gz", ".nrrd"])
def test_formats(tmp_path, extension, run_cli):
    import SimpleITK as sitk

    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    code, out, _ = run_cli("stitch", manifest, "-o", tmp_path / f"back{extension}")
    assert code == 0
    assert "3 slabs" in out
    found = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / f"back{extension}")))
    np.testing.assert_array_equal(found, index_phantom(SHAPE).T)
    assert not list(tmp_path.glob(".partial*"))


@pytest.mark.parametrize("extension", [".nii", ".nii.gz", ".nrrd"])
def test_values_that_are_no_numbers_come_back_too(tmp_path, extension):
    array = index_phantom(SHAPE, "float32")
    array[2, 3, 1], array[4, 4, 4], array[0, 0, 0], array[1, 0, 0] = np.nan, np.inf, -np.inf, -0.0
    manifest = exported(tmp_path, array, affine(), thickness=4)
    result = stitch_case(manifest, tmp_path / f"back{extension}", StitchRequest())
    if extension == ".nrrd":
        import SimpleITK as sitk

        found = sitk.GetArrayFromImage(sitk.ReadImage(str(result.path))).T
    else:
        found = np.asanyarray(nib.load(result.path).dataobj)
    assert found.tobytes() == array.tobytes()


def test_a_volume_too_long_for_nifti_is_refused_before_it_is_written(tmp_path):
    import SimpleITK as sitk

    path = tmp_path / "long.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((1, 1, 32768), np.uint8)), path)
    request = ExportRequest(slabs=SlabOptions(20000, axis="i"))
    export_cases([Case("long", path, {})], tmp_path / "out", request)
    manifest = tmp_path / "out" / "long" / FILE_NAME
    with pytest.raises(RequestError, match=r"choose \.nrrd"):
        stitch_case(manifest, tmp_path / "back.nii.gz", StitchRequest())
    assert stitch_case(manifest, tmp_path / "back.nrrd", StitchRequest()).slabs == 2
    assert {path.name for path in tmp_path.iterdir()} == {"long.nrrd", "out", "back.nrrd"}


def test_probabilities_with_overlap_blend_to_the_analytic_result(tmp_path):
    shape = (6, 5, 40)
    manifest = exported(tmp_path, index_phantom(shape), affine(), thickness=16, overlap=6, remainder="shift")
    # Each slab's model is off by its own constant: the blend is the truth plus the weighted mean of those.
    truth = np.random.default_rng(2).random((*shape, 3)).astype(np.float32)
    folder = predicted(manifest, tmp_path / "predictions", truth, suffix="_trans")
    slabs = json.loads(manifest.read_text())["slabs"]
    for n, path in enumerate(sorted(folder.iterdir())):
        image = nib.load(path)
        nib.save(nib.Nifti1Image(np.asanyarray(image.dataobj) + np.float32(n), image.affine), path)
    for blend in ("mean", "gaussian"):
        result = stitch_case(manifest, tmp_path / f"{blend}.nii", StitchRequest(blend), Predictions(folder))
        weights = np.zeros((len(slabs), shape[2]))
        for n, slab in enumerate(slabs):
            a, b = slab["ijk_start"][2], slab["ijk_stop"][2]
            window = np.exp(-0.5 * ((np.arange(b - a) - (b - a - 1) / 2) / (0.125 * (b - a))) ** 2)
            weights[n, a:b] = 1 if blend == "mean" else window
        offset = (weights * np.arange(len(slabs))[:, None]).sum(axis=0) / weights.sum(axis=0)
        image = nib.load(result.path)
        assert image.shape == (*shape, 3)
        assert result.channels == 3
        np.testing.assert_allclose(np.asanyarray(image.dataobj), truth + offset[:, None], atol=1e-6, rtol=0)
        assert corner_distance(image.affine, affine(), shape) < 1e-4


def test_label_predictions_vote_by_themselves_even_when_saved_as_floats(tmp_path):
    shape = (6, 5, 20)
    manifest = exported(tmp_path, index_phantom(shape), affine(), thickness=12, overlap=4)
    truth = np.random.default_rng(3).integers(0, 4, shape)
    for dtype in (np.uint8, np.float32):
        folder = predicted(manifest, tmp_path / "predictions", truth.astype(dtype))
        result = stitch_case(manifest, tmp_path / "back.nii", StitchRequest(), Predictions(folder), overwrite=True)
        assert result.blend == "vote"
        np.testing.assert_array_equal(np.asanyarray(nib.load(result.path).dataobj), truth)
        assert nib.load(result.path).get_data_dtype() == dtype


def test_lost_geometry_is_refused_with_the_difference_and_accepted_when_names_are_trusted(tmp_path, run_cli):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    truth = np.random.default_rng(3).integers(0, 4, SHAPE).astype(np.uint8)
    folder = predicted(manifest, tmp_path / "predictions", truth, affines=np.eye(4))
    arguments = ("stitch", manifest, "--predictions", folder, "-o", tmp_path / "back.nii.gz")
    code, _, err = run_cli(*arguments)
    assert code == 2
    assert "mm away from its slab" in err
    assert "--trust-names" in err
    assert not (tmp_path / "back.nii.gz").exists()
    code, _, err = run_cli(*arguments, "--trust-names")
    assert code == 0
    assert "3 of 3 files lie up to" in err
    assert "their names are trusted" in err
    back = nib.load(tmp_path / "back.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(back.dataobj), truth)
    assert corner_distance(back.affine, affine(), SHAPE) < 1e-4


@pytest.mark.parametrize("trust", [False, True])
def test_predictions_in_another_storage_order_are_put_back_in_the_slabs(tmp_path, trust):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine((1, 0, 2), (-1, 1, -1)), thickness=4)
    truth = np.random.default_rng(4).random(SHAPE).astype(np.float32)
    folder = predicted(manifest, tmp_path / "predictions", truth)
    for path in folder.iterdir():
        nib.save(nib.as_closest_canonical(nib.load(path)), path)
    result = stitch_case(manifest, tmp_path / "back.nii", StitchRequest(trust_names=trust), Predictions(folder))
    np.testing.assert_array_equal(np.asanyarray(nib.load(result.path).dataobj), truth)
    assert not result.warnings


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (lambda files: files[1].unlink(), "lacks the predictions of 1 of 3 slabs: case_slab-001"),
        (lambda files: files[1].rename(files[1].with_name("case_slab-007.nii.gz")), "belong to no slab of case"),
        (lambda files: files[1].write_bytes(b"nothing"), "not a NIfTI file"),
        (
            lambda files: nib.save(nib.Nifti1Image(np.zeros((7, 9, 5), np.uint8), np.eye(4)), files[1]),
            r"has \(7, 9, 5\) voxels, its slab .* has \(7, 9, 4\)",
        ),
        (
            lambda files: nib.save(nib.Nifti1Image(np.zeros((4, 9, 7), np.uint8), np.eye(4)), files[1]),
            "numpy's order k, j, i",
        ),
        (
            lambda files: nib.save(
                nib.Nifti1Image(np.zeros((7, 9, 4, 2), np.uint8), nib.load(files[1]).affine), files[1]
            ),
            "all slabs must be of one type",
        ),
        (
            lambda files: (
                files[1].with_name("case_slab-001_a.nii.gz").write_bytes(files[1].read_bytes())
                and files[1].rename(files[1].with_name("case_slab-001_b.nii.gz"))
            ),
            "holds 2 predictions of case_slab-001",
        ),
    ],
)
def test_predictions_that_do_not_fit_are_one_sentence(tmp_path, run_cli, harm, sentence):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    folder = predicted(manifest, tmp_path / "predictions", np.ones(SHAPE, np.uint8))
    harm(sorted(folder.iterdir()))
    arguments = ("stitch", manifest, "--predictions", folder, "-o", tmp_path / "b.nii", "--trust-names")
    code, _, err = run_cli(*arguments)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert re.search(sentence, err), err
    assert not (tmp_path / "b.nii").exists()


def test_averaging_labels_is_refused(tmp_path, run_cli):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    folder = predicted(manifest, tmp_path / "p", np.ones(SHAPE, np.uint8))
    code, _, err = run_cli("stitch", manifest, "--predictions", folder, "-o", tmp_path / "b.nii", "--blend", "mean")
    assert code == 2
    assert "never averaged" in err


def test_slices_that_no_slab_holds_are_filled_and_reported(tmp_path, run_cli):
    array = index_phantom(SHAPE) - 1024
    manifest = exported(tmp_path, array.astype(np.int16), affine(), thickness=4, remainder="drop")
    code, _, err = run_cli("stitch", manifest, "-o", tmp_path / "b.nii")
    assert code == 0
    assert "3 of 11 slices (k = 8 to 10) are in no slab; filled with" in err
    found = np.asanyarray(nib.load(tmp_path / "b.nii").dataobj)
    np.testing.assert_array_equal(found[..., :8], array[..., :8])
    assert len(set(found[..., 8:].ravel())) == 1


def test_a_whole_export_is_stitched_into_a_folder(tmp_path, run_cli):
    for name in ("a", "b"):
        exported(tmp_path, index_phantom(SHAPE), affine(), name=name, thickness=4)
    manifests = [tmp_path / "out" / name / FILE_NAME for name in ("a", "b")]
    folder = tmp_path / "predictions"
    for n, manifest in enumerate(manifests):
        predicted(manifest, folder, np.full(SHAPE, n + 1, np.uint8), suffix="_seg")
    code, out, _ = run_cli("stitch", tmp_path / "out", "-o", tmp_path / "back", "--predictions", folder, "--json")
    assert code == 0
    assert [json.loads(line)["event"] for line in out.splitlines()].count("stitched") == 2
    for n, name in enumerate(("a", "b")):
        assert set(np.asanyarray(nib.load(tmp_path / "back" / f"{name}.nii.gz").dataobj).ravel()) == {n + 1}
    next(folder.glob("b_*")).unlink()
    again = ("stitch", tmp_path / "out", "-o", tmp_path / "back", "--predictions", folder)
    code, _, err = run_cli(*again)
    assert code == 1
    assert "exists already" in err
    code, out, err = run_cli(*again, "--overwrite")
    assert code == 1
    assert out.count("->") == 1
    assert "lacks the predictions" in err


def test_cancelling_leaves_nothing_behind(tmp_path):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)

    def cancel(event):
        if event.done == 2:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        stitch_case(manifest, tmp_path / "results" / "b.nii", StitchRequest(), progress=cancel)
    assert not (tmp_path / "results").exists()


def test_an_existing_file_is_not_replaced_unasked(tmp_path, run_cli):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    (tmp_path / "b.nii").write_text("precious")
    assert run_cli("stitch", manifest, "-o", tmp_path / "b.nii")[0] == 2
    assert (tmp_path / "b.nii").read_text() == "precious"
    assert run_cli("stitch", manifest, "-o", tmp_path / "b.nii", "--overwrite")[0] == 0
    assert run_cli("stitch", manifest, "-o", tmp_path / "b.png")[0] == 2


HOSTILE = [
    ("image", "../../../etc/passwd"),
    ("image", "/etc/passwd"),
    ("image", "C:/x.nii"),
    ("image", "..\\x.nii"),
    ("labels", {"organs": "../x"}),
    ("labels", ["x"]),
    ("ijk_stop", [1e400, 2, 3]),
    ("ijk_start", None),
    ("affine_ras", [[1]]),
]


@pytest.mark.parametrize(("key", "value"), HOSTILE)
def test_a_hostile_slab_entry_is_refused(tmp_path, run_cli, key, value):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    document = json.loads(manifest.read_text())
    document["slabs"][0][key] = value
    manifest.write_text(json.dumps(document))
    code, _, err = run_cli("stitch", manifest, "-o", tmp_path / "b.nii")
    assert code == 2
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("case", ["../evil", "a/b", "..", "", "con"])
def test_a_case_whose_name_leads_elsewhere_is_refused(tmp_path, run_cli, case):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    document = json.loads(manifest.read_text())
    document["case"] = case
    manifest.write_text(json.dumps(document))
    code, _, err = run_cli("stitch", tmp_path / "out", "-o", tmp_path / "back" / "deep")
    assert code == 2
    assert "name of a file" in err
    assert not list(tmp_path.glob("back/*"))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_a_manifest_holds_reading_it_is_safe(tmp_path_factory, data):
    """Any entry replaced by any JSON value: it is read, or refused with a sentence."""
    folder = tmp_path_factory.mktemp("manifest")
    box = {"ijk_start": [0, 0, 0], "ijk_stop": [2, 2, 2], "shape_ijk": [2, 2, 2], "affine_ras": np.eye(4).tolist()}
    slab = {"index": 0, "image": "a.nii", "labels": {"x": "b.nii"}, "sha256": "", "verified": True, **box}
    document = {
        "schema": "slab-exporter/1",
        "case": "c",
        "source": {"path": "../x.nii", "shape_ijk": [2, 2, 2], "affine_ras": np.eye(4).tolist()},
        "plan": {},
        "slabs": [slab],
    }
    node, keys = document, data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=4))
    for depth, key in enumerate(keys):
        names = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not names:
            break
        name = names[key % len(names)]
        if depth == len(keys) - 1 or not isinstance(node[name], (dict, list)):
            leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
            node[name] = data.draw(st.recursive(leaf, lambda inner: st.lists(inner, max_size=3), max_leaves=4))
            break
        node = node[name]
    (folder / FILE_NAME).write_text(json.dumps(document))
    with contextlib.suppress(InputError):
        read_manifest(folder)


@pytest.mark.parametrize("edge", [10**6, 2**32, 10**30])
def test_a_manifest_that_promises_a_huge_volume_is_refused(tmp_path, run_cli, edge):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    document = json.loads(manifest.read_text())
    document["source"]["shape_ijk"] = [edge] * 3
    manifest.write_text(json.dumps(document))
    code, _, err = run_cli("stitch", manifest, "-o", tmp_path / "b.nii")
    assert code == 2
    assert "memory" in err


def test_what_is_odd_about_the_headers_of_predictions_is_said_once(tmp_path, run_cli):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    folder = predicted(manifest, tmp_path / "p", np.ones(SHAPE, np.uint8))
    for path in folder.iterdir():
        image = nib.load(path)
        image.set_qform(image.affine, 1)
        image.set_sform(image.affine @ np.diag([1, 1, -1, 1]), 1)
        nib.save(image, path)
    arguments = ("stitch", manifest, "--predictions", folder, "-o", tmp_path / "b.nii", "--trust-names")
    code, _, err = run_cli(*arguments)
    assert code == 0
    assert "one is the mirror image of the other" in err
    assert "--nifti-transform" not in err


def test_probabilities_are_averaged_even_if_the_first_slab_holds_whole_numbers_only(tmp_path):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4, overlap=2)
    truth = np.ones(SHAPE, np.float32)
    truth[..., 6:] = 0.25
    folder = predicted(manifest, tmp_path / "p", truth)
    last = sorted(folder.iterdir())[-1]
    nib.save(nib.Nifti1Image(nib.load(last).get_fdata(dtype=np.float32) + 0.5, nib.load(last).affine), last)
    result = stitch_case(manifest, tmp_path / "b.nii", StitchRequest(), Predictions(folder))
    assert result.blend == "mean"
    found = np.asanyarray(nib.load(result.path).dataobj)
    assert 0.5 in np.round(found - truth, 6)
    assert 0.25 in np.round(found - truth, 6)


def test_whole_slabs_among_fractions_become_the_type_of_the_others(tmp_path):
    """nibabel scales values to an int16 header; a slab of zeros stays whole."""
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    truth = np.random.default_rng(0).random(SHAPE)
    truth[..., :4] = 0
    folder = predicted(manifest, tmp_path / "p", truth)
    for path in folder.iterdir():
        image = nib.load(path)
        values = image.get_fdata()
        image.header.set_data_dtype(np.int16)
        nib.save(nib.Nifti1Image(values, image.affine, image.header), path)
    result = stitch_case(manifest, tmp_path / "b.nii", StitchRequest(), Predictions(folder))
    assert (result.dtype, result.blend) == ("float32", "mean")
    np.testing.assert_allclose(np.asanyarray(nib.load(result.path).dataobj), truth, atol=1e-4)


def test_floats_of_two_widths_and_whole_numbers_become_the_widest(tmp_path):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    truth = np.round(np.random.default_rng(0).random(SHAPE), 3)
    truth[..., :4] = 7
    folder = predicted(manifest, tmp_path / "p", truth)
    for path, dtype in zip(sorted(folder.iterdir()), (np.int32, np.float32, np.float64), strict=True):
        image = nib.load(path)
        nib.save(nib.Nifti1Image(image.get_fdata().astype(dtype), image.affine), path)
    result = stitch_case(manifest, tmp_path / "b.nii", StitchRequest(), Predictions(folder))
    assert (result.dtype, result.blend) == ("float64", "mean")
    np.testing.assert_allclose(np.asanyarray(nib.load(result.path).dataobj), truth, rtol=1e-6)


def test_whole_numbers_that_the_floats_do_not_hold_are_refused(tmp_path):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    folder = predicted(manifest, tmp_path / "p", np.full(SHAPE, 0.5, np.float32))
    last = sorted(folder.iterdir())[-1]
    image = nib.load(last)
    nib.save(nib.Nifti1Image(np.full(image.shape, 2**24 + 1, np.int32), image.affine), last)
    with pytest.raises(InputError, match=r"slab-002.* int32, which float32, .* does not hold exactly"):
        stitch_case(manifest, tmp_path / "b.nii", StitchRequest(), Predictions(folder))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("own", [0, 1, 2]),
        ("uint8", [0, 1, 2]),
        # up to the first slab with fractions; whole numbers saved as floats are all looked at
        ("probabilities", [0, 0, 1, 2]),
        ("labels as floats", [0, 1, 2, 0, 1, 2]),
    ],
)
def test_type_and_blend_are_decided_first_and_slabs_stitched_once(tmp_path, monkeypatch, kind, expected):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    array = np.full(SHAPE, 0.25 if kind == "probabilities" else 1, np.uint8 if kind == "uint8" else np.float32)
    predictions = None if kind == "own" else Predictions(predicted(manifest, tmp_path / "p", array))
    read, added = [], []
    original, original_add = SlabReader.read, Stitcher.add
    monkeypatch.setattr(SlabReader, "read", lambda self, n: read.append(n) or original(self, n))
    monkeypatch.setattr(Stitcher, "add", lambda self, n, v: added.append(n) or original_add(self, n, v))
    stitch_case(manifest, tmp_path / "b.nii", StitchRequest(), predictions)
    assert read == expected
    assert added == [0, 1, 2]


@pytest.mark.parametrize("format", ["nrrd", "dicom"])
def test_headers_tell_the_type_of_own_slabs_of_other_formats(tmp_path, monkeypatch, format):
    path = save_nifti(tmp_path / "case.nii.gz", index_phantom(SHAPE), affine())
    request = ExportRequest(slabs=SlabOptions(4), format=format)
    assert not export_cases([Case("case", path, {})], tmp_path / "out", request).failures
    read = []
    original = SlabReader.read
    monkeypatch.setattr(SlabReader, "read", lambda self, n: read.append(n) or original(self, n))
    result = stitch_case(tmp_path / "out" / "case" / FILE_NAME, tmp_path / "b.nii", StitchRequest())
    assert read == [0, 1, 2]
    assert result.dtype == "int16"
    np.testing.assert_array_equal(np.asanyarray(nib.load(result.path).dataobj), index_phantom(SHAPE))


def test_an_export_without_slabs_is_one_sentence(tmp_path, run_cli):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    document = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(document | {"slabs": []}))
    code, _, err = run_cli("stitch", manifest, "-o", tmp_path / "b.nii")
    assert code == 2
    assert err.strip().endswith("lists no slabs.")


def test_predictions_that_are_named_in_one_way_win_over_a_leftover(tmp_path):
    manifest = exported(tmp_path, index_phantom(SHAPE), affine(), thickness=4)
    folder = predicted(manifest, tmp_path / "p", np.ones(SHAPE, np.uint8), suffix="_seg")
    leftover = folder / "case_slab-000.nii.gz"
    leftover.write_bytes(b"from another run")
    result = stitch_case(manifest, tmp_path / "b.nii", StitchRequest(), Predictions(folder))
    assert set(np.asanyarray(nib.load(result.path).dataobj).ravel()) == {1}
    (folder / "case_slab-000_seg.nii.gz").unlink()
    with pytest.raises(InputError, match=r"two kinds: case_slab-000\.nii\.gz"):
        stitch_case(manifest, tmp_path / "c.nii", StitchRequest(), Predictions(folder))


def test_fill_values_that_json_or_the_type_does_not_know(tmp_path, run_cli):
    manifest = exported(tmp_path, index_phantom(SHAPE, "float32"), affine(), thickness=4, remainder="drop")

    def no_constant(word):
        raise AssertionError(word)

    code, out, _ = run_cli("stitch", manifest, "-o", tmp_path / "b.nii", "--fill", "nan", "--json")
    assert code == 0
    assert json.loads(out.splitlines()[-1], parse_constant=no_constant)["fill"] == "nan"
    assert np.isnan(np.asanyarray(nib.load(tmp_path / "b.nii").dataobj)[..., 8:]).all()
    code, _, err = run_cli("stitch", manifest, "-o", tmp_path / "c.nii", "--fill", "1e300")
    assert code == 2
    assert "does not fit into the volume's type float32" in err
    assert not (tmp_path / "c.nii").exists()
