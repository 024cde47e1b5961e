"""Attributes of the equipment that made an image (PS3.3 C.12.1.1.5)."""

from __future__ import annotations

from typing import Any


def add_equipment(attributes: Any, has_source: bool, version: str) -> None:
    """Add who made the images: the scanner with SlabExporter as a contributor, or SlabExporter alone."""
    from pydicom import Dataset
    from pydicom.sequence import Sequence

    if not has_source:
        attributes.Manufacturer = attributes.ManufacturerModelName = "SlabExporter"
        attributes.SoftwareVersions = version
        return
    purpose, equipment = Dataset(), Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = "109103", "DCM", "Modifying Equipment"
    equipment.PurposeOfReferenceCodeSequence = Sequence([purpose])
    equipment.Manufacturer = equipment.ManufacturerModelName = "SlabExporter"
    equipment.SoftwareVersions = version
    attributes.ContributingEquipmentSequence = Sequence([equipment])
