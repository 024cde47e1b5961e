"""Numbers, texts and identifiers as DICOM wants them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slab_exporter.core.errors import InputError, RequestError
from slab_exporter.dicom.uids import is_valid_uid, pseudonym, stable_uid
from slab_exporter.dicom.writing.encoding import decimal_string, encoded, file_meta, joined, text_element
from slab_exporter.dicom.writing.stored_form import stored_form


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_decimal_strings_fit_and_are_as_near_as_sixteen_characters_allow(value):
    text = decimal_string(value)
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, rel=1e-8, abs=1e-300)


@given(st.floats(min_value=-5000, max_value=5000))
def test_positions_keep_ten_decimals_or_nearly(value):
    assert abs(float(decimal_string(value)) - value) < 1e-8


@given(st.text(), st.integers())
def test_identifiers_are_valid_and_repeat(text, number):
    uid = stable_uid(text, number)
    assert is_valid_uid(uid)
    assert pydicom.uid.UID(uid).is_valid
    assert uid == stable_uid(text, number) != stable_uid(text, number + 1)
    assert len(pseudonym(text)) == 15


@pytest.mark.parametrize("uid", ["", "0.0.1", "1", "1..2", "1.02", "1.2." + "3" * 64, "1.2.a", "3.1"])
def test_invalid_identifiers_are_known(uid):
    assert not is_valid_uid(uid)


def test_pydicom_reads_what_is_joined():
    common = pydicom.Dataset()
    common.PatientName, common.Rows, common.SOPInstanceUID = "Ä^Ö", 3, "1.2.3"
    common.SpecificCharacterSet = "ISO_IR 192"
    own = {0x00080018: text_element(0x00080018, "UI", "1.2.34")}
    content = file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.34", "1.2.5", "TEST") + joined((encoded(common), own))
    found = pydicom.dcmread(BytesIO(content))
    assert (str(found.PatientName), found.Rows, found.SOPInstanceUID) == ("Ä^Ö", 3, "1.2.34")
    assert found.file_meta.MediaStorageSOPInstanceUID == "1.2.34"


@given(
    st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=20),
    st.integers(-70000, 70000) | st.none(),
)
def test_whole_numbers_come_back_exactly_or_are_refused(numbers, fill):
    values = np.array(numbers, np.int64).reshape(-1, 1, 1)
    try:
        form = stored_form(values, fill, False, "x")
    except InputError:
        ends = [*numbers, *([] if fill is None else [fill])]
        assert max(ends) - min(ends) > 65535
        return
    np.testing.assert_array_equal(form.values(form.stored(values)), values)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=20))
def test_rounding_keeps_within_what_is_stated(numbers):
    values = np.array(numbers, np.float32).reshape(-1, 1, 1)
    form = stored_form(values, None, True, "x")
    error = np.abs(form.values(form.stored(values)) - values.astype(np.float64)).max()
    assert error <= form.largest_error
    rounding = 1e-14 * float(np.abs(values).max())
    assert form.largest_error <= max((values.max() - values.min()) / 65534, 1e-12) + rounding


def test_texts_that_dicom_cannot_hold_are_refused():
    from slab_exporter.core.options import DicomOptions

    for options in ({"patient_name": "a" * 65}, {"patient_id": "a\\b"}, {"modality": "ct"}):
        with pytest.raises(RequestError):
            DicomOptions(**options)
