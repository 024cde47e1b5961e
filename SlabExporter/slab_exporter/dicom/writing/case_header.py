"""Header that all DICOM slabs of one case have in common: class, identity, patient, study, stored form, window."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...core.options import LONGEST_TEXT, DicomOptions
from ...core.text import Option, Sentence
from ...core.volume import PREPARED, SourceVolume
from ..uids import is_valid_uid, pseudonym, stable_uid
from .attributes import TYPE_2C, SourceHeaders, copied, deidentify, mark_deidentified, require_deidentifier, states
from .classes import ALWAYS_PRESENT, COPIED, IDENTIFYING, LOSSY, UNPAIRED_PARTS, ImageClass, choose_class
from .descent import descent_warnings, drop_differing
from .encoding import decimal_string, shortened
from .equipment import add_equipment
from .image_grid import right_angle_warnings
from .stored_form import StoredForm, stored_form

# PS3.3 C.11.2: an abdominal window for CT; everything else gets one from its values.
_CT_WINDOW = (40.0, 400.0)
_SAMPLES = 100_000
_KEPT_UIDS = ("StudyInstanceUID", "FrameOfReferenceUID")


@dataclass(frozen=True)
class CaseHeader:
    """The common part of a case's series.

    Attributes:
        case: its name.
        image: the volume that is cut.
        options: what the user wants written.
        version: of SlabExporter.
        image_class: storage class of the slabs.
        modality: Modality.
        why: why those were chosen.
        form: how values are stored.
        content: what the case's UIDs depend on.
        attributes: patient, study, equipment (pydicom dataset), valid for every series.
        warnings: what the user should know of it.
        channel: which image of the case this is, where there are several; "" for the only one.
        first: header of the case's first image, for the further ones; None for the first.
    """

    case: str
    image: SourceVolume
    options: DicomOptions
    version: str
    image_class: ImageClass
    modality: str
    why: str
    form: StoredForm
    content: tuple[Any, ...]
    attributes: Any
    warnings: tuple[str, ...]
    channel: str = ""
    first: CaseHeader | None = None

    @property
    def has_source(self) -> bool:
        """Return whether the volume came from DICOM."""
        return self.image.dicom is not None

    @cached_property
    def study_uid(self) -> str:
        """The source's study, or one for this case."""
        return self._kept("StudyInstanceUID", "study")

    @cached_property
    def frame_of_reference_uid(self) -> str:
        """The source's frame of reference, or one for this case: slabs and labels line up in it."""
        return self._kept("FrameOfReferenceUID", "frame of reference")

    def uid(self, *parts: Any) -> str:
        """A UID of something in this case."""
        return stable_uid(self.options.uid_salt, self.content, *parts)

    def _kept(self, keyword: str, name: str) -> str:
        original = str(self._lowest_header.get(keyword, "")) if self.has_source else ""
        if not original or (keyword == "FrameOfReferenceUID" and not self.image.dicom.in_frame):
            return self.uid(name) if self.first is None else self.first._kept(keyword, name)
        if self.options.deidentify or not is_valid_uid(original):
            return stable_uid(self.options.uid_salt, name, original)
        return original

    @cached_property
    def _lowest_header(self) -> Any:
        """Of the volume's lowest plane: it depends neither on file names nor on other volumes of the series."""
        return SourceHeaders().read(self.image.dicom.lowest)

    @cached_property
    def lossy(self) -> Any:
        """Attributes of the source about lossy compression, for planes that are not images of it."""
        return copied(self._lowest_header, LOSSY)

    @cached_property
    def window(self) -> tuple[float, float]:
        """Return (centre, width) that all images of the case share."""
        if self.image.dicom is not None and self.image.dicom.window is not None:
            return self.image.dicom.window
        if self.modality == "CT":
            return _CT_WINDOW
        values = self.image.voxels_kji.reshape(-1)
        low, high = np.percentile(values[:: max(1, values.size // _SAMPLES)].astype(np.float64), (1, 99))
        return float(decimal_string((low + high) / 2)), max(1.0, float(decimal_string(high - low)))


def case_header(
    case: str,
    image: SourceVolume,
    fill: float | None,
    options: DicomOptions,
    version: str,
    channel: str = "",
    first: CaseHeader | None = None,
) -> CaseHeader:
    """Prepare the header of a case.

    Args:
        case: its name.
        image: the volume that is cut.
        fill: value of padding, None without padding.
        options: what to write.
        version: of SlabExporter, as the equipment that made the images.
        channel: which image of the case this is, where there are several.
        first: the first one's header, whose study, frame of reference and placeholders the others share.

    Raises:
        InputError: values that DICOM cannot hold.
        RequestError: a package is missing.
    """
    if options.deidentify:
        require_deidentifier()
    source = None if image.dicom is None else image.dicom.series.info
    image_class, modality, why = choose_class(
        options.modality,
        None if source is None else source.modality,
        None if source is None else source.sop_class,
        image.voxels_kji,
    )
    header = CaseHeader(
        case=case,
        image=image,
        options=options,
        version=version,
        image_class=image_class,
        modality=modality,
        why=why,
        form=stored_form(image.voxels_kji, fill, options.quantize, image.name),
        content=_content(case, image, options, version) + (() if first is None else ("channel", channel)),
        attributes=None,
        warnings=(),
        channel=channel,
        first=first,
    )
    attributes, warnings = _attributes(header)
    return replace(header, attributes=attributes, warnings=warnings)


def _content(case: str, image: SourceVolume, options: DicomOptions, version: str) -> tuple[Any, ...]:
    asked = {key: value for key, value in asdict(options).items() if key not in ("uid_salt", "segments")}
    made = {key: image.record.get(key) for key in ("resampled", "allow_uneven_mm")}
    made |= {key: image.record[key] for key in (PREPARED,) if key in image.record}
    # The check sum of a scene's voxels says nothing of where they lie.
    place = () if image.path is not None else (image.geometry.affine_ras.tolist(),)
    return (case, image.sha256, image.frame, image.nifti_transform, made, asked, version, *place)


def _attributes(header: CaseHeader) -> tuple[Any, tuple[str, ...]]:
    """Return (patient, study and equipment attributes, warnings about them)."""
    from pydicom import Dataset

    options, warnings = header.options, []
    attributes = Dataset()
    for keyword, value in {**ALWAYS_PRESENT, **header.image_class.defaults}.items():
        setattr(attributes, keyword, value)
    if header.has_source:
        # Where planes are images of the source, each brings its own technique.
        technique = () if header.image.dicom.planes else header.image_class.technique
        kept = copied(header._lowest_header, (*COPIED, *technique))
        drop_differing(kept, header.image, technique)
        if options.deidentify:
            deidentify(kept)
        _drop_empty(kept, (*ALWAYS_PRESENT, *TYPE_2C))
        attributes.update(kept)
        _complete_species(attributes)
        _drop_tilt(attributes, header.image)
        warnings += _identity_warnings(header._lowest_header, kept, options)
        warnings += _replaced_uids(header)
        warnings += descent_warnings(header.image, header.modality, options.modality is not None)
    else:
        _placeholders(attributes, header)
    _settle_laterality(attributes)
    _overrides(attributes, header)
    if options.deidentify:
        mark_deidentified(attributes)
    elif attributes.get("PatientIdentityRemoved") == "YES" and not attributes.get("DeidentificationMethod"):
        attributes.DeidentificationMethod = "Not stated by the source"  # type 1C, PS3.3 C.7.1.1
    add_equipment(attributes, header.has_source, header.version)
    if not header.form.is_exact:
        error = f": values are rounded to 16 bits; the largest error is {header.form.largest_error:.6g}."
        warnings.append(Sentence(Option.on("quantize"), error))
    warnings += right_angle_warnings(header.image.geometry)
    if header.image_class.name.startswith("Secondary"):
        warnings.append(Sentence(f"Written as Secondary Capture, modality {header.modality} (", header.why, ")."))
    return attributes, tuple(warnings)


def _drop_empty(dataset: Any, kept: Any) -> None:
    for element in list(dataset):
        if element.is_empty and element.keyword not in kept:
            del dataset[element.tag]


def _complete_species(attributes: Any) -> None:
    """Of an animal the slabs say no more than its species; the rest is type 2C (PS3.3 C.7.1.1, C.7.2.2)."""
    if attributes.get("PatientSpeciesDescription"):
        attributes.PatientSexNeutered = attributes.PatientBreedDescription = ""
        attributes.ResponsiblePerson = attributes.ResponsibleOrganization = ""
        attributes.PatientBreedCodeSequence = attributes.BreedRegistrationSequence = []


def _drop_tilt(attributes: Any, image: SourceVolume) -> None:
    """A resampled volume has no tilt any more."""
    if "resampled" in image.record and "GantryDetectorTilt" in attributes:
        del attributes.GantryDetectorTilt


def _settle_laterality(attributes: Any) -> None:
    """Type 2C: present, even if empty, unless the body part is stated and does not come in pairs (PS3.3 C.7.3.1)."""
    if str(attributes.get("BodyPartExamined") or "") in UNPAIRED_PARTS:
        attributes.pop("Laterality", None)
    elif not attributes.get("Laterality"):
        attributes.Laterality = ""


def _identity_warnings(source: Any, kept: Any, options: DicomOptions) -> list[str]:
    if options.deidentify:
        if str(kept.get("BurnedInAnnotation", "")) != "YES":
            return []
        burned = "The source says that text is burned into its pixels; "
        return [Sentence(burned, Option("deidentify"), " does not remove it.")]
    sentences: list[str] = []
    stated = [keyword for keyword in IDENTIFYING if str(kept.get(keyword) or "")]
    if stated:
        text = f"The slabs carry attributes that identify people ({', '.join(stated)}); "
        sentences.append(Sentence(text, Option("deidentify"), " leaves them out."))
    left = [keyword for keyword in IDENTIFYING if keyword not in kept and states(source, keyword)]
    if left:
        text = f"The source's {', '.join(left)} break the rules of DICOM (length, characters, number of values) and "
        others = Sentence(Option("patient_name"), " and ", Option("patient_id"))
        sentences.append(Sentence(text, "are left behind; ", others, " give others."))
    return sentences


def _replaced_uids(header: CaseHeader) -> list[str]:
    """Sentences about identifiers of the source that no image may have (PS3.5 9.1)."""
    if header.options.deidentify:
        return []
    stated = {keyword: str(header._lowest_header.get(keyword, "")) for keyword in _KEPT_UIDS}
    return [
        f"The source's {keyword} '{uid[:LONGEST_TEXT]}' is not a valid UID: the slabs have another, so that they do "
        "not lie beside their source in a viewer or archive."
        for keyword, uid in stated.items()
        if uid and not is_valid_uid(uid)
    ]


def _placeholders(attributes: Any, header: CaseHeader) -> None:
    """For a source that knows no patient: the case's name, and what the slabs are."""
    image = header.image if header.first is None else header.first.image
    name = pseudonym(image.sha256) if header.options.deidentify else header.case
    attributes.PatientName = attributes.PatientID = _line(name)
    if not header.options.deidentify and image.path is not None:
        attributes.StudyDescription = _line(f"Slabs of {Path(image.path).name}")


def _overrides(attributes: Any, header: CaseHeader) -> None:
    options = header.options
    if header.has_source and options.deidentify:
        attributes.PatientName = attributes.PatientID = pseudonym(header.study_uid)
    for keyword, value in (
        ("PatientName", options.patient_name),
        ("PatientID", options.patient_id),
        ("StudyDescription", options.study_description),
    ):
        if value is not None:
            setattr(attributes, keyword, value)


def _line(text: str) -> str:
    """A text that LO and PN can hold."""
    cleaned = "".join("_" if c in "\\^=" or ord(c) < 32 else c for c in text).strip()
    return shortened(cleaned, LONGEST_TEXT).strip()
