"""Sequences and multi-volumes of a scene: the same bytes as from their files, and the scene as it was."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import nibabel as nib
import nrrd
import numpy as np
import pytest
import slab_exporter as se
from slab_exporter.core.errors import Cancelled, InputError
from slab_exporter.core.manifest import SCHEMA_PATH
from slab_exporter.core.options import DicomOptions, ExportRequest, SlabOptions
from slab_exporter.export.from_scene import export_nodes
from support.frames import PLACE, SHAPE, frames_phantom
from support.phantoms import affine
from support.scenes import held, node_count
from support.sequences import TIMES, browsed, load_sequence, multi_volume, save_sequence, sequence_of

COUNT = 5
SLABS = SlabOptions(thickness=6)


def request_for(frames="all", **options) -> ExportRequest:
    return ExportRequest(slabs=SLABS, frames=frames, **options)


def phantoms(count: int = COUNT, dtype: str = "int16") -> list[np.ndarray]:
    whole = frames_phantom(count, dtype)
    return [np.ascontiguousarray(whole[..., n]) for n in range(count)]


@pytest.fixture
def saved(tmp_path, scene) -> Path:
    (tmp_path / "in").mkdir()
    return save_sequence(scene, sequence_of(scene, phantoms(), PLACE), tmp_path / "in" / "bold.seq.nrrd")


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name not in ("options.json", "report.html")
    }


def without_options(files: dict[str, bytes]) -> dict[str, object]:
    """Files without what differs by the way an export was started."""
    return {name: data for name, data in files.items() if not name.endswith((".json", ".csv"))}


@pytest.mark.parametrize("format", ["nii.gz", "nrrd"])
@pytest.mark.parametrize("frames", ["all", "1:4", "3,0,1"])
def test_a_saved_sequence_gives_the_bytes_of_its_file(tmp_path, scene, saved, format, frames):
    browser, proxy = browsed(scene, load_sequence(scene, saved))
    by_file = se.export(saved, tmp_path / "file", frames=frames, thickness=6, format=format).manifests[0]
    by_node = export_nodes(proxy, tmp_path / "node", request_for(frames, format=format), case="bold.seq")
    ours, theirs = (without_options(files_of(tmp_path / where)) for where in ("node", "file"))
    assert len(ours) >= len(by_node.slabs) > 1
    assert ours == theirs
    one, other = by_node.to_json(), by_file.to_json()
    assert one["slabs"] == other["slabs"]
    assert one["source"] == other["source"]
    assert one["frames"] == other["frames"]
    assert by_node.warnings == by_file.warnings
    assert browser.GetSelectedItemNumber() == 1
    (report,) = se.verify(tmp_path / "node")
    assert report.differences == ()


def test_one_frame_of_a_saved_sequence_gives_the_bytes_of_its_file(tmp_path, scene, saved):
    _, proxy = browsed(scene, load_sequence(scene, saved))
    se.export(saved, tmp_path / "file", frame=3, thickness=6)
    export_nodes(proxy, tmp_path / "node", ExportRequest(slabs=SLABS, frame=3), case="bold.seq")
    assert without_options(files_of(tmp_path / "node")) == without_options(files_of(tmp_path / "file"))
    shown = export_nodes(proxy, tmp_path / "shown", ExportRequest(slabs=SLABS))
    assert shown.case == "bold_frame-1"
    assert shown.source.frame == 1
    assert "shows frame 1 of the 5 (0 to 4)" in shown.warnings[-1]


def test_a_sequence_that_was_never_saved_is_cut_from_the_scene(tmp_path, scene):
    arrays = phantoms()
    browser, proxy = browsed(scene, sequence_of(scene, arrays, PLACE))
    before = (node_count(scene), browser.GetSelectedItemNumber(), proxy.GetMTime(), proxy.GetImageData().GetMTime())
    manifest = export_nodes(proxy, tmp_path / "out", request_for("0:4"))
    after = (node_count(scene), browser.GetSelectedItemNumber(), proxy.GetMTime(), proxy.GetImageData().GetMTime())
    assert after == before
    assert manifest.case == "bold"
    for slab in manifest.slabs:
        image = nib.load(tmp_path / "out" / "bold" / slab.image)
        first, stop = slab.box.start, slab.box.stop
        box = tuple(slice(a, b) for a, b in zip(first, stop, strict=True))
        np.testing.assert_array_equal(np.asarray(image.dataobj), np.stack(arrays[:4], axis=-1)[box])
        np.testing.assert_allclose(image.affine, slab.geometry.affine_ras, atol=1e-4)
        assert (float(image.header["pixdim"][4]), float(image.header["toffset"])) == (2.5, 0.75)
        assert image.header.get_xyzt_units() == ("mm", "sec")
    assert "The frames of 'bold' have never been saved as one volume file" in manifest.warnings[0]
    document = json.loads((tmp_path / "out" / "bold" / "manifest.json").read_text())
    jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text())).validate(document)
    assert document["frames"]["index"] == {"name": "time", "unit": "s", "values": list(TIMES[:4])}
    assert se.read_manifest(tmp_path / "out" / "bold").to_json() == document


@pytest.mark.parametrize(
    ("values", "index", "step", "unit"),
    [
        (("0", "40", "120"), ("TriggerTime", "ms"), 0.0, ""),
        (("5", "10", "15"), ("FlipAngle", "degrees"), 5.0, ""),
        (("rest", "stress one", "stress two"), ("phase", ""), 0.0, ""),
    ],
)
def test_any_index_is_kept_and_read_back_from_nrrd_pieces(tmp_path, scene, values, index, step, unit):
    sequence = sequence_of(scene, [], PLACE, index=index)
    if index[0] == "phase":
        sequence.SetIndexType(sequence.TextIndex)
    for array, value in zip(phantoms(3), values, strict=True):
        sequence.SetDataNodeAtValue(held(scene, array, PLACE), value)
    manifest = export_nodes(browsed(scene, sequence)[1], tmp_path / "out", request_for(format="nrrd"), case="one")
    record = manifest.frames
    assert (record.step, record.unit) == (step, unit)
    assert (record.index.name, record.index.unit, record.index.values) == (*index, values)
    found = load_sequence(scene, tmp_path / "out" / "one" / manifest.slabs[0].image)
    assert tuple(found.GetNthIndexValue(n) for n in range(3)) == values
    assert (found.GetIndexName(), found.GetIndexUnit()) == index
    assert found.GetIndexType() == sequence.GetIndexType()
    header = nrrd.read_header(str(tmp_path / "out" / "one" / manifest.slabs[0].image))
    assert header["labels"][3] == index[0]
    back = se.stitch(tmp_path / "out" / "one", tmp_path / "back.nrrd")
    again = load_sequence(scene, back.path)
    assert tuple(again.GetNthIndexValue(n) for n in range(3)) == values


def test_frames_on_several_grids_are_refused(tmp_path, scene):
    sequence = sequence_of(scene, phantoms(3), PLACE)
    shifted = PLACE.copy()
    shifted[0, 3] += 3
    sequence.SetDataNodeAtValue(held(scene, phantoms(1)[0], shifted), "20")
    _, proxy = browsed(scene, sequence)
    with pytest.raises(InputError, match=r"Frames 0 and 3 of 'bold' lie on different grids \(3\.00 mm"):
        export_nodes(proxy, tmp_path / "out", request_for())
    assert export_nodes(proxy, tmp_path / "some", request_for("0:3")).frames.numbers == (0, 1, 2)
    sequence.SetDataNodeAtValue(held(scene, phantoms(1)[0][:, :, :-1], PLACE), "20")
    with pytest.raises(InputError, match="9 x 8 x 11 and 9 x 8 x 10 voxels"):
        export_nodes(proxy, tmp_path / "out", request_for())
    sequence.SetDataNodeAtValue(held(scene, phantoms(1, "float32")[0], PLACE), "20")
    with pytest.raises(InputError, match="Frame 3 of 'bold' holds float32, frame 0 int16"):
        export_nodes(proxy, tmp_path / "out", request_for())


def test_frames_that_do_not_exist_are_refused_with_how_many_there_are(tmp_path, scene):
    _, proxy = browsed(scene, sequence_of(scene, phantoms(3), PLACE))
    with pytest.raises(InputError, match=r"'bold' holds 3 frames, counted from 0; of frames='0:9', frame 3"):
        export_nodes(proxy, tmp_path / "out", request_for("0:9"))
    plain = held(scene, phantoms(1)[0], PLACE, "CT")
    assert export_nodes(plain, tmp_path / "plain", request_for()).frames is None
    with pytest.raises(InputError, match="'CT' holds one volume; frame=2 does not exist"):
        export_nodes(plain, tmp_path / "out", ExportRequest(slabs=SLABS, frame=2))


def test_the_browser_shows_what_it_showed_also_after_cancelling(tmp_path, scene):
    browser, proxy = browsed(scene, sequence_of(scene, phantoms(), PLACE))

    def cancel(event):
        if event.kind == "slab-finished":
            raise Cancelled("enough")

    before = node_count(scene), proxy.GetMTime()
    with pytest.raises(Cancelled):
        export_nodes(proxy, tmp_path / "out", request_for(), progress=cancel)
    assert (node_count(scene), proxy.GetMTime()) == before
    assert browser.GetSelectedItemNumber() == 1
    assert not (tmp_path / "out" / "bold").exists()


@pytest.mark.parametrize("change", ["voxels", "index", "gone"])
def test_a_sequence_that_was_changed_is_cut_from_the_scene(tmp_path, scene, saved, change):
    from slab_exporter.mrml.nodes import voxels_kji

    sequence = load_sequence(scene, saved)
    _, proxy = browsed(scene, sequence)
    if change == "voxels":
        voxels_kji(sequence.GetNthDataNode(4))[2, 3, 4] = 77
    elif change == "index":
        sequence.SetIndexName("phase")
    else:
        saved.unlink()
    manifest = export_nodes(proxy, tmp_path / "out", request_for(), case="one")
    assert manifest.source.path is None
    assert any("cut from the frames in Slicer's scene" in text for text in manifest.warnings)
    slabs = [nib.load(tmp_path / "out" / "one" / slab.image) for slab in manifest.slabs]
    assert any((np.asarray(image.dataobj)[..., 4] == 77).any() for image in slabs) == (change == "voxels")


def test_dicom_gets_a_series_for_each_frame_and_channels_their_frames(tmp_path, scene):
    _, proxy = browsed(scene, sequence_of(scene, phantoms(3), PLACE))
    manifest = export_nodes(
        proxy, tmp_path / "dicom", request_for(format="dicom", dicom=DicomOptions(modality="MR")), case="one"
    )
    assert manifest.channel_names == ("frame-000", "frame-001", "frame-002")
    assert manifest.frames.apart
    _, second = browsed(scene, sequence_of(scene, phantoms(3, "float32"), PLACE, "t2"))
    both = export_nodes(proxy, tmp_path / "both", request_for(), channels={"t2": second}, case="one")
    slab = nib.load(tmp_path / "both" / "one" / both.slabs[0].channels["t2"])
    assert slab.shape[3] == 3
    with pytest.raises(se.SlabExporterError, match="As DICOM, frames and channels are series each"):
        export_nodes(proxy, tmp_path / "no", request_for(format="dicom"), channels={"t2": second}, case="one")


def test_a_deidentified_export_keeps_no_index(tmp_path, scene):
    values = ("36000000", "36002500", "36005000")
    _, proxy = browsed(scene, sequence_of(scene, phantoms(3), PLACE, values=values, index=("AcquisitionTime", "ms")))
    for format in ("nrrd", "dicom"):
        request = request_for(format=format, dicom=DicomOptions(deidentify=True))
        manifest = export_nodes(proxy, tmp_path / format, request)
        assert (manifest.frames.index, manifest.frames.step, manifest.frames.start) == (None, 2500.0, 0.0)
        assert not any(b"36002500" in data for data in files_of(tmp_path / format).values())


def test_a_multi_volume_is_cut_by_its_frames(tmp_path, scene):
    arrays = phantoms(4)
    node = multi_volume(scene, arrays, PLACE)
    manifest = export_nodes(node, tmp_path / "out", request_for("1:4"))
    assert manifest.case == "dce"
    image = nib.load(tmp_path / "out" / "dce" / manifest.slabs[0].image)
    box = tuple(slice(a, b) for a, b in zip(manifest.slabs[0].box.start, manifest.slabs[0].box.stop, strict=True))
    np.testing.assert_array_equal(np.asarray(image.dataobj), np.stack(arrays[1:], axis=-1)[box])
    assert manifest.frames.index.values == ("40.0", "80.0", "120.0")
    assert (manifest.frames.step, manifest.frames.unit, manifest.frames.start) == (40.0, "ms", 0.0)
    shown = export_nodes(node, tmp_path / "shown", ExportRequest(slabs=SLABS))
    assert shown.case == "dce_frame-0"
    assert "shows frame 0 of the 4 (0 to 3)" in shown.warnings[-1]


def test_a_multi_volume_file_states_its_index(tmp_path):
    place = affine()
    lps = np.diag([-1, -1, 1, 1]) @ place
    header = {
        "kinds": ["list", "domain", "domain", "domain"],
        "space": "left-posterior-superior",
        "space origin": lps[:3, 3],
        "space directions": np.vstack([np.full((1, 3), np.nan), lps[:3, :3].T]),
        "MultiVolume.FrameLabels": "0,40,120",
        "MultiVolume.FrameIdentifyingDICOMTagName": "TriggerTime",
        "MultiVolume.FrameIdentifyingDICOMTagUnits": "ms",
    }
    nrrd.write(str(tmp_path / "dce.nrrd"), np.moveaxis(frames_phantom(3), -1, 0), header, index_order="F")
    manifest = se.export(tmp_path / "dce.nrrd", tmp_path / "out", frames="0,2").manifests[0]
    assert manifest.frames.index.to_json() == {"name": "TriggerTime", "unit": "ms", "values": ["0", "120"]}
    assert manifest.geometry.shape_ijk == SHAPE


def test_a_name_that_changes_with_the_frame_is_not_the_cases(tmp_path, scene):
    sequence = sequence_of(scene, phantoms(3), PLACE)
    browser, proxy = browsed(scene, sequence)
    browser.SetOverwriteProxyName(sequence, True)
    proxy.SetName("bold [time=3.25s]")
    assert export_nodes(proxy, tmp_path / "a", request_for()).case == "bold"
    assert export_nodes(proxy, tmp_path / "b", ExportRequest(slabs=SLABS)).case == "bold_frame-1"
