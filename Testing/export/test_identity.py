"""Deidentified exports: no word of the source is found in any byte of what was written, whatever the format."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from itertools import count
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import slab_exporter as se
from pydicom.datadict import DicomDictionary, dictionary_VM
from slab_exporter.core.errors import OutputError, RequestError
from slab_exporter.core.options import DicomOptions, ExportRequest
from slab_exporter.export.from_scene import export_nodes
from support.dicom_phantoms import uid, voxels, write_series
from support.phantoms import affine, index_phantom
from support.scenes import load, node_geometry, segmentation, user_scene

FORMATS = ("nii.gz", "nii", "nrrd", "dicom")
# Value representations that hold words, and how a word is put into them.
TEXTS = {"LO": "{}", "SH": "{}", "PN": "{}^Jane", "LT": "{}", "ST": "{}", "UT": "{}", "UC": "{}", "AE": "{}",
         "CS": "{}"}  # fmt: skip
# Without these the files would be no images, or others than they are.
STRUCTURE = {"Modality", "PhotometricInterpretation", "ImageType", "SpecificCharacterSet", "TransferSyntaxUID"}
DATES = {"DA": "1961{:02d}{:02d}", "TM": "{:02d}{:02d}17.123", "DT": "1961{:02d}{:02d}112233"}


WORD = re.compile(rb"ZQ\d{5}XJ", re.IGNORECASE)


class Secrets:
    """Gives out words that are found nowhere else, and knows them all."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.words: list[str] = []

    def word(self) -> str:
        """Return a new word of 9 capital letters and digits, which every text of DICOM and NIfTI can hold."""
        return self.known(f"ZQ{next(self._numbers):05d}XJ")

    def known(self, text: str) -> str:
        """Remember a text that was made elsewhere, such as a UID or a date."""
        self.words.append(text)
        return text


def secret_attributes(secrets: Secrets) -> dict[str, object]:
    """Return a value for each attribute of the dictionary that holds words or dates, with a word of its own."""
    attributes: dict[str, object] = {}
    for number, (tag, (vr, _, _, retired, keyword)) in enumerate(sorted(DicomDictionary.items())):
        group = tag >> 16
        if not keyword or retired or keyword in STRUCTURE or group in (0x0000, 0x0002, 0x0004) or group > 0x4FFF:
            continue
        if vr in TEXTS and dictionary_VM(tag) in ("1", "1-n"):
            attributes[keyword] = TEXTS[vr].format(secrets.word())
        elif vr in DATES:
            attributes[keyword] = secrets.known(DATES[vr].format(number % 12 + 1, number % 23 + 1))
    attributes["ImageType"] = ["ORIGINAL", "PRIMARY", secrets.word()]
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        attributes[keyword] = secrets.known(uid("secret", keyword))
    return attributes


def add_private(path: Path, secrets: Secrets) -> None:
    """Put a private block, and a sequence with a name in it, into a DICOM file."""
    dataset = pydicom.dcmread(path)
    block = dataset.private_block(0x0029, secrets.word(), create=True)
    block.add_new(0x10, "LO", secrets.word())
    person = pydicom.Dataset()
    person.PatientName, person.PatientID = secrets.word(), secrets.word()
    dataset.OtherPatientIDsSequence = [person]
    dataset.save_as(path)


def dicom_source(folder: Path, secrets: Secrets, kind: str = "CT") -> Path:
    """Make a series whose folders, files and attributes hold words."""
    place = folder / secrets.word() / secrets.word()
    write_series(place, voxels((3, 9, 7)), **secret_attributes(secrets), Modality=kind)
    for number, path in enumerate(sorted(place.iterdir())):
        secrets.known(str(pydicom.dcmread(path).SOPInstanceUID))
        add_private(path, secrets)
        path.rename(path.with_name(f"{secrets.word()}-{number}.dcm"))
    return place


