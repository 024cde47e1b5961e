"""Real scanner data: what can be read is exported and verified, what cannot gives its sentence."""

from __future__ import annotations

import pytest
from slab_exporter.cases.find import find_cases
from slab_exporter.core.options import REMAINDERS, ExportRequest, SlabOptions
from slab_exporter.export.from_files import export_cases
from slab_exporter.pipeline.verification import verify_export

SENTENCES = {
    "ct_ge_hispeed_tilt_variable_gap_sheared_sform": "18.5 degrees off a right angle",
    "S0_10slices": "degrees off a right angle",
    "avg152T1_LR_nifti2": "is NIfTI-2",
    "example_nifti2": "is NIfTI-2",
    "mr_siemens_vida_enhanced": "frame=0 to 3",
    "example4d": "frame=0 to 1",
    "functional": "frame=0 to 19",
    "series": "frame=0 to 9",
}


@pytest.mark.parametrize("remainder", REMAINDERS)
def test_every_volume_exports_and_verifies_or_says_why_not(real_data, tmp_path, remainder):
    inputs = [p for folder in ("nifti", "dicom_ref") for p in sorted((real_data / folder).rglob("*.nii*"))]
    cases = find_cases(inputs, [])
    request = ExportRequest(slabs=SlabOptions(thickness=3, remainder=remainder))
    result = export_cases(cases, tmp_path, request)
    failures = {f.case: str(f.error) for f in result.failures}
    assert failures.keys() == SENTENCES.keys()
    for case, words in SENTENCES.items():
        assert words in failures[case]
    assert len(result.manifests) == len(cases) - len(SENTENCES)
    assert [text for report in verify_export(tmp_path) for text in report.differences] == []
