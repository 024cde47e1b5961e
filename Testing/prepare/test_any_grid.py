"""Any small volume, any orientation and spacing: what must hold of every prepared grid and of its values."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from slab_exporter.core.geometry import VolumeGeometry
from slab_exporter.core.options import PrepareOptions
from slab_exporter.core.steps.codes import ORIENTATIONS
from slab_exporter.core.volume import SourceVolume
from slab_exporter.prepare.preparation import preparation_of, recorded_preparation
from slab_exporter.prepare.resampled import nearest
from support.phantoms import SIGNED_PERMUTATIONS, affine

SIZES = st.floats(0.25, 8, allow_subnormal=False)
VOLUMES = st.builds(
    VolumeGeometry,
    st.tuples(*[st.integers(2, 9)] * 3),
    st.builds(
        lambda order, spacing, origin, oblique: affine(*order, spacing, origin, oblique),
        st.sampled_from(SIGNED_PERMUTATIONS),
        st.tuples(SIZES, SIZES, SIZES),
        st.tuples(*[st.floats(-900, 900)] * 3),
        st.floats(0, 44),
    ),
)


@settings(max_examples=120, deadline=None)
@given(VOLUMES, st.sampled_from((None, *ORIENTATIONS)), st.tuples(*[st.floats(0.3, 3)] * 3), st.integers(0, 2**32 - 1))
def test_what_holds_of_every_grid(geometry, code, factors, seed):
    kept = None if code is None else preparation_of(geometry, PrepareOptions(code)).grid
    spacing = tuple(float(f * s) for f, s in zip(factors, (kept or geometry).spacing, strict=True))
    preparation = preparation_of(geometry, PrepareOptions(code, spacing))
    turned, grid = preparation.oriented, preparation.grid
    assert code in (None, grid.orientation)
    np.testing.assert_allclose(grid.spacing, spacing, rtol=1e-4)
    # the first face stays, the last lies within half a voxel of where it was, and every centre lies inside
    np.testing.assert_allclose(grid.ras((-0.5,) * 3), turned.ras((-0.5,) * 3), atol=1e-9)
    missing = np.array(turned.shape_ijk) * turned.spacing - np.array(grid.shape_ijk) * grid.spacing
    assert np.all(
        np.abs(missing) <= np.maximum(grid.spacing / 2, (np.array(grid.shape_ijk) == 1) * grid.spacing) + 1e-3
    )
    last = turned.ijk(grid.ras(np.array(grid.shape_ijk) - 1))
    assert np.all(last < np.array(turned.shape_ijk) - 0.5) or 1 in grid.shape_ijk
    recorded_preparation(geometry, preparation.record)
    rng = np.random.default_rng(seed)
    values = rng.integers(-1000, 1000, geometry.shape_ijk[::-1]).astype(np.int16)
    made = preparation.image(SourceVolume("ct", None, "", geometry, values))
    assert made.voxels_kji.shape == grid.shape_ijk[::-1]
    assert values.min() <= made.voxels_kji.min()
    assert made.voxels_kji.max() <= values.max()
    labels = rng.integers(0, 4, geometry.shape_ijk[::-1]).astype(np.uint8)
    cut = preparation.label(SourceVolume("labels", None, "", geometry, labels)).voxels_kji
    assert set(np.unique(cut)) <= set(np.unique(labels))
    if max(factors) < 1:
        back = nearest(cut, np.linalg.inv(preparation.matrix), turned.shape_ijk, ties_down=False)
        order = preparation.record.order
        expected = labels if order is None else order.arranged(labels.T, turned.shape_ijk).T
        np.testing.assert_array_equal(back, expected)
