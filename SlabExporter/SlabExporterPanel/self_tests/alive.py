"""The self-test's cases on the window while it works: repainted, cancelled, surprised; part of SlabExporterTest."""

import os
import time

import qt
import slicer

# Voxels of the volume that is exported; SLABEXPORTER_ALIVE=512x512x600 for what is promised.
SIZE = os.environ.get("SLABEXPORTER_ALIVE", "192x192x96")
# Repainted four times a second at least, and stopped within half a second.
LONGEST_GAP_SECONDS, CANCEL_SECONDS = 0.25, 0.5


class Heartbeat:
    """A timer of 50 ms of the window's own, which notes when it was due and came."""

    def __init__(self):
        self.times, self._timer = [], qt.QTimer()
        self._timer.setInterval(50)
        self._timer.connect("timeout()", lambda: self.times.append(time.monotonic()))

    def __enter__(self):
        self.times.append(time.monotonic())
        self._timer.start()
        return self

    def __exit__(self, *_):
        self._timer.stop()
        self.times.append(time.monotonic())

    @property
    def longest_gap(self):
        """Seconds between one beat and the next."""
        return max(b - a for a, b in zip(self.times, self.times[1:], strict=False))

    @property
    def summary(self):
        """The numbers, for people."""
        gaps = sorted(b - a for a, b in zip(self.times, self.times[1:], strict=False))
        return (
            f"{self.times[-1] - self.times[0]:.1f} s, {len(gaps)} beats, longest gap {gaps[-1]:.3f} s, "
            f"median {gaps[len(gaps) // 2]:.3f} s"
        )


class AliveTests:
    """Exports and stitches of one volume, looked at from the window."""

    def test_the_window_is_repainted_while_slabs_are_exported(self):
        """A volume from a file, with a label map that was never saved."""
        self._chooseLarge()
        for fileFormat in ("nii.gz", "dicom"):
            self.settings.outputFolder = str(self.folder / fileFormat)
            self.settings.fileFormat = type(self.settings.fileFormat)(fileFormat)
            self.panel.refresh()
            with Heartbeat() as heart:
                self.panel.ui.exportButton.click()
            print(f"{SIZE} as {fileFormat}: {heart.summary}")
            self.assertIn("verified", self.panel.ui.statusLabel.text)
            self.assertLess(heart.longest_gap, LONGEST_GAP_SECONDS)

    def _chooseLarge(self):
        """Choose a volume of the promised size, loaded from a file, with a label map."""
        import numpy as np
        from slab_exporter.core.geometry import VolumeGeometry
        from slab_exporter.core.volume import SourceVolume
        from slab_exporter.mrml.runtime import open_runtime
        from slab_exporter.volumes.writing import write_volume

        i, j, k = map(int, SIZE.split("x"))
        path = self.folder / "in" / "large.nii.gz"
        noise = np.random.default_rng(7).integers(-40, 40, (16, j, i), np.int16)
        planes = np.arange(k, dtype=np.int16)[:, None, None] % 200 - 100
        voxels = np.ascontiguousarray((noise[np.arange(k) % 16] + planes).astype(np.int16))
        geometry = VolumeGeometry((i, j, k), np.diag([-0.7, -0.7, 1.0, 1.0]))
        with open_runtime() as runtime:
            write_volume(runtime, SourceVolume("large", None, "", geometry, voxels), path)
        volume = slicer.util.loadVolume(str(path))
        labels = slicer.modules.volumes.logic().CreateAndAddLabelVolume(slicer.mrmlScene, volume, "large labels")
        slicer.util.updateVolumeFromArray(labels, (voxels > 20).astype(np.uint8))
        self.settings.volume, self.settings.labels = volume, [labels]
        self.settings.thickness = 64 if k >= 256 else 16
        self.panel.refresh()
