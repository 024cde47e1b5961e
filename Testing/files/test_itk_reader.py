"""ITK's reader of NIfTI files is not safe in threads: only one reads at a time."""

from __future__ import annotations

import ast
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import SimpleITK as sitk
from slab_exporter.files.itk import reader
from slab_exporter.files.readback import read_image
from support.phantoms import affine, index_phantom, save_nifti

LIBRARY = Path(reader.__file__).parents[2]


@pytest.fixture
def most_at_once(monkeypatch):
    """A function that tells how many threads have been inside ITK at once."""
    inside, most, counting = [], [0], threading.Lock()

    def slowly(name):
        original = getattr(sitk.ImageFileReader, name)

        def called(self):
            with counting:
                inside.append(name)
                most[0] = max(most[0], len(inside))
            time.sleep(0.005)
            try:
                return original(self)
            finally:
                with counting:
                    inside.remove(name)

        return called

    for name in ("ReadImageInformation", "Execute"):
        monkeypatch.setattr(sitk.ImageFileReader, name, slowly(name))
    return lambda: most[0]


def test_threads_take_turns(tmp_path, most_at_once):
    path = save_nifti(tmp_path / "a.nii.gz", index_phantom((5, 4, 3)), affine())
    with ThreadPoolExecutor(4) as pool:
        sizes = {image.GetSize() for image in pool.map(read_image, [path] * 8)}
    assert sizes == {(5, 4, 3)}
    assert most_at_once() == 1


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda p: p.relative_to(LIBRARY).as_posix())
def test_nobody_else_reads_files_with_itk(path):
    """Its DICOM readers have no such string."""
    if path == Path(reader.__file__):
        return
    for call in (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        assert not name.endswith("ImageFileReader")
        if name.endswith("sitk.ReadImage"):
            assert "GDCMImageIO" in ast.unparse(call)
