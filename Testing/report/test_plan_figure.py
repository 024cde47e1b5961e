"""The picture of a plan: boxes where they would be cut, in the report's colours; what is left out is grey."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import slab_exporter as se
from support.phantoms import affine, index_phantom, lopsided_phantom, save_nifti

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra 'pictures')")
SHAPE = (12, 10, 20)
GREY = "#9e9e9e"


@pytest.fixture
def ct(tmp_path):
    return save_nifti(
        tmp_path / "ct.nii.gz", index_phantom(SHAPE, "uint16"), affine(signs=(-1, 1, 1), spacing=(2.0, 2.0, 3.0))
    )


@pytest.fixture
def drawn(runtime, ct):
    """Draw a plan of the volume; gives the figure's three axes."""
    from matplotlib.figure import Figure
    from slab_exporter.report.plan_figure import draw_plan
    from slab_exporter.volumes.choice import FileChoice
    from slab_exporter.volumes.reading import open_volume

    return lambda plan: draw_plan(plan, open_volume(runtime, FileChoice(ct)), Figure()).axes


def boxes(axis) -> dict[str, list[tuple[float, float, float, float]]]:
    """Rectangles of a picture by their colour: left, top, width, height."""
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for patch in axis.patches:
        colour = matplotlib.colors.to_hex(patch.get_edgecolor())
        found.setdefault(colour, []).append((*patch.get_xy(), patch.get_width(), patch.get_height()))
    return found


def test_slabs_lie_where_they_would_be_cut(ct, drawn):
    axial, coronal, sagittal = drawn(se.plan(ct, thickness=8, overlap=2))
    # 20 slices of 3 mm, superior at the top: slab 0 is slices 0 to 8, so 12 slices below the top edge
    assert boxes(coronal) == {
        "#4dd0ff": [(0, 36, 24, 24)],
        "#ff7ad9": [(0, 18, 24, 24)],
        "#b6f35c": [(0, 0, 24, 24)],
    }
    assert [text.get_text() for text in coronal.texts] == ["0", "1", "2", "R", "L", "S", "I"]
    assert [text.get_text() for text in sagittal.texts[-4:]] == ["A", "P", "S", "I"]
    assert len(axial.patches) == 1  # slice 10 lies in slab 1 alone
    assert axial.texts[0].get_text() == "1"


def test_the_picture_beneath_is_the_middle_plane_as_radiologists_see_it(ct, drawn):
    picture = drawn(se.plan(ct, thickness=8))[1].images[0].get_array()
    plane = index_phantom(SHAPE, "uint16")[:, 5, ::-1].T  # i runs to the patient's left already, k falls
    assert picture.shape == plane.shape
    assert np.corrcoef(np.asarray(picture).ravel(), plane.ravel())[0, 1] > 0.99


def test_padded_blocks_reach_beyond_the_picture_and_those_left_out_are_grey(tmp_path, ct, drawn):
    organ = np.zeros(SHAPE, np.uint8)
    organ[2, 5, 10] = 1
    seg = save_nifti(tmp_path / "seg.nii.gz", organ, affine(signs=(-1, 1, 1), spacing=(2.0, 2.0, 3.0)))
    plan = se.plan(ct, block=(8, None, 20), remainder="pad", keep="labelled", labels=seg)
    assert [slab.index for slab in plan.slabs] == [1]  # numbered from the patient's left to the right
    coronal = drawn(plan)[1]
    assert boxes(coronal) == {GREY: [(8, 0, 16, 60)], "#ff7ad9": [(-8, 0, 16, 60)]}
    assert coronal.get_xlim() == (-8, 24)


def test_what_is_kept_is_what_export_writes(tmp_path):
    ct = save_nifti(tmp_path / "body.nii.gz", lopsided_phantom(SHAPE), affine())
    result = se.export(ct, tmp_path / "out", block=(6, 5, 10), keep="body", min_fraction=0.3)
    plan = se.plan(ct, block=(6, 5, 10), keep="body", min_fraction=0.3)
    assert plan.left_out == result.manifests[0].plan.left_out
    assert [slab.box for slab in plan.slabs] == [slab.box for slab in result.manifests[0].slabs]


def test_a_picture_is_written(ct, tmp_path):
    se.plan(ct, thickness=8, spacing=4).show(tmp_path / "plan.png")
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(se.OutputError, match=r"its name must end in \.png, \.svg or \.pdf\.$"):
        se.plan(ct, thickness=8).show(tmp_path / "plan.doc")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ct.nii.gz", "plan.png"]


def test_without_a_file_it_is_shown(ct, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.setattr(matplotlib, "get_backend", lambda: "agg")
    plt.switch_backend("agg")
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gcf().get_suptitle()))
    assert se.plan(ct, thickness=8).show() is None
    assert shown == ["12 x 10 x 20, LAS, 2 x 2 x 3 mm: 3 slabs of up to 8 slices along k, numbered I to S"]
    plt.close("all")


def test_without_matplotlib_a_sentence_says_so_before_anything_is_read(ct, monkeypatch):
    plan = se.plan(ct, thickness=8)
    ct.unlink()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(se.InputError, match=r"needs matplotlib, which is not installed: pip install matplotlib"):
        plan.show()