def named_nifti(path: Path, array: np.ndarray, secrets: Secrets, label: bool = False) -> Path:
    """Write a NIfTI file each of whose texts is a word, with an extension that holds one, too."""
    image = nib.Nifti1Image(array, affine())
    for field in ("data_type", "db_name", "descrip", "aux_file", "intent_name"):
        image.header[field] = secrets.word()
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", secrets.word().encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)
    return path


def nifti_source(folder: Path, secrets: Secrets) -> tuple[Path, Path]:
    """Return (list of cases, folder): image and label whose names, folders, headers and columns are words."""
    place, name = folder / secrets.word() / secrets.word(), secrets.word()
    image = named_nifti(place / f"{name}.nii.gz", index_phantom((9, 8, 10)), secrets)
    label = named_nifti(place / secrets.word() / f"{secrets.word()}.nii.gz", organs((9, 8, 10)), secrets)
    table = folder / f"{secrets.word()}.csv"
    heads, cells = [secrets.word(), secrets.word()], [secrets.word(), secrets.word()]
    rows = [["case", "image", "label", *heads], [secrets.word(), str(image), str(label), *cells]]
    table.write_text("".join(",".join(row) + "\n" for row in rows))
    return table, place


def organs(shape: tuple[int, int, int]) -> np.ndarray:
    """Return a label map with two values."""
    labels = np.zeros(shape, np.uint8)
    labels[2:5, 2:6, 1:9], labels[5:7, 3:5, 1:7] = 1, 2
    return labels


def segmentation_beside(place: Path, secrets: Secrets) -> Path:
    """Write a .seg.nrrd on the series' grid whose segments are called by words."""
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(place)))
    grid = reader.Execute()
    image = sitk.GetImageFromArray(organs(grid.GetSize()).T)
    image.CopyInformation(grid)
    for key, value in {"Segment0_LabelValue": "1", "Segment0_Name": secrets.word(), "Segment1_LabelValue": "2",
                       "Segment1_Name": secrets.word(), secrets.word(): secrets.word()}.items():  # fmt: skip
        image.SetMetaData(key, value)
    path = place.parent / f"{secrets.word()}.seg.nrrd"
    sitk.WriteImage(image, str(path))
    return path


def contents(path: Path) -> list[bytes]:
    """Return the bytes of a file, and what is deflated in it: gzip, the voxels of NRRD."""
    raw = path.read_bytes()
    inner = [gzip.decompress(raw)] if raw[:2] == b"\x1f\x8b" else []
    if raw[:4] == b"NRRD" and b"encoding: gzip" in raw:
        inner += [zlib.decompress(raw.split(b"\n\n", 1)[1], wbits=31)]
    return [raw, *inner]


def found(out: Path, words: list[str]) -> list[tuple[str, str]]:
    """Return (place, word) for each word in the name or in any byte of a file below ``out``, in any case of letters."""
    others = sorted({word.encode() for word in words if not WORD.fullmatch(word.encode())})
    hits = []
    for path in [out, *out.rglob("*")]:
        name = str(path.relative_to(out))
        texts = [name.encode(), *(contents(path) if path.is_file() else [])]
        hits += [(name, match.decode()) for text in texts for match in WORD.findall(text)]
        hits += [(name, other.decode()) for text in texts for other in others if other in text]
    return hits


def needs(kind: str) -> None:
    """Skip where the packages for DICOM are missing."""
    if kind == "dicom":
        pytest.importorskip("dicomanonymizer")
        pytest.importorskip("highdicom")


