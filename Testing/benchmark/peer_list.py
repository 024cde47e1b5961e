"""Everything that is measured: its name, what it needs, and the command that runs it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

PEERS_FOLDER = Path(__file__).parent / "peers"
OURS, OURS_UNVERIFIED, FLOOR = "ours", "ours-no-verify", "floor"


@dataclass(frozen=True)
class Peer:
    """One way to cut volumes into slabs."""

    name: str
    title: str
    imports: tuple[str, ...]
    script: str | None = None
    options: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The modules that are not installed."""
        return [module for module in self.imports if find_spec(module) is None]

    @property
    def writes_manifest(self) -> bool:
        return self.script is None

    def command(self, volumes: list[Path], out: Path) -> list[str]:
        """Return the command that exports all volumes into OUT, one folder a case."""
        files = [str(volume) for volume in volumes]
        if self.script is None:
            module = [sys.executable, "-m", "slab_exporter", "export"]
            return [*module, *files, "-o", str(out), *self.options]
        return [sys.executable, str(PEERS_FOLDER / self.script), str(out), *files]


PEERS = (
    Peer(FLOOR, "floor: igzip, one thread", ("isal",), "floor.py"),
    Peer(OURS, "**SlabExporter, verified**", ("slab_exporter",)),
    Peer(
        OURS_UNVERIFIED,
        "SlabExporter `--no-verify`",
        ("slab_exporter",),
        options=("--no-verify",),
    ),
    Peer("expert", "ten lines by hand: nibabel's header, igzip", ("nibabel", "isal"), "expert.py"),
    Peer("nibabel", "nibabel, decoded once, `.slicer`", ("nibabel",), "nibabel_slicer.py"),
    Peer("nibabel-lazy", "nibabel `.slicer` on the file", ("nibabel",), "nibabel_lazy.py"),
    Peer("simpleitk", "SimpleITK", ("SimpleITK",), "simpleitk.py"),
    Peer("cropvolume", "CropVolume + Slicer's save", ("slicer",), "crop_volume.py"),
    Peer("torchio", "TorchIO GridSampler", ("torchio",), "torchio_grid.py"),
    Peer("monai", "MONAI GridPatch", ("monai", "nibabel"), "monai_grid.py"),
    Peer(
        "dicom-road",
        "NIfTI → DICOM → dicom2nifti",
        ("nibabel", "pydicom", "dicom2nifti"),
        "dicom_road.py",
    ),
)
