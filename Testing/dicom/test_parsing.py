"""Damaged bytes become one sentence; a fault of this library does not."""

from __future__ import annotations

import random

import pydicom
import pytest
from slab_exporter.core.errors import InputError
from slab_exporter.dicom.reading.headers import read_planes
from slab_exporter.dicom.reading.judging import judge
from slab_exporter.dicom.reading.parsing import parsing, read_dataset
from slab_exporter.dicom.reading.pixels import stored_planes
from slab_exporter.dicom.reading.series import Kind
from support.dicom_phantoms import voxels, write_image


def test_what_pydicom_raises_is_a_damaged_file(tmp_path):
    with pytest.raises(InputError, match=r"x.dcm is not DICOM or is damaged \(AttributeError\)"), parsing("x.dcm"):
        _ = pydicom.Dataset().Rows
    path = write_image(tmp_path / "image", voxels()[0], (0, 0, 0))
    content = path.read_bytes()
    at = content.index(b"\x28\x00\x10\x00US")  # Rows, now of a value representation that does not exist
    path.write_bytes(content[: at + 4] + b"ZZ" + content[at + 6 :])
    with pytest.raises(InputError, match="damaged"):
        read_planes(path)


def test_what_this_library_raises_is_no_damaged_file(monkeypatch, tmp_path):
    path = write_image(tmp_path / "image", voxels()[0], (0, 0, 0))
    monkeypatch.setattr("slab_exporter.dicom.reading.headers.MARKS", None)
    with pytest.raises(TypeError, match="not iterable"):
        read_planes(path)


@pytest.mark.parametrize("keyword", ["Rows", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"])
def test_several_numbers_where_one_belongs_are_named(tmp_path, keyword):
    path = write_image(tmp_path / "image", voxels()[0], (0, 0, 0), **{keyword: [16, 16]})
    with pytest.raises(InputError, match=f"{keyword} is '.*', which is not numeric"):
        read_planes(path)


@pytest.mark.parametrize("syntax", ["explicit", "deflated"])
def test_bytes_changed_anywhere_in_a_header_give_a_sentence_or_an_image(tmp_path, syntax):
    path = write_image(tmp_path / "image", voxels()[0], (0, 0, 0), WindowCenter=[40, 50], WindowWidth=[4, 3], KVP=120)
    if syntax == "deflated":
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
        dataset.save_as(path)
    content = path.read_bytes()
    header = len(content) - (126 if syntax == "explicit" else 0)
    generator = random.Random(1)
    sentences = []
    for _ in range(250):
        path.write_bytes(_damaged(content, header, generator))
        sentences += _refusal_of(path)
    assert len(sentences) > 50
    assert all(str(path) in sentence for sentence in sentences)


def _damaged(content: bytes, header: int, generator: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(generator.randint(1, 6)):
        data[generator.randrange(132, header)] ^= 1 << generator.randrange(8)
    if generator.random() < 0.3:
        at = generator.randrange(132, header)
        del data[at : at + generator.randint(1, 4)]
    return bytes(data) if generator.random() < 0.8 else bytes(data[: generator.randrange(132, len(data))])


def _refusal_of(path) -> list[str]:
    try:
        found = read_planes(path)
        if not isinstance(found, str) and judge(found[1] * 2).kind is not Kind.UNUSABLE:
            with parsing(path):
                stored_planes(read_dataset(path.read_bytes()), list(found[1]))
    except InputError as error:
        return [str(error)]
    return []
