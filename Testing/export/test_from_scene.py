"""Exports from a scene against the command line on the same file: the same bytes; and what happens without a file."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.core.errors import Cancelled, InputError, OutputError
from slab_exporter.core.geometry import Box
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.export.from_scene import export_nodes, label_sets
from slab_exporter.pipeline.verification import verify_export
from slab_exporter.volumes.held.headers import geometry_to_cut
from slab_exporter.volumes.scene_volumes import scene_volume
from support.phantoms import affine, index_phantom, save_nifti
from support.scenes import add_roi, held, load, node_count, node_geometry, put_under_transform

SHAPE = (9, 8, 23)
REQUEST = ExportRequest(slabs=SlabOptions(thickness=5))
LAS, RAS = (-1, 1, 1), (1, 1, 1)
LABELS = "vtkMRMLLabelMapVolumeNode"


@pytest.fixture(params=[LAS, RAS, (-1, -1, -1)], ids=["LAS", "RAS", "LPI"])
def source(request, tmp_path):
    matrix = affine(signs=request.param, oblique=12)
    return save_nifti(tmp_path / "in" / "case.nii.gz", index_phantom(SHAPE), matrix)


@pytest.fixture(autouse=True)
def folders(tmp_path):
    (tmp_path / "in").mkdir(exist_ok=True)


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*.nii.gz"))}


@pytest.mark.parametrize("axis", ["axial", "coronal", "k", "i"])
def test_slabs_of_a_loaded_file_equal_the_command_lines_byte_for_byte(tmp_path, scene, source, run_cli, axis):
    code, _, _ = run_cli("export", source, "-o", tmp_path / "cli", "--thickness", 5, "--axis", axis, "--quiet")
    assert code == 0
    request = ExportRequest(slabs=SlabOptions(thickness=5, axis=axis))
    manifest = export_nodes(load(scene, source), tmp_path / "gui", request)
    ours, theirs = files_of(tmp_path / "gui"), files_of(tmp_path / "cli")
    assert len(ours) == len(manifest.slabs) > 1
    assert ours == theirs
    written = [json.loads((tmp_path / f / "case" / "manifest.json").read_text()) for f in ("gui", "cli")]
    assert written[0]["slabs"] == written[1]["slabs"]
    assert written[0]["source"]["sha256"] == written[1]["source"]["sha256"]
    assert manifest.warnings == ()


def test_a_volume_that_slicer_holds_reversed_is_recorded_with_both_affines(tmp_path, scene):
    left = load(scene, save_nifti(tmp_path / "in" / "left.nii.gz", index_phantom(SHAPE), affine(signs=LAS)))
    right = load(scene, save_nifti(tmp_path / "in" / "right.nii.gz", index_phantom(SHAPE), affine(signs=RAS)))
    assert node_geometry(left).is_right_handed  # Slicer has turned it round
    recorded = export_nodes(left, tmp_path / "out", REQUEST).source
    np.testing.assert_allclose(recorded.loaded_affine_ras, node_geometry(left).affine_ras)
    assert recorded.geometry.orientation == "LAS"
    assert export_nodes(right, tmp_path / "out", REQUEST).source.loaded_affine_ras is None


def test_the_plan_shown_beforehand_is_in_the_order_in_which_will_be_cut(tmp_path, scene, runtime):
    node = load(scene, save_nifti(tmp_path / "in" / "left.nii.gz", index_phantom(SHAPE), affine(signs=LAS, oblique=20)))
    cut = scene_volume(runtime, node).geometry
    assert geometry_to_cut(node).corner_distance(cut) < 1e-4
    assert geometry_to_cut(node).orientation == cut.orientation == "LAS"


@pytest.mark.parametrize("extension", ["nrrd", "mha"])
def test_other_formats_are_read_from_their_file_too(tmp_path, scene, extension, run_cli):
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(index_phantom(SHAPE).T)
    image.SetDirection((1, 0, 0, 0, -1, 0, 0, 0, 1))
    path = tmp_path / "in" / f"other.{extension}"
    sitk.WriteImage(image, str(path))
    manifest = export_nodes(load(scene, path), tmp_path / "gui", REQUEST)
    assert manifest.warnings[1:] == ()
    assert manifest.source.loaded_affine_ras is not None
    assert run_cli("export", path, "-o", tmp_path / "cli", "--thickness", 5, "--quiet")[0] == 0
    assert files_of(tmp_path / "gui") == files_of(tmp_path / "cli")


def test_values_that_are_no_numbers_do_not_make_a_file_another(tmp_path, scene, run_cli):
    array = index_phantom(SHAPE, "float32")
    array[2:4, 3, 5] = np.nan
    path = save_nifti(tmp_path / "in" / "case.nii", array, affine(signs=LAS))
    manifest = export_nodes(load(scene, path), tmp_path / "gui", REQUEST)
    assert manifest.warnings == ()
    run_cli("export", path, "-o", tmp_path / "cli", "--thickness", 5, "--quiet")
    assert files_of(tmp_path / "gui") == files_of(tmp_path / "cli")


def changed(node, path, how):
    if how == "gone":
        path.unlink()
    elif how == "overwritten":
        save_nifti(path, index_phantom(SHAPE)[::-1].copy(), affine(signs=LAS))
    elif how == "moved":
        save_nifti(path, index_phantom(SHAPE), affine(signs=LAS, origin=(0, 0, 0)))
    elif how == "damaged":
        path.write_bytes(path.read_bytes()[:200])
    elif how == "edited":
        from slab_exporter.mrml.nodes import voxels_kji

        voxels_kji(node)[3] = 7
        node.GetImageData().Modified()
        node.Modified()


@pytest.mark.parametrize(
    ("how", "words", "axes"),
    [
        ("gone", "is gone", "LAI"),
        ("overwritten", "no longer holds", "LAS"),
        ("moved", "no longer holds", "LAI"),
        ("damaged", "cannot be read any more", "LAS"),
        ("edited", "has been changed in Slicer", "LAS"),
    ],
)
def test_a_volume_whose_file_says_something_else_is_cut_as_the_scene_holds_it(tmp_path, scene, how, words, axes):
    path = save_nifti(tmp_path / "in" / "case.nii.gz", index_phantom(SHAPE), affine(signs=LAS))
    node = load(scene, path)
    changed(node, path, how)
    shown = geometry_to_cut(node)
    manifest = export_nodes(node, tmp_path / "out", REQUEST)
    assert len(manifest.warnings) == 1
    assert words in manifest.warnings[0]
    order = "in Slicer's index order." if axes == "LAI" else "in the index order that was loaded, k against Slicer's."
    assert manifest.warnings[0].endswith(order)
    assert shown.orientation == manifest.geometry.orientation == axes
    assert manifest.source.path is None
    assert manifest.source.node == "case"
    assert_slabs_hold_the_node(tmp_path / "out" / "case", manifest, node)


def assert_slabs_hold_the_node(folder, manifest, node):
    from slab_exporter.mrml.nodes import voxels_kji

    geometry, voxels = node_geometry(node), voxels_kji(node)
    if manifest.source.loaded_affine_ras is not None:
        np.testing.assert_allclose(manifest.source.loaded_affine_ras, geometry.affine_ras)
        geometry, voxels = geometry.k_reversed(), voxels[::-1]
    for slab in manifest.slabs:
        image = nib.load(folder / slab.image)
        np.testing.assert_array_equal(np.asanyarray(image.dataobj).T, voxels[slab.box.slices_kji()])
        np.testing.assert_allclose(image.affine, geometry.cropped(slab.box).affine_ras, atol=1e-4)


def test_a_volume_that_was_never_saved_is_cut_as_the_scene_holds_it(tmp_path, scene):
    node = held(scene, index_phantom(SHAPE), affine(oblique=30), "made in Slicer")
    manifest = export_nodes(node, tmp_path / "out", REQUEST)
    assert "never been saved" in manifest.warnings[0]
    assert manifest.source.node == "made in Slicer"
    assert_slabs_hold_the_node(tmp_path / "out" / "made in Slicer", manifest, node)


def test_a_volume_of_several_files_is_cut_as_the_scene_holds_it(tmp_path, scene, source):
    node = load(scene, source)
    node.GetStorageNode().AddFileName(str(source))
    node.GetStorageNode().AddFileName(str(source.with_name("second.dcm")))
    manifest = export_nodes(node, tmp_path / "out", REQUEST)
    assert "from DICOM or from several files" in manifest.warnings[0]
    assert_slabs_hold_the_node(tmp_path / "out" / "case", manifest, node)


def test_renaming_a_node_does_not_make_its_file_another(tmp_path, scene, source):
    node = load(scene, source)
    node.SetName("Patient 3")
    manifest = export_nodes(node, tmp_path / "out", REQUEST)
    assert manifest.case == "Patient 3"
    assert manifest.source.path is not None


@pytest.mark.parametrize(("linear", "kind"), [(True, "linear"), (False, "non-linear")])
def test_a_volume_under_a_transform_is_refused_with_how_to_harden_it(tmp_path, scene, source, linear, kind):
    node = load(scene, source)
    put_under_transform(scene, node, linear)
    with pytest.raises(InputError, match=rf"under the {kind} transform.*Harden transform"):
        export_nodes(node, tmp_path / "out", REQUEST)
    assert not (tmp_path / "out").exists()


def test_a_hardened_volume_is_cut_where_the_scene_shows_it(tmp_path, scene, source):
    node = load(scene, source)
    before = node_geometry(node).affine_ras
    put_under_transform(scene, node)
    node.HardenTransform()
    manifest = export_nodes(node, tmp_path / "out", REQUEST)
    assert "has been changed in Slicer" in manifest.warnings[0]
    assert manifest.geometry.affine_ras[0, 3] == pytest.approx(before[0, 3] + 10)
    assert_slabs_hold_the_node(tmp_path / "out" / "case", manifest, node)


def test_an_roi_of_the_scene_limits_the_slabs_in_the_files_order(tmp_path, scene):
    path = save_nifti(tmp_path / "in" / "case.nii.gz", index_phantom(SHAPE), affine(signs=LAS, oblique=15))
    node = load(scene, path)
    box = Box((1, 2, 4), (6, 7, 20))  # in Slicer's order, k reversed against the file's
    roi = add_roi(scene, node_geometry(node), box)
    manifest = export_nodes(node, tmp_path / "out", REQUEST, roi=roi)
    assert manifest.plan.limits == Box((1, 2, SHAPE[2] - 20), (6, 7, SHAPE[2] - 4))


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4, 5])
def test_cancel_after_any_slab_leaves_nothing_and_can_be_repeated(tmp_path, scene, source, after):
    node = load(scene, source)
    labels = held(
        scene, index_phantom(SHAPE, "uint8"), node_geometry(node).affine_ras, "l", "vtkMRMLLabelMapVolumeNode"
    )
    count = node_count(scene)
    export_nodes(node, tmp_path / "out", REQUEST, case="earlier")

    def stop(event):
        if event.kind == ("case-started" if after == 0 else "slab-finished") and event.done >= after:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        export_nodes(node, tmp_path / "out", REQUEST, labels, progress=stop)
    assert node_count(scene) == count
    assert [p.name for p in (tmp_path / "out").iterdir() if p.is_dir()] == ["earlier"]
    again = export_nodes(node, tmp_path / "out", REQUEST, labels)
    assert all(slab.verified for slab in again.slabs)
    assert node_count(scene) == count
    rows = (tmp_path / "out" / "slabs.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * len(again.slabs)


def test_label_maps_held_in_the_other_order_are_turned_to_the_volumes(tmp_path, scene):
    values = index_phantom(SHAPE, "uint8")
    path = save_nifti(tmp_path / "in" / "case.nii.gz", index_phantom(SHAPE), affine(signs=LAS))
    node = load(scene, path)
    # drawn in Slicer on the volume it shows: k reversed against the file
    labels = held(scene, values, node_geometry(node).affine_ras, "drawn", LABELS)
    manifest = export_nodes(node, tmp_path / "out", REQUEST, labels)
    for slab in manifest.slabs:
        found = np.asanyarray(nib.load(tmp_path / "out" / "case" / slab.labels["labels"]).dataobj)
        box = tuple(slice(a, b) for a, b in zip(slab.box.start, slab.box.stop, strict=True))
        np.testing.assert_array_equal(found, values[:, :, ::-1][box])
    assert manifest.label_sources["labels"].node == "drawn"


def test_a_label_file_gives_the_bytes_of_the_command_line(tmp_path, scene, run_cli):
    matrix = affine(signs=LAS)
    path = save_nifti(tmp_path / "in" / "case.nii.gz", index_phantom(SHAPE), matrix)
    labels = save_nifti(tmp_path / "in" / "lab.nii.gz", index_phantom(SHAPE, "uint8"), matrix)
    nodes = load(scene, path), load(scene, labels, LABELS)
    export_nodes(nodes[0], tmp_path / "gui", REQUEST, nodes[1])
    run_cli("export", path, "--labels", labels, "-o", tmp_path / "cli", "--thickness", 5, "--quiet")
    assert files_of(tmp_path / "gui") == files_of(tmp_path / "cli")
    assert len(files_of(tmp_path / "gui")) == 10


@pytest.mark.parametrize("where", ["part", "beyond"])
def test_a_label_node_on_the_volumes_lattice_is_extended_or_cut(tmp_path, scene, where):
    path = save_nifti(tmp_path / "in" / "case.nii.gz", index_phantom(SHAPE), affine(signs=LAS))
    node = load(scene, path)
    matrix = affine(signs=LAS)
    start, shape = ((1, 2, 3), (3, 4, 5)) if where == "part" else ((-1, 0, -2), tuple(n + 3 for n in SHAPE))
    values = np.ones(shape, np.uint8)
    place = matrix @ nib.affines.from_matvec(np.eye(3), start)
    manifest = export_nodes(node, tmp_path / "out", REQUEST, held(scene, values, place, "drawn", LABELS))
    expected = np.zeros(SHAPE, np.uint8)
    expected[tuple(slice(max(0, a), a + n) for a, n in zip(start, shape, strict=True))] = 1
    for slab in manifest.slabs:
        found = np.asanyarray(nib.load(tmp_path / "out" / "case" / slab.labels["labels"]).dataobj)
        box = tuple(slice(a, b) for a, b in zip(slab.box.start, slab.box.stop, strict=True))
        np.testing.assert_array_equal(found, expected[box])
    assert manifest.label_sources["labels"].placed["done"] == ["extended" if where == "part" else "cut"]


def test_a_label_map_on_another_grid_is_refused(tmp_path, scene, source):
    other = held(scene, index_phantom(SHAPE, "uint8"), affine(origin=(0, 0, 0)), "other", LABELS)
    with pytest.raises(InputError, match="does not lie on the grid"):
        export_nodes(load(scene, source), tmp_path / "out", REQUEST, other)


def test_label_sets_are_named_like_the_command_lines_or_like_their_nodes(scene):
    one, two = (
        scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "a/b"),
        scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "a/b"),
    )
    assert list(label_sets(one)) == ["labels"]
    assert list(label_sets([one, two])) == ["a_b", "a_b-2"]
    assert list(label_sets({"organs": one})) == ["organs"]
    assert label_sets(None) == {}


def test_an_output_folder_in_use_is_refused_unless_it_may_be_replaced(tmp_path, scene, source):
    node = load(scene, source)
    out = tmp_path / "out"
    export_nodes(node, out, REQUEST)
    with pytest.raises(OutputError, match="holds an export already"):
        export_nodes(node, out, REQUEST)
    export_nodes(node, out, REQUEST, replace=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("x")
    with pytest.raises(OutputError, match="holds other files"):
        export_nodes(node, tmp_path / "other", REQUEST)
    with pytest.raises(OutputError, match="where the source"):
        export_nodes(node, tmp_path / "in", REQUEST)


def test_a_slab_is_not_replaced_by_its_own_slabs(tmp_path, scene, source):
    manifest = export_nodes(load(scene, source), tmp_path / "out", REQUEST)
    slab = load(scene, tmp_path / "out" / "case" / manifest.slabs[0].image)
    with pytest.raises(OutputError, match="where the source"):
        export_nodes(slab, tmp_path / "out", REQUEST, case="case", replace=True)


def test_what_was_cut_from_the_scene_alone_can_still_be_verified(tmp_path, scene, source, run_cli):
    node = load(scene, source)
    drawn = held(scene, index_phantom(SHAPE, "uint8"), node_geometry(node).affine_ras, "drawn", LABELS)
    export_nodes(node, tmp_path / "out", REQUEST, drawn)
    export_nodes(held(scene, index_phantom(SHAPE), affine(), "made"), tmp_path / "out", REQUEST)
    code, out, _ = run_cli("verify", tmp_path / "out")
    assert (code, "15 files checked, 0 differences" in out) == (0, True)
    damaged = tmp_path / "out" / "case" / "labels" / "case_slab-001.nii.gz"
    damaged.write_bytes((tmp_path / "out" / "case" / "labels" / "case_slab-000.nii.gz").read_bytes())
    code, out, _ = run_cli("verify", tmp_path / "out")
    assert code == 1
    assert "labels/case_slab-001.nii.gz has been changed" in out


def test_an_export_into_a_split_data_set_leaves_the_split_of_the_other_cases(tmp_path, scene, run_cli):
    for n in range(4):
        save_nifti(tmp_path / "in" / f"case{n}.nii.gz", index_phantom(SHAPE), affine())
    out = tmp_path / "out"
    assert run_cli("export", tmp_path / "in", "-o", out, "--thickness", 12, "--split", "0.5,0.5,0", "--quiet")[0] == 0
    before = json.loads((out / "dataset.json").read_text())
    export_nodes(held(scene, index_phantom(SHAPE), affine(), "made"), out, REQUEST)
    after = json.loads((out / "dataset.json").read_text())
    assert after["validation"] == before["validation"] != []
    assert {entry["slab"]["case"] for entry in after["training"]} == {
        *(entry["slab"]["case"] for entry in before["training"]),
        "made",
    }
    assert (out / "report.html").is_file()


def test_further_nodes_are_channels(tmp_path, scene, source):
    first = load(scene, source)
    image = nib.load(source)
    other = save_nifti(tmp_path / "in" / "late.nii.gz", np.asarray(image.dataobj) + np.int16(7), image.affine)
    manifest = export_nodes(first, tmp_path / "out", REQUEST, channels={"late": load(scene, other)})
    assert manifest.channel_names == ("case", "late")
    for slab in manifest.slabs:
        values = [np.asarray(nib.load(tmp_path / "out" / "case" / path).dataobj) for path in slab.images]
        np.testing.assert_array_equal(values[1], values[0] + 7)
    assert not next(verify_export(tmp_path / "out")).differences
