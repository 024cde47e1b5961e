"""Sequences in a scene: made of files, and looked at without being changed."""

from __future__ import annotations

import numpy as np
import pytest
from slab_exporter.core.several.index import FrameIndex
from slab_exporter.mrml.nodes import node_geometry, voxels_kji
from slab_exporter.mrml.sequence_nodes import add_sequence
from slab_exporter.mrml.sequences import held_frames, shown_frame
from slab_exporter.volumes.choice import FileVolume
from slab_exporter.volumes.reading import open_volume
from support.frames import frames_phantom, save_frames
from support.phantoms import affine
from support.scenes import held, node_count
from support.sequences import browsed, multi_volume, sequence_of

COUNT = 4


@pytest.mark.parametrize("signs", [(-1, 1, 1), (1, 1, 1)], ids=["LAS", "RAS"])
def test_frames_of_a_file_become_a_sequence_in_the_same_place(tmp_path, scene, runtime, signs):
    array, place = frames_phantom(COUNT), affine(signs=signs, oblique=12)
    volume = open_volume(runtime, FileVolume(save_frames(tmp_path / "bold.nii", array, place), frames="all"))
    before = node_count(scene)
    sequence = add_sequence(scene, volume, "bold")
    assert node_count(scene) == before + 1
    assert (sequence.GetIndexName(), sequence.GetIndexUnit()) == ("time", "s")
    assert [sequence.GetNthIndexValue(n) for n in range(COUNT)] == ["0.75", "3.25", "5.75", "8.25"]
    for n in range(COUNT):
        node = sequence.GetNthDataNode(n)
        found = node_geometry(node)
        assert found.is_right_handed
        for ijk in [(0, 0, 0), (8, 7, 10), (3, 2, 6)]:
            there = np.round(found.ijk(volume.geometry.ras(ijk))).astype(int)
            np.testing.assert_allclose(found.ras(there), volume.geometry.ras(ijk), atol=1e-4)
            assert voxels_kji(node)[tuple(there[::-1])] == array[(*ijk, n)]


@pytest.mark.parametrize(
    ("values", "index", "expected"),
    [
        (("0", "40", "90", "95"), ("TriggerTime", "ms"), None),
        (("0", "0.0004", "0.0008", "0.0012"), ("time", "s"), None),
        (("rest", "a", "b", "c"), ("phase", ""), None),
        (("7", "7", "8", "9"), ("TriggerTime", "ms"), ("frame", "", "0 1 2 3")),
    ],
)
def test_every_frame_gets_a_value_of_its_own(tmp_path, scene, runtime, values, index, expected):
    volume = open_volume(runtime, FileVolume(save_frames(tmp_path / "bold.nii", frames_phantom(COUNT)), frames="all"))
    sequence = add_sequence(scene, volume, "bold", FrameIndex(*index, values))
    found = [sequence.GetNthIndexValue(n) for n in range(sequence.GetNumberOfDataNodes())]
    name, unit, shown = expected or (*index, " ".join(values))
    assert (sequence.GetIndexName(), sequence.GetIndexUnit(), " ".join(found)) == (name, unit, shown)


def test_a_volume_of_its_own_has_no_frames(tmp_path, scene, runtime):
    array = frames_phantom(1)[..., 0]
    node = held(scene, array, affine(), "CT")
    assert held_frames(node) is None
    assert shown_frame(node) is None
    path = save_frames(tmp_path / "one.nii", frames_phantom(1))
    with pytest.raises(ValueError, match="holds no frames"):
        add_sequence(scene, open_volume(runtime, FileVolume(path)), "one")


def test_frames_are_views_of_what_the_scene_keeps(scene):
    arrays = [np.ascontiguousarray(frames_phantom(COUNT)[..., n]) for n in range(COUNT)]
    _, proxy = browsed(scene, sequence_of(scene, arrays, affine()))
    frames = held_frames(proxy)
    assert (frames.count, frames.shown) == (COUNT, 1)
    assert np.shares_memory(frames.voxels_kji(2), voxels_kji(frames.node(2)))
    several = held_frames(multi_volume(scene, arrays, affine()))
    assert (several.count, several.shown) == (COUNT, 0)
    for n in range(COUNT):
        np.testing.assert_array_equal(frames.voxels_kji(n).T, arrays[n])
        np.testing.assert_array_equal(several.voxels_kji(n).T, arrays[n])
    assert several.index == FrameIndex("TriggerTime", "ms", ("0.0", "40.0", "80.0", "120.0"))
    several.kept.SetAttribute("MultiVolume.FrameLabels", "0,1")
    assert several.index == FrameIndex("", "", ("0", "1", "2", "3"))
