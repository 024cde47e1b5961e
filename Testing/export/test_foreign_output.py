"""An output folder that holds somebody else's files is left as it is."""

from __future__ import annotations

import pytest
from slab_exporter.core.errors import OutputError
from slab_exporter.export.output_folder import refuse_other_content


def test_a_shard_refuses_a_folder_that_is_not_of_an_export(tmp_path, data_set, cli):
    (tmp_path / "out" / "photos").mkdir(parents=True)
    (tmp_path / "out" / "photos" / "cat.jpg").write_bytes(b"x")
    code, _, err = cli("export", data_set, "-o", tmp_path / "out", "--thickness", 8, "--shard", "1/2", "--quiet")
    assert (code, err.count("\n")) == (2, 1), err
    assert "holds photos, which is not of an export" in err


def test_a_shard_accepts_what_killed_shards_leave(tmp_path):
    (tmp_path / "a" / "images").mkdir(parents=True)
    (tmp_path / "a" / "images" / "a_slab-000.nii.gz").touch()
    (tmp_path / "b" / ".partial").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "manifest.json").write_text('{"schema": "slab-exporter/1"}')
    refuse_other_content(tmp_path, resume=False, overwrite=False, shard=True)


@pytest.mark.parametrize("name", ["slabs.csv", "errors.csv", "dataset.json", "report.html"])
@pytest.mark.parametrize("how", [{"resume": True}, {"resume": False}, {"resume": False, "shard": True}])
def test_a_users_own_file_with_the_name_of_a_summary_is_not_replaced(tmp_path, name, how):
    (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match="would be replaced"):
        refuse_other_content(tmp_path, overwrite=False, **how)
    refuse_other_content(tmp_path, resume=False, overwrite=True)


def test_a_shard_does_not_point_to_a_table_that_it_does_not_write(data_set, tmp_path, cli):
    (data_set / "volume-0.nii.gz").write_bytes(b"x")
    code, text, _ = cli("export", data_set, "-o", tmp_path / "out", "--thickness", 8, "--shard", "1/2")
    assert code == 1
    assert "1 failed:" in text
