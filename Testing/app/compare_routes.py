"""The same bytes from panel, console, launcher and command: a table, and exit code 0 or 1. Runs in Slicer.

Slicer --no-splash --testing --no-main-window --additional-module-paths SlabExporter
    --python-script Testing/app/compare_routes.py -- TABLE LAUNCHER COMMAND

TABLE is the file to write; LAUNCHER and COMMAND are what comes before "export ..." when the launcher's script and the
installed command are called, each as one argument. Volumes loaded from NIfTI (right-handed, left-handed, oblique) and
from Slicer's DICOM database, where there is one, are exported with a label map as NIfTI and as DICOM.

Equal are images and label maps: NIfTI once unpacked, since packers differ, and DICOM as it is, with its identifiers.
Of the manifests those entries are compared that must be equal: the source's check sum and geometry, and of each piece
all but its packed files' check sums.
"""

import gzip
import json
import shlex
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer

ROUTES = ("panel", "console", "launcher", "command")
FORMATS = ("nii.gz", "dicom")
SHAPE_KJI, SPACING, ORIGIN = (30, 20, 24), (0.8, 0.9, 2.5), (-12.5, 40.25, -310.0)
TURN = np.array([[0.96, 0.28, 0.0], [-0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])
TIP = np.array([[1.0, 0.0, 0.0], [0.0, 0.8, 0.6], [0.0, -0.6, 0.8]])
# Directions of the index axes in LPS.
DIRECTIONS = {
    "NIfTI, right-handed": np.diag([1.0, -1.0, -1.0]),
    "NIfTI, left-handed": np.diag([1.0, -1.0, 1.0]),
    "NIfTI, oblique": TURN @ TIP,
    "NIfTI, oblique left-handed": TURN @ TIP @ np.diag([-1.0, 1.0, 1.0]),
}
THICKNESS = 8


def write_nifti(path, array_kji, direction):
    """Write a volume with SimpleITK."""
    image = sitk.GetImageFromArray(array_kji)
    image.SetSpacing(SPACING)
    image.SetOrigin(ORIGIN)
    image.SetDirection(direction.ravel().tolist())
    sitk.WriteImage(image, str(path))


def labels_of(array_kji):
    """Return three labels of the values, none of them everywhere."""
    return (array_kji.astype(np.int32) // 37 % 3).astype(np.uint8)


def cases(folder):
    """Yield (title, path of the source, path of its label map, volume node, label map node)."""
    for title, direction in DIRECTIONS.items():
        image = folder / "in" / title.replace(", ", "-").replace(" ", "-") / "case.nii.gz"
        image.parent.mkdir(parents=True)
        values = np.random.default_rng(3).integers(-1000, 1500, SHAPE_KJI).astype(np.int16)
        write_nifti(image, values, direction)
        mask = image.with_name("mask.nii.gz")
        write_nifti(mask, labels_of(values), direction)
        slicer.mrmlScene.Clear()
        yield title, image, mask, slicer.util.loadVolume(str(image)), load_labels(mask)
    yield from dicom_cases(folder)


def dicom_cases(folder):
    """Yield the same for a series that Slicer's DICOM database loads; nothing where there is none."""
    from SlabExporterPanel.self_tests.dicom_series import write_series

    try:
        from DICOMLib import DICOMUtils
    except ImportError:
        return
    slicer.mrmlScene.Clear()
    series = folder / "in" / "series"
    write_series(series)
    with DICOMUtils.TemporaryDICOMDatabase(str(folder / "database")) as database:
        DICOMUtils.importDicom(str(series), database)
        (patient,) = database.patients()
        node = slicer.mrmlScene.GetNodeByID(DICOMUtils.loadPatientByUID(patient)[0])
        image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(series)))
        label = sitk.GetImageFromArray(labels_of(sitk.GetArrayFromImage(image)))
        label.CopyInformation(image)
        mask = folder / "in" / "series-mask.nii.gz"
        sitk.WriteImage(label, str(mask))
        yield "DICOM database", series, mask, node, load_labels(mask)


def load_labels(path):
    """Load a label map as Slicer does."""
    return slicer.util.loadVolume(str(path), {"labelmap": True, "show": False})


