"""The self-test's cases on the window while it works: repainted, cancelled, surprised; part of SlabExporterTest."""

import os
import time
from contextlib import contextmanager
from pathlib import Path

import qt
import slicer

# Voxels of the volume that is exported. With SLABEXPORTER_ALIVE=512x512x600 in the environment what is promised is
# measured: repainted four times a second at least, and stopped within half a second. A machine that is busy with
# something else is given twice the time.
SIZE = os.environ.get("SLABEXPORTER_ALIVE", "192x192x96")
LONGEST_GAP_SECONDS, CANCEL_SECONDS = (0.25, 0.5) if "SLABEXPORTER_ALIVE" in os.environ else (0.5, 1.0)


class Heartbeat:
    """A timer of 50 ms of the window's own, which notes when it was due and came."""

    def __init__(self, what):
        self.times, self._what, self._timer = [], what, qt.QTimer()
        self._timer.setInterval(50)
        self._timer.connect("timeout()", self._beat)

    def _beat(self):
        self.times.append(time.monotonic())

    def __enter__(self):
        self._beat()
        self._timer.start()
        return self

    def stop(self):
        """End here; what follows is Slicer's own affair."""
        if self._timer.isActive():
            self._timer.stop()
            self._beat()

    def __exit__(self, *_):
        self.stop()
        print(f"{SIZE}, {self._what}: {self.summary}")

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

    def test_the_window_is_repainted_while_slabs_are_exported_and_stitched(self):
        """A volume from a file, with a label map that was never saved."""
        self._chooseLarge()
        ui = self.panel.ui
        for fileFormat in ("nii.gz", "dicom"):
            self._chooseFormat(fileFormat)
            with Heartbeat(f"export as {fileFormat}") as heart:
                ui.exportButton.click()
            self.assertIn("verified", ui.statusLabel.text)
            self.assertLess(heart.longest_gap, LONGEST_GAP_SECONDS)
            ui.stitchSection.collapsed = False
            self.settings.stitchManifest = str(self.folder / fileFormat / "large" / "manifest.json")
            self.settings.stitchOutput = str(self.folder / fileFormat / "back.nii.gz")
            self.panel.initializeParameterNode()
            with Heartbeat(f"stitch of {fileFormat}") as heart, self._stoppedWhenLoading(heart):
                ui.stitchButton.click()
            self.assertIn("loaded as a volume", ui.stitchStatusLabel.text)
            self.assertLess(heart.longest_gap, LONGEST_GAP_SECONDS)
            ui.stitchSection.collapsed = True

    @contextmanager
    def _stoppedWhenLoading(self, heart):
        """The result is loaded by Slicer, which is away meanwhile."""
        logic, load = self.panel.logic, self.panel.logic.loadStitched
        logic.loadStitched = lambda *args: (heart.stop(), load(*args))[1]
        try:
            yield
        finally:
            del logic.loadStitched

    def test_cancel_answers_within_half_a_second(self):
        """At any time: while files are read, packed and verified; nothing stays, in the folder or in the scene."""
        self._chooseLarge()
        for fileFormat in ("nii.gz", "dicom"):
            self._chooseFormat(fileFormat)
            began = time.monotonic()
            self.panel.ui.exportButton.click()
            whole = time.monotonic() - began
            nodes = slicer.mrmlScene.GetNumberOfNodes()
            for moment in (0.05, 0.2, 0.4, 0.7):
                out = self.folder / f"{fileFormat}-{moment}"
                self.settings.outputFolder = str(out)
                self.panel.refresh()
                took = self._cancelledAfter(moment * whole)
                if took is None:  # it was faster than before
                    continue
                print(f"{SIZE} as {fileFormat}: cancelled after {moment * whole:.2f} s, over {took:.3f} s later")
                self.assertLess(took, CANCEL_SECONDS)
                if (out / "large" / "manifest.json").is_file():  # all was written when it was pressed
                    self.assertIn("verified", self.panel.ui.statusLabel.text)
                    continue
                self.assertIn("Cancelled", self.panel.ui.statusLabel.text)
                self.assertEqual([path for path in out.rglob("*") if path.is_file()], [])
                self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)

    def _cancelledAfter(self, seconds):
        """Export, and press Cancel after so long; return how long it took to end, None where it had ended before."""
        pressed = []

        def press():
            pressed.append(time.monotonic())
            self.panel.ui.cancelButton.click()

        with _later(seconds, press):
            self.panel.ui.exportButton.click()
        return time.monotonic() - pressed[0] if pressed else None

    def test_whatever_the_user_does_meanwhile_is_safe(self):
        """Another volume is chosen, Export pressed again, the module left: the export is of what it began with."""
        other = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.volume, "Other")
        self.settings.thickness = 5
        self.panel.refresh()

        def meddle():
            self.assertTrue(self.panel.isBusy)
            for name in ("exportInputs", "slabsSection", "optionsSection", "filesSection", "stitchSection"):
                self.assertFalse(getattr(self.panel.ui, name).enabled)
            self.panel.ui.exportButton.click()
            self.panel.export.onExport()
            self.panel.stitch.onStitch()
            self.settings.volume = other
            self.settings.thickness = 50
            self.panel.exit()
            self.panel.enter()
            self.panel.exit()

        done = self._meanwhile(meddle)
        self.panel.enter()
        self.assertEqual(done, [True])
        self.assertEqual([path.name for path in self.out.iterdir() if path.is_dir()], ["Torso"])
        manifest = self.logic.loadManifest(self.out / "Torso", labels=False)
        self.assertEqual((len(manifest.slabs), manifest.source.geometry.shape_ijk), (30, (160, 120, 150)))
        self._assertSameVoxels(slicer.util.getNode("Torso_slab-011"), self.volume)

    def test_an_export_ends_with_what_it_needs(self):
        """Its volume or its labels are removed, or the main window is closed: nothing half written stays."""
        self.settings.thickness = 2
        self.settings.labels = [self.labels]
        self.panel.refresh()
        window = slicer.util.mainWindow()
        acts = [lambda: slicer.mrmlScene.RemoveNode(self.labels), lambda: slicer.mrmlScene.RemoveNode(self.volume)]
        for act in ([] if window is None else [window.hide]) + acts:
            self.assertTrue(self.panel.ui.exportButton.enabled)
            self.assertEqual(self._meanwhile(act), [True])
            if window is not None:
                window.show()
            self.assertFalse((self.out / "Torso").exists())
            self.assertFalse(self.panel.isBusy)
            self._wait()
        self.assertIn("Choose the volume", self.panel.ui.exportButton.toolTip)

    def test_a_volume_that_is_changed_meanwhile_is_not_exported(self):
        """Its slabs would be of two volumes. One that is read from its file is exported as it stands there."""
        self.settings.thickness = 2
        self.panel.refresh()
        self.assertEqual(self._meanwhile(lambda: slicer.util.arrayFromVolumeModified(self.volume)), [True])
        self.assertIn("75 verified", self.panel.ui.statusLabel.text)
        unsaved = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.volume, "Unsaved")
        self.settings.volume = unsaved
        self._wait()
        self.assertEqual(self._meanwhile(lambda: slicer.util.arrayFromVolumeModified(unsaved)), [True])
        self.assertIn("'Unsaved' was changed while it was being exported", self.panel.ui.statusLabel.text)
        self.assertFalse((self.out / "Unsaved").exists())

    def _meanwhile(self, act):
        """Export, and do something in the middle; return [True] if that was done."""
        done = []

        def inTheMiddle():
            if self.panel.isBusy and self.panel.ui.progressBar.value >= 20 and not done:
                done.append(True)
                act()

        with _later(0.02, inTheMiddle, once=False):
            self.panel.ui.exportButton.click()
        return done

    def test_loading_slabs_can_be_cancelled(self):
        """Between two files; what was loaded goes again."""
        self.settings.thickness = 10
        self.settings.labels = [self.labels]
        self.panel.refresh()
        ui = self.panel.ui
        ui.exportButton.click()
        before = slicer.mrmlScene.GetNumberOfNodes()
        qt.QTimer.singleShot(0, ui.cancelButton.click)
        ui.loadSlabsButton.click()
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)
        self.assertFalse(self.panel.isBusy)
        with Heartbeat("loading slabs"):
            ui.loadSlabsButton.click()
        self.assertEqual(len(slicer.util.getNodes("Torso_slab-*")), 30)
        self.assertFalse(ui.loadSlabsButton.isHidden())

    def test_memory_nodes_and_observers_stay_as_they_were(self):
        """Over twenty exports, of which some fail or are cancelled."""
        self.settings.labels = [self.labels]
        self.panel.refresh()
        used, nodes = [], slicer.mrmlScene.GetNumberOfNodes()
        for number in range(20):
            self.settings.outputFolder = str(self.folder / str(number))
            self.panel.refresh()
            if number % 5 == 4:
                self._cancelledAfter(0.1)
            else:
                self.panel.ui.exportButton.click()
                self.assertIn("5 verified", self.panel.ui.statusLabel.text)
            self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)
            used.append(_residentBytes())
        print(f"memory over 20 exports: {' '.join(f'{one / 1e6:.0f}' for one in used)} MB")
        volume = self.volume.GetImageData().GetActualMemorySize() * 1024
        self.assertLess(max(used[10:]) - max(used[:10]), 5 * volume)  # half a volume per export would be lost
        self.panel.exit()
        self.panel._timer.stop()
        for node in (self.volume, self.labels, self.settings.parameterNode):
            node.Modified()
        self.assertFalse(self.panel._timer.isActive())

    def _chooseFormat(self, fileFormat):
        self.settings.outputFolder = str(self.folder / fileFormat)
        self.settings.fileFormat = type(self.settings.fileFormat)(fileFormat)
        self.panel.refresh()

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


@contextmanager
def _later(seconds, act, once=True):
    """Within the block, do something after so long, or again and again."""
    timer = qt.QTimer()
    timer.setSingleShot(once)
    timer.setInterval(int(1000 * seconds))
    timer.connect("timeout()", act)
    timer.start()
    try:
        yield
    finally:
        timer.stop()


def _residentBytes():
    """Memory that this process holds; 0 where the system does not say so in a file."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
