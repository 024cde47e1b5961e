"""The road that went wrong, made safe: NIfTI -> DICOM slabs -> back by four readers, in all 48 orientations."""

from __future__ import annotations

import json
import subprocess

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from slab_exporter.cases.find import Case
from slab_exporter.core.options import ExportRequest, SlabOptions
from slab_exporter.export.from_files import export_cases
from support.dicom_tools import require_package, require_program
from support.phantoms import SIGNED_PERMUTATIONS, affine, index_phantom, save_nifti
from support.physical import assert_lies_in, nifti

SHAPE = (7, 9, 12)
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture(scope="module", params=[0.0, 20.0], ids=["straight", "oblique"])
def exported(tmp_path_factory, request):
    """(case name -> source, slab folder -> case name) of one volume in all orientations."""
    folder = tmp_path_factory.mktemp("road")
    cases = []
    for n, (axes, signs) in enumerate(SIGNED_PERMUTATIONS):
        path = save_nifti(
            folder / f"case{n}.nii", index_phantom(SHAPE) // 20 - 500, affine(axes, signs, oblique=request.param)
        )
        cases.append(Case(path.stem, path, {}))
    options = ExportRequest(slabs=SlabOptions(thickness=5), format="dicom")
    result = export_cases(cases, folder / "out", options)
    assert not result.failures
    sources = {case.name: nifti(case.image) for case in cases}
    slabs = {slab: slab.parts[-3] for slab in sorted((folder / "out").glob("*/images/*")) if slab.is_dir()}
    assert len(slabs) > 96
    return sources, slabs


def test_simpleitk(exported):
    sources, slabs = exported
    for folder, case in slabs.items():
        image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
        matrix[:3, 3] = image.GetOrigin()
        assert_lies_in((sitk.GetArrayFromImage(image).transpose(2, 1, 0), LPS @ matrix), sources[case])


def test_slicers_own_reader(exported, runtime):
    from slab_exporter.mrml.nodes import node_geometry, temporary_nodes, voxels_kji

    sources, slabs = exported
    for folder, case in slabs.items():
        with temporary_nodes(runtime.scene) as nodes:
            node = runtime.scene.AddNode(runtime.classes.vtkMRMLScalarVolumeNode())
            storage = runtime.scene.AddNode(runtime.classes.vtkMRMLVolumeArchetypeStorageNode())
            nodes += [node, storage]
            storage.SetSingleFile(False)
            paths = sorted(folder.iterdir())
            storage.SetFileName(str(paths[0]))
            for path in paths:
                storage.AddFileName(str(path))
            assert storage.ReadData(node)
            values = np.array(voxels_kji(node)).transpose(2, 1, 0)
            assert values.size == len(paths) * values.shape[0] * values.shape[1]
            assert_lies_in((values, node_geometry(node).affine_ras), sources[case])


def test_dcm2niix(exported, tmp_path):
    program = require_program("dcm2niix", "dcm2niix")
    sources, slabs = exported
    root = next(iter(slabs)).parents[2]
    subprocess.run(
        [program, "-b", "n", "-d", "9", "-f", "%j", "-o", str(tmp_path), str(root)], check=True, capture_output=True
    )
    import pydicom

    missing = []
    for folder, case in slabs.items():
        header = pydicom.dcmread(sorted(folder.iterdir())[0], stop_before_pixels=True)
        path = tmp_path / f"{header.SeriesInstanceUID}.nii"
        if not path.is_file():
            missing.append(folder)
            continue
        values, matrix = nifti(path)
        assert values.size == len(list(folder.iterdir())) * header.Rows * header.Columns
        assert_lies_in((values, matrix), sources[case])
    assert not missing


def test_dicom2nifti(exported, tmp_path):
    dicom2nifti = require_package("dicom2nifti")
    sources, slabs = exported
    read = 0
    for folder, case in slabs.items():
        if len(list(folder.iterdir())) <= 3:  # it refuses those
            continue
        path = tmp_path / f"{folder.name}.nii"
        dicom2nifti.dicom_series_to_nifti(str(folder), str(path), reorient_nifti=False)
        image = nib.load(path)
        assert_lies_in((np.asanyarray(image.dataobj), image.affine), sources[case])
        read += 1
    assert read > 90


def test_our_own_reader(exported, tmp_path, run_cli):
    sources, slabs = exported
    root = next(iter(slabs)).parents[2]
    code, _, error = run_cli("export", root / "case17" / "images", "-o", tmp_path / "again", "--thickness", 100)
    assert code == 0, error
    manifests = sorted((tmp_path / "again").glob("*/manifest.json"))
    assert len(manifests) == sum(case == "case17" for case in slabs.values())
    for path in manifests:
        for slab in json.loads(path.read_text())["slabs"]:
            assert_lies_in(nifti(path.parent / slab["image"]), sources["case17"])
