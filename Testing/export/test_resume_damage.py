"""What --resume keeps is as it was written."""

from __future__ import annotations

import pytest
from slab_exporter.core.errors import InputError
from slab_exporter.pipeline.slab_writer import require_own_names
from support.trees import tree


@pytest.mark.parametrize("content", [b"", b"x"])
def test_a_slab_that_is_not_as_it_was_written_is_made_again(data_set, tmp_path, cli, content):
    out = tmp_path / "out"
    assert cli("export", data_set, "-o", out, "--thickness", 8, "--quiet")[0] == 0
    before = tree(out)
    for slab in (out / "volume-1/images/volume-1_slab-001.nii.gz", out / "volume-2/labels/volume-2_slab-000.nii.gz"):
        slab.write_bytes(content)
    code, _, err = cli("export", data_set, "-o", out, "--thickness", 8, "--resume")
    assert code == 0
    assert err.count("is not as it was written: made again") == 2
    assert tree(out) == before


def test_label_sets_that_differ_in_case_only_are_refused():
    with pytest.raises(InputError, match="Two sets of files"):
        require_own_names(["liver", "Liver"])
    require_own_names(["liver", "tumour"])
