"""A volume in a scene, and settings with which it can be exported."""

from __future__ import annotations

import pytest
from support.phantoms import affine, index_phantom
from support.scenes import held


@pytest.fixture
def volume(scene):
    return held(scene, index_phantom((9, 8, 23)), affine(), "CT")


@pytest.fixture
def settings(tmp_path):
    from SlabExporterPanel.settings import PanelSettings

    return PanelSettings(thickness=5, output=str(tmp_path / "out"))
