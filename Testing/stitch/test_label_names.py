"""Names and colours of stitched labels: the manifest's, or those beside the predictions."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from slab_exporter.core.segments.layers import Member
from slab_exporter.stitch.label_names import channel_names, label_names

NNUNET = {"labels": {"background": 0, "liver": 1, "tumour": 2}}


def manifest(**sets):
    """Of a case with label sets: names by value, colours by value."""
    records = {
        name: SimpleNamespace(segments=tuple(names.items()), colours=tuple(colours.items()))
        for name, (names, colours) in sets.items()
    }
    return SimpleNamespace(label_sources=records)


def stated(folder, document):
    (folder / "dataset.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return folder


def test_a_label_set_has_the_names_of_its_segments():
    case = manifest(organs=({2: "liver", 5: "spleen"}, {5: (1, 2, 3)}), other=({2: "wrong"}, {}))
    found = label_names(case, [2, 5, 7], label_set="organs")
    assert found == (Member("liver", 2), Member("spleen", 5, (1, 2, 3)), Member("Label 7", 7))


def test_predictions_have_the_names_of_the_export_that_name_all_values():
    case = manifest(a=({1: "lesion"}, {}), b=({1: "liver", 2: "tumour"}, {1: (9, 9, 9)}))
    assert [one.name for one in label_names(case, [1, 2])] == ["liver", "tumour"]
    assert [one.name for one in label_names(case, [1])] == ["lesion"]
    assert [one.name for one in label_names(case, [1, 3])] == ["Label 1", "Label 3"]
    first = manifest(a=({1: "lesion"}, {}), labels=({1: "organ"}, {}))
    assert [one.name for one in label_names(first, [1])] == ["organ"]


@pytest.mark.parametrize("document", [NNUNET, {"labels": {"0": "background", "1": "liver", "2": "tumour"}}])
def test_the_dataset_json_beside_predictions_comes_first(tmp_path, document):
    case = manifest(labels=({1: "liver", 2: "cyst"}, {1: (9, 9, 9), 2: (8, 8, 8)}))
    found = label_names(case, [1, 2], predictions=stated(tmp_path, document))
    assert found == (Member("liver", 1, (9, 9, 9)), Member("tumour", 2))  # the cyst's colour is not the tumour's


def test_names_of_renumbered_labels_stand_at_the_values_of_the_source(tmp_path):
    folder = stated(tmp_path, NNUNET | {"slab_exporter": {"source_values": {"1": 7, "2": 300}}})
    assert [(one.value, one.name) for one in label_names(manifest(), [7, 300], predictions=folder)] == [
        (7, "liver"),
        (300, "tumour"),
    ]


@pytest.mark.parametrize("document", ["{", "[]", '{"labels": 5}', '{"labels": {"a": [1, 2], "b": -1, "1": null}}'])
def test_a_damaged_dataset_json_names_nothing(tmp_path, document):
    assert label_names(manifest(), [1], predictions=stated(tmp_path, document)) == (Member("Label 1", 1),)
    assert label_names(manifest(), [1], predictions=tmp_path / "nothing") == (Member("Label 1", 1),)


def test_channels_are_classes_with_the_background_or_regions_without(tmp_path):
    folder = stated(tmp_path, NNUNET)
    assert channel_names(3, folder) == ("background", "liver", "tumour")
    assert channel_names(2, folder) == ("liver", "tumour")
    assert channel_names(4, folder) == ("channel 0", "channel 1", "channel 2", "channel 3")
    assert channel_names(2, None) == ("channel 0", "channel 1")