@pytest.mark.parametrize("kind", FORMATS)
def test_no_word_of_a_series_is_found_in_any_byte(tmp_path, run_cli, kind):
    needs(kind)
    secrets = Secrets()
    place = dicom_source(tmp_path / "in", secrets, "MR" if kind == "nrrd" else "CT")
    label = segmentation_beside(place, secrets)
    assert len(secrets.words) > 400
    assert len(found(tmp_path / "in", secrets.words)) > 400, "the search must find the words where they are"
    arguments = ("export", place, "-o", tmp_path / "out", "--format", kind, "--thickness", 2, "--labels", label)
    code, _, error = run_cli(*arguments, "--deidentify", "--key-file", tmp_path / "key.csv")
    assert code == 0, error
    assert found(tmp_path / "out", secrets.words) == []
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_dir()] == ["case-0001"]
    (row,) = csv.DictReader((tmp_path / "key.csv").open())
    assert (row["case"], row["source"], row["labels"]) == ("case-0001", str(place), f"labels={label}")
    assert row["series_instance_uid"] == uid("secret", "SeriesInstanceUID")
    assert run_cli("verify", tmp_path / "out")[0] == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_no_word_of_a_nifti_is_found_in_any_byte(tmp_path, run_cli, kind):
    needs(kind)
    secrets = Secrets()
    table, _ = nifti_source(tmp_path / "in", secrets)
    arguments = ("export", table, "-o", tmp_path / "out", "--format", kind, "--thickness", 4)
    code, _, error = run_cli(*arguments, "--deidentify", "--overlap", 1)
    assert code == 0, error
    assert found(tmp_path / "out", secrets.words) == []
    document = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert document["name"] == "slabs"
    assert document["training"][0]["slab"]["group"] == "group-0001"
    assert run_cli(*arguments[:3], tmp_path / "named", *arguments[4:])[0] == 0
    told = {place.rsplit("/", 1)[-1].split("_")[-1] for place, _ in found(tmp_path / "named", secrets.words)}
    assert {"manifest.json", "dataset.json", "slabs.csv", "report.html"} <= told, "the search must find what is there"
    assert kind not in ("nii.gz", "nii") or f"slab-000.{kind}" in told


