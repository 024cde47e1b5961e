"""The pictures show the patient as a radiologist sees him, and the page says what is wrong first."""

from __future__ import annotations

import re
import struct
import zlib
from urllib.parse import unquote

import nibabel as nib
import numpy as np
import pytest
from slab_exporter.core.geometry import Box, VolumeGeometry
from slab_exporter.core.manifest import Manifest, SlabRecord
from slab_exporter.core.records import PlanRecord, SourceRecord
from slab_exporter.report.dataset import ListedManifest
from slab_exporter.report.pictures import png_bytes
from slab_exporter.report.summary import summary_texts
from slab_exporter.report.views import middle_views, rectangle
from support.phantoms import SIGNED_PERMUTATIONS, affine, index_phantom, save_nifti

SHAPE = (7, 9, 11)
PNG = png_bytes(np.zeros((4, 4), np.uint8), np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize(("axes", "signs"), SIGNED_PERMUTATIONS)
def test_pictures_are_radiological_in_all_48_orientations(axes, signs):
    voxels = index_phantom(SHAPE)
    matrix = affine(axes, signs)
    canonical = np.asarray(nib.as_closest_canonical(nib.Nifti1Image(voxels, matrix)).dataobj)  # RAS
    geometry = VolumeGeometry(SHAPE, matrix)
    axial, coronal, sagittal = middle_views(geometry)
    kji = voxels.transpose()

    def position(view, ras_axis):
        _, sign = geometry.index_axis(ras_axis)
        size = SHAPE[view.through]
        return view.position if sign > 0 else size - 1 - view.position

    # Rows from anterior (superior) down, columns from the patient's right (anterior) to the left (posterior).
    expected = canonical[::-1, ::-1, position(axial, 2)].T
    np.testing.assert_array_equal(axial.plane(kji), expected)
    np.testing.assert_array_equal(coronal.plane(kji), canonical[::-1, position(coronal, 1), ::-1].T)
    np.testing.assert_array_equal(sagittal.plane(kji), canonical[position(sagittal, 0), ::-1, ::-1].T)
    assert axial.letters == ("R", "L", "A", "P")
    assert coronal.letters == ("R", "L", "S", "I")
    assert sagittal.letters == ("A", "P", "S", "I")


@pytest.mark.parametrize(("axes", "signs"), SIGNED_PERMUTATIONS)
def test_a_box_is_drawn_around_its_voxels(axes, signs):
    geometry = VolumeGeometry(SHAPE, affine(axes, signs))
    box = Box((1, 2, 3), (4, 8, 9))
    marked = np.zeros(SHAPE[::-1])
    marked[box.slices_kji()] = 1
    for view in middle_views(geometry):
        plane = view.plane(marked)
        rows, columns = np.nonzero(plane)
        across, down = geometry.spacing[view.across], geometry.spacing[view.down]
        expected = (columns.min() * across, rows.min() * down)
        size = ((np.ptp(columns) + 1) * across, (np.ptp(rows) + 1) * down)
        np.testing.assert_allclose(rectangle(view, geometry, box), (*expected, *size), atol=1e-9)
        np.testing.assert_allclose(view.size_mm, (plane.shape[1] * across, plane.shape[0] * down))


def test_the_png_writer_writes_what_readers_read(tmp_path):
    import SimpleITK as sitk

    palette = np.array([(0, 0, 0), (255, 0, 0), (10, 200, 30)], np.uint8)
    indices = (np.arange(35).reshape(5, 7) % 3).astype(np.uint8)
    data = png_bytes(indices, palette)
    (tmp_path / "p.png").write_bytes(data)
    image = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "p.png")))
    np.testing.assert_array_equal(image[..., :3], palette[indices])
    position = 8
    while position < len(data):
        (size,) = struct.unpack(">I", data[position : position + 4])
        body = data[position + 4 : position + 8 + size]
        assert struct.unpack(">I", data[position + 8 + size : position + 12 + size])[0] == zlib.crc32(body)
        position += size + 12


def test_the_page_starts_with_what_is_wrong_and_needs_no_network(tmp_path, cli):
    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(5):
        save_nifti(folder / f"case-{n}.nii", index_phantom((20, 18, 24)) + min(n, 3), affine(signs=(-1, 1, 1)))
    save_nifti(folder / "no & affine.nii", index_phantom((20, 18, 24)) + 9, np.eye(4))
    (folder / "broken.nii").write_bytes(b"x" * 100)
    code, _, _ = cli("export", folder, "-o", tmp_path / "out", "--thickness", 10)
    assert code == 1
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "http" not in page.replace("http://www.w3.org", "")
    assert page.index("<b>broken</b>") < page.index("<h3>no &amp; affine</h3>") < page.index("<h3>case-3</h3>")
    assert page.count("data:image/png;base64,") == 3 * 6
    assert "The affine is the identity" in page
    assert page.index("Same voxels as case-4") < page.index("<h3>case-0</h3>")


def manifest_of(case):
    geometry = VolumeGeometry((8, 9, 10), affine())
    box = Box((0, 0, 0), (8, 9, 10))
    slab = SlabRecord(0, f"images/{case}_slab-000.nii.gz", {}, box, geometry, "0" * 64, {}, True, {"min": 0.0})
    plan = PlanRecord(axis="axial", index_axis="k", numbered="I to S", thickness=10)
    return Manifest(case, SourceRecord(f"../{case}.nii.gz", geometry, case, "int16"), plan, (slab,))


@pytest.mark.parametrize(("cases", "linked"), [(50, False), (51, True)])
def test_pictures_of_many_cases_lie_beside_the_page(tmp_path, cases, linked):
    names = [f"case {n} #é" for n in range(cases)]
    for name in names:
        (tmp_path / name / "preview").mkdir(parents=True)
        (tmp_path / name / "preview" / "axial.png").write_bytes(PNG)
    (tmp_path / names[1] / "preview" / "coronal.png").symlink_to(tmp_path / names[0] / "preview" / "axial.png")
    listed = [ListedManifest(manifest_of(name), name, "training", {}) for name in names]
    page = summary_texts(tmp_path, listed)[tmp_path / "report.html"]
    sources = re.findall(r'loading="lazy" src="([^"]+)"', page)
    assert len(sources) == cases
    if linked:
        assert all((tmp_path / unquote(source)).read_bytes() == PNG for source in sources)
        assert len(page) < 20_000_000 / 5000 * cases + 20_000
    else:
        assert all(source.startswith("data:image/png;base64,") for source in sources)