def by_panel(out, volume, mask, form):
    """Export as a click on Export does."""
    panel = slicer.modules.SlabExporterWidget
    panel.enter()
    settings = panel.logic.getParameterNode()
    settings.volume, settings.labels, settings.thickness = volume, [mask], THICKNESS
    settings.outputFolder, settings.fileFormat = str(out), type(settings.fileFormat)(form)
    panel.input.onNameEdited("case")
    panel.refresh()
    panel.ui.exportButton.click()
    if panel.export.outcome is None or not panel.export.outcome.is_whole:
        raise RuntimeError(f"The panel: {panel.ui.statusLabel.text or panel.ui.exportButton.toolTip}")


def by_console(out, volume, mask, form):
    """Export as a user of the Python console does."""
    from SlabExporter import SlabExporterLogic

    SlabExporterLogic().exportSlabs(volume, out, mask, thickness=THICKNESS, format=form, name="case")


def by_process(call, out, image, mask, form):
    """Export as the command line does."""
    listed = out.with_suffix(".csv")
    listed.write_text(f"case,image,label\ncase,{image},{mask}\n", encoding="utf-8")
    options = ["--thickness", str(THICKNESS), "--format", form, "--quiet"]
    done = subprocess.run([*shlex.split(call), "export", str(listed), "-o", str(out), *options], capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"{call} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}")


def contents(case):
    """Return what must be equal of a case folder, by name."""
    found = {}
    for path in sorted(p for p in case.rglob("*") if p.is_file()):
        name = path.relative_to(case).as_posix()
        if path.suffix == ".dcm":
            found[name] = path.read_bytes()
        elif path.name.endswith(".nii.gz"):
            found[name] = gzip.decompress(path.read_bytes())
    manifest = json.loads((case / "manifest.json").read_text(encoding="utf-8"))
    pieces = [{k: v for k, v in piece.items() if "sha256" not in k} for piece in manifest["slabs"]]
    source = {key: manifest["source"][key] for key in ("sha256", "shape_ijk", "affine_ras", "dtype", "orientation")}
    for name, value in (("source", source), ("plan", manifest["plan"]), ("slabs", pieces)):
        found[f"manifest: {name}"] = json.dumps(value, sort_keys=True).encode()
    return found


def compare(folder, launcher, command):
    """Yield a line for each volume and format; the first word is "equal" or "DIFFERENT"."""
    for number, (title, image, mask, volume, label) in enumerate(cases(folder)):
        for form in FORMATS:
            outs = {route: folder / f"{number}-{form}-{route}" for route in ROUTES}
            by_panel(outs["panel"], volume, label, form)
            by_console(outs["console"], volume, label, form)
            by_process(launcher, outs["launcher"], image, mask, form)
            by_process(command, outs["command"], image, mask, form)
            found = {route: contents(out / "case") for route, out in outs.items()}
            yield line(f"{title}, as {form}", found)


def line(title, found):
    """Return how many files of the routes are equal, and which are not."""
    names = sorted(set().union(*found.values()))
    differ = [name for name in names if len({found[route].get(name) for route in ROUTES}) > 1]
    images = sum(name.startswith("images/") for name in names)
    labels = sum(name.startswith("labels/") for name in names)
    counts = f"{images} image files, {labels} label files, {len(names) - images - labels} entries of the manifest"
    return f"{'DIFFERENT' if differ else 'equal'}\t{title}\t{counts}\t{', '.join(differ)}"


def main(table, launcher, command):
    """Write the table; return the exit code."""
    if not hasattr(slicer.modules, "SlabExporterWidget"):
        main.panel = slicer.modules.slabexporter.createNewWidgetRepresentation()
    lines = []
    with tempfile.TemporaryDirectory(prefix="SlabExporterRoutes") as folder:
        for text in compare(Path(folder), launcher, command):
            lines.append(text)
            Path(table).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if lines and all(text.startswith("equal") for text in lines) else 1


try:
    code = main(*sys.argv[1:])
except BaseException:  # Slicer would go on running
    traceback.print_exc()
    code = 1
slicer.util.exit(code)