def named(folder: Path, *names: str) -> Path:
    """Write small volumes of these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        nib.save(nib.Nifti1Image(index_phantom((5, 6, 8)) + np.int16(number), affine()), folder / f"{name}.nii")
    return folder


def test_cases_are_numbered_in_order_and_groups_stay_together(tmp_path, run_cli):
    named(tmp_path / "in", "adams_t1", "adams_t2", "baker_t1")
    key, out = tmp_path / "keys" / "key.csv", tmp_path / "out"
    key.parent.mkdir()
    assert run_cli("export", tmp_path / "in", "-o", out, "--deidentify", "--key-file", key)[0] == 0
    rows = list(csv.DictReader(key.open()))
    assert [(row["case"], row["name"], row["group"], row["name_of_group"]) for row in rows] == [
        ("case-0001", "adams_t1", "group-0001", "adams"),
        ("case-0002", "adams_t2", "group-0001", "adams"),
        ("case-0003", "baker_t1", "group-0002", "baker"),
    ]
    assert key.stat().st_mode & 0o077 == 0
    slab = nib.load(out / "case-0003" / "images" / "case-0003_slab-000.nii.gz")
    np.testing.assert_array_equal(slab.get_fdata(), index_phantom((5, 6, 8)) + 2)


def test_the_key_file_is_refused_in_the_output_and_where_it_would_replace_something(tmp_path, run_cli):
    source, out, key = named(tmp_path / "in", "adams"), tmp_path / "out", tmp_path / "key.csv"
    command = ("export", source, "-o", out, "--deidentify", "--key-file")
    code, _, error = run_cli(*command, out / "key.csv")
    assert (code, "lies in the output folder" in error) == (2, True)
    (tmp_path / "link").symlink_to(out)
    assert run_cli(*command, tmp_path / "link" / "key.csv")[0] == 2
    assert not list(out.glob("*"))
    key.write_text("case,image\nadams,adams.nii\n")
    code, _, error = run_cli(*command, key)
    assert (code, f"{key} exists already; choose another name, or add --overwrite" in error) == (2, True)
    code, _, error = run_cli(*command, key, "--overwrite")
    assert (code, "is no key file of an export and is not replaced" in error) == (2, True)
    assert key.read_text() == "case,image\nadams,adams.nii\n"
    code, _, error = run_cli("export", source, "-o", out, "--key-file", tmp_path / "other.csv")
    assert (code, error) == (2, "slab-exporter: --key-file tells what numbered cases were called; it needs "
                                "--deidentify.\n")  # fmt: skip


def test_going_on_keeps_the_key_file_and_the_cases_of_the_same_sources(tmp_path, run_cli):
    source, out, key = named(tmp_path / "in", "adams", "baker"), tmp_path / "out", tmp_path / "key.csv"
    command = ("export", source, "-o", out, "--deidentify", "--key-file", key, "--json")
    assert run_cli(*command)[0] == 0
    code, events, _ = run_cli(*command, "--resume")
    assert (code, events.count('"case-skipped"')) == (0, 2)
    named(source, "adams", "baker", "clark")
    code, _, error = run_cli(*command, "--resume")
    assert (code, "exists already and names other cases" in error) == (2, True)
    assert len(key.read_text().splitlines()) == 3
    assert run_cli(*command, "--overwrite")[0] == 0
    assert len(key.read_text().splitlines()) == 4


def test_a_failed_case_is_shown_with_its_name_and_recorded_without(tmp_path, run_cli):
    source = named(tmp_path / "in", "adams", "baker")
    (source / "baker.nii").write_bytes((source / "baker.nii").read_bytes()[:400])
    code, _, error = run_cli("export", source, "-o", tmp_path / "out", "--deidentify")
    assert (code, "baker.nii is truncated" in error) == (1, True)
    assert (
        (tmp_path / "out" / "errors.csv")
        .read_text()
        .splitlines()[1]
        .startswith("case-0002,,The source cannot be used.")
    )
    assert found(tmp_path / "out", ["adams", "baker"]) == []


def test_a_warning_is_recorded_if_it_names_nothing(tmp_path, run_cli):
    nib.save(nib.Nifti1Image(index_phantom((5, 6, 8)), np.eye(4)), tmp_path / "adams.nii")
    assert run_cli("export", tmp_path / "adams.nii", "-o", tmp_path / "out", "--deidentify")[0] == 0
    manifest = json.loads((tmp_path / "out" / "case-0001" / "manifest.json").read_text())
    assert [text[:26] for text in manifest["warnings"]] == ["The affine is the identity", "The volume has 8 slices, f"]


def test_what_the_files_of_a_series_are_called_is_shown_and_not_recorded(tmp_path, run_cli):
    place = write_series(tmp_path / "in", voxels((4, 5, 6)))
    (place / "adams-copy").write_bytes((place / "000").read_bytes())
    code, _, error = run_cli("export", place, "-o", tmp_path / "out", "--deidentify")
    assert (code, "is a copy of others (adams-copy for one)" in error) == (0, True)
    manifest = json.loads((tmp_path / "out" / "case-0001" / "manifest.json").read_text())
    assert manifest["warnings"] == [
        "1 sentence about the source was shown when it was exported and is not kept: it may name it.",
        "The volume has 4 slices, fewer than one slab of 64: its only slab is 4 thick.",
    ]
    assert found(tmp_path / "out", ["adams"]) == []


def test_verify_stitch_and_where_work_without_the_source(tmp_path, run_cli):
    source, out = named(tmp_path / "in", "adams"), tmp_path / "out"
    assert run_cli("export", source, "-o", out, "--deidentify", "--thickness", 3, "--overlap", 1)[0] == 0
    code, told, _ = run_cli("verify", out)
    assert code == 0
    assert told.startswith(
        "case-0001: 4 files as they were written; the manifest does not name the source: check sums, shapes and "
        "positions were compared, voxels with the source were not\n"
    )
    assert run_cli("stitch", out / "case-0001", "-o", tmp_path / "whole.nii.gz")[0] == 0
    whole, image = nib.load(tmp_path / "whole.nii.gz"), nib.load(source / "adams.nii")
    np.testing.assert_array_equal(whole.get_fdata(), image.get_fdata())
    np.testing.assert_allclose(whole.affine, image.affine, atol=1e-4)
    code, told, error = run_cli("where", out / "case-0001", "--ijk", 1, 2, 3, "--json")
    assert (code, error) == (0, "")
    assert np.allclose(json.loads(told)["ras"], (image.affine @ (1, 2, 3, 1))[:3])
    slab = out / "case-0001" / "images" / "case-0001_slab-000.nii.gz"
    slab.write_bytes(slab.read_bytes()[:-1] + b"!")
    assert run_cli("verify", out)[0] == 1


def test_cases_with_names_are_no_place_for_deidentified_ones(tmp_path, run_cli):
    source, out = named(tmp_path / "in", "adams"), tmp_path / "out"
    assert run_cli("export", source, "-o", out)[0] == 0
    for option in ("--resume", "--overwrite"):
        code, _, error = run_cli("export", source, "-o", out, "--deidentify", option)
        assert (code, "holds the case adams of an export without --deidentify" in error) == (2, True)
    assert {path.name for path in out.iterdir() if path.is_dir()} == {"adams"}


def test_names_that_tell_of_a_patient_are_said_once(tmp_path, run_cli):
    for number in range(2):
        write_series(tmp_path / "in" / str(number), voxels((3, 5, 6)), PatientID=f"ADAMS{number}",
                     SeriesInstanceUID=uid("series", number))  # fmt: skip
    code, _, error = run_cli("export", tmp_path / "in", "-o", tmp_path / "out")
    assert code == 0
    assert error.count("--deidentify numbers the cases instead") == 1
    assert (
        "2 DICOM series give PatientID and StudyDate to the names of files, folders and groups (first: ADAMS0" in error
    )
    assert "numbers the cases" not in run_cli("export", tmp_path / "in", "-o", tmp_path / "o2", "--deidentify")[2]
    named(tmp_path / "nifti", "adams")
    assert "numbers the cases" not in run_cli("export", tmp_path / "nifti", "-o", tmp_path / "o3")[2]


def test_the_front_door_deidentifies_as_well(tmp_path):
    source = named(tmp_path / "in", "adams")
    result = se.export(source, tmp_path / "out", deidentify=True, key_file=tmp_path / "key.csv")
    assert [manifest.case for manifest in result.manifests] == ["case-0001"]
    assert result.manifests[0].is_deidentified
    with pytest.raises(RequestError, match="needs deidentify=True"):
        se.export(source, tmp_path / "o2", key_file=tmp_path / "k2.csv")
    with pytest.raises(OutputError, match="lies in the output folder"):
        se.export(source, tmp_path / "o2", deidentify=True, key_file=tmp_path / "o2" / "k.csv")


def test_a_scene_names_nobody_either(tmp_path):
    scene, secrets = user_scene(), Secrets()
    image = load(scene, named_nifti(tmp_path / "in" / "adams.nii.gz", index_phantom((9, 8, 10)), secrets))
    masks = {name: value == organs((9, 8, 10)).T for value, name in ((1, "baker"), (2, "clark"))}
    node = segmentation(scene, node_geometry(image), masks)
    node.SetName("evans")
    other = segmentation(scene, node_geometry(image), masks)
    other.SetName("irwin")
    request = ExportRequest(dicom=DicomOptions(deidentify=True))
    manifest = export_nodes(image, tmp_path / "out", request, [node, other])
    scene.Clear(True)
    assert (manifest.case, manifest.source.path, manifest.source.node) == ("case-0001", None, None)
    assert found(tmp_path / "out", [*secrets.words, "adams", "baker", "clark", "evans", "irwin"]) == []
    assert set(manifest.label_sources) == {"labels", "labels-2"}
