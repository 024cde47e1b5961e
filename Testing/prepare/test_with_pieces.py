"""Oriented volumes with every other step: blocks, remainders, limits, what is left out; and back onto the source."""

from __future__ import annotations

from itertools import cycle, product

import nibabel as nib
import numpy as np
import pytest
import slab_exporter as se
from slab_exporter.core.manifest import read_manifest
from slab_exporter.core.steps.codes import ORIENTATIONS
from support.blocks import BLOCK, FILL, phantom
from support.phantoms import SIGNED_PERMUTATIONS, affine, save_nifti

ORIENTED = list(zip(cycle(ORIENTATIONS[3::11]), SIGNED_PERMUTATIONS[::5], strict=False))
LIMITS = ({}, {"keep": "labelled"}, {"crop_to": "labels", "margin": 1.2}, {"crop_to": "body"}, {"crop": True})


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_what_was_cut_comes_back_and_the_rest_is_filled(tmp_path, limit):
    image, labels = phantom()
    for n, ((remainder, overlap), (code, orientation)) in enumerate(
        zip(product(("keep", "pad", "shift", "balance"), (0, 1)), ORIENTED, strict=False)
    ):
        folder = tmp_path / str(n)
        folder.mkdir()
        place = affine(*orientation, oblique=15.0 * (n % 2))
        ct = save_nifti(folder / "ct.nii", image, place)
        organs = save_nifti(folder / "organs.nii", labels, place)
        shape = {} if "crop" in limit else {"block": BLOCK, "overlap": overlap, "remainder": remainder}
        result = se.export(ct, folder / "out", labels={"organs": organs}, orient=code, **shape, **limit)
        assert not result.failures, result.failures[0].error
        (report,) = se.verify(folder / "out")
        assert report.differences == ()
        cut = np.zeros(image.shape, bool)
        manifest = read_manifest(folder / "out" / "ct")
        for slab in manifest.slabs:
            inside = slab.box.intersection(manifest.geometry.box)
            ends = nib.affines.apply_affine(
                np.linalg.inv(place), manifest.geometry.ras([inside.start, np.array(inside.stop) - 1])
            )
            low, high = np.rint(ends.min(axis=0)).astype(int), np.rint(ends.max(axis=0)).astype(int)
            cut[tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))] = True
        for name, expected, fill in ((None, image, FILL), ("organs", labels, 0)):
            back = se.stitch(folder / "out" / "ct", folder / "back.nii", labels=name, grid="source", overwrite=True)
            found = nib.load(back.path)
            np.testing.assert_array_equal(np.asanyarray(found.dataobj), np.where(cut, expected, fill))
            np.testing.assert_array_equal(found.affine, nib.load(ct).affine)
        assert cut.all() == (limit in ({}, {"crop": True}))
        assert cut[labels > 0].all()
