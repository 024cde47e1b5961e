"""Sentences that mention options: one text, written for Python, for the command line and for files."""

from __future__ import annotations

import copy
import doctest
import json
import pickle

import pytest
from slab_exporter.core import errors, naming, text
from slab_exporter.core.errors import InputError, OutputError, RequestError, SlabExporterError
from slab_exporter.core.options import DicomOptions, ExportRequest, SeriesOptions, SlabOptions, dicom
from slab_exporter.core.text import Option, Sentence, as_stored, command_words, in_words

CHOICE = Sentence("Choose ", Option.to("remainder", "keep", "pad"), ", or add ", Option.on("overwrite"), ".")


@pytest.mark.parametrize("module", [text, errors, dicom, naming])
def test_examples_in_the_docstrings_are_right(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


def test_a_sentence_is_python_text_and_is_written_otherwise_on_request():
    assert CHOICE == "Choose remainder='keep' or 'pad', or add overwrite=True."
    assert json.loads(json.dumps([CHOICE])) == [str(CHOICE)]
    assert in_words(CHOICE, command_words) == "Choose --remainder keep or pad, or add --overwrite."
    assert in_words("braces {remainder} and -- are text", command_words) == "braces {remainder} and -- are text"
    assert as_stored([CHOICE, "plain"]) == ["Choose --remainder keep or pad, or add --overwrite.", "plain"]


@pytest.mark.parametrize(
    "joined", ["a.nii: " + CHOICE + " Then go on.", Sentence("a.nii: ", Sentence(CHOICE, " Then go on."))]
)
def test_sentences_keep_their_options_where_they_are_joined(joined):
    assert in_words(joined, command_words) == ("a.nii: Choose --remainder keep or pad, or add --overwrite. Then go on.")


def test_names_of_several_words_and_names_that_python_cannot_have():
    for option, typed in ((Option("new_uids"), "--new-uids"), (Option.to("kind", "ras"), "--from ras")):
        assert command_words(option) == typed


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_sentences_and_errors_go_from_process_to_process_whole(again):
    assert again(CHOICE).parts == CHOICE.parts
    error = again(OutputError("o.nii exists; ", Option.on("overwrite"), " replaces it.", option="fix"))
    assert type(error) is OutputError
    assert str(error) == "o.nii exists; overwrite=True replaces it."
    assert in_words(error.sentence, command_words) == "o.nii exists; --overwrite replaces it."
    assert error.option == "fix"


def test_an_error_knows_the_option_at_fault():
    assert InputError("v.nii is damaged.").option is None
    assert SlabExporterError("Leave ", Option("dask"), " or ", Option("jobs"), " out.").option == "dask"


@pytest.mark.parametrize(
    ("wrong", "option"),
    [
        (lambda: SlabOptions(thickness=0), "thickness"),
        (lambda: SlabOptions(thickness_mm=-1.0), "thickness_mm"),
        (lambda: SlabOptions(axis="up"), "axis"),
        (lambda: SlabOptions(overlap=-1), "overlap"),
        (lambda: SlabOptions(thickness=4, overlap=4), "overlap"),
        (lambda: SlabOptions(remainder="burn"), "remainder"),
        (lambda: SlabOptions(fill=float("inf")), "fill"),
        (lambda: ExportRequest(format="bmp"), "format"),
        (lambda: ExportRequest(nifti_transform="best"), "nifti_transform"),
        (lambda: ExportRequest(frame=-1), "frame"),
        (lambda: ExportRequest(dicom=DicomOptions(quantize=True)), "format"),
        (lambda: DicomOptions(modality="ct"), "modality"),
        (lambda: DicomOptions(patient_id="x" * 65), "patient_id"),
        (lambda: SeriesOptions(allow_uneven=0.0), "allow_uneven"),
    ],
)
def test_a_request_that_makes_no_sense_names_its_option(wrong, option):
    with pytest.raises(RequestError) as caught:
        wrong()
    assert caught.value.option == option
