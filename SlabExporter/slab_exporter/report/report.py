"""report.html: what a person looks at in the morning. Problems first, then every case in pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from ..core.manifest import Manifest
from ..core.naming import REPORT
from ..export.output_folder import write_file
from .dataset import ListedManifest
from .html import CaseCard, page
from .outliers import CaseFacts, find_outliers
from .pictures import preview_paths

RESOURCES = Path(__file__).parents[1] / "Resources"


def write_report(
    out: Path,
    name: str,
    cases: Sequence[ListedManifest],
    errors: Sequence[tuple[str, str, str]],
    problems: Sequence[str],
) -> None:
    """Write report.html for an export.

    Args:
        out: the output folder, with the cases' folders.
        name: of the data set.
        cases: complete ones, in order.
        errors: case, image and sentence of each that failed.
        problems: sentences about the run as a whole.

    Raises:
        OutputError: it could not be written.
    """
    outliers = find_outliers([_facts(case.manifest) for case in cases])
    cards = [
        CaseCard(
            manifest=case.manifest,
            part=case.part,
            warnings=(*_source_warnings(case.manifest), *_sentences(outliers.get(case.manifest.case, []))),
            notes=tuple(case.manifest.plan.get("notes", ())),
            pictures=_pictures(out / case.manifest.case),
        )
        for case in cases
    ]
    style = (RESOURCES / "report.css").read_text(encoding="utf-8")
    script = (RESOURCES / "report.js").read_text(encoding="utf-8")
    write_file(out / REPORT, page(name, cards, errors, problems, style, script))


def _facts(manifest: Manifest) -> CaseFacts:
    content = f"{manifest.source['sha256']}/{manifest.source.get('frame')}"
    return CaseFacts(manifest.case, manifest.geometry, str(manifest.source.get("dtype")), content)


def _source_warnings(manifest: Manifest) -> list[str]:
    """What is odd about the files; notes about the plan are no reason to worry."""
    return [text for text in manifest.warnings if text not in manifest.plan.get("notes", ())]


def _sentences(findings: Sequence[str]) -> list[str]:
    """Findings as sentences; the identity affine has its warning in the manifest already."""
    return [f"{text[0].upper()}{text[1:]}." for text in findings if text != "identity affine"]


def _pictures(folder: Path) -> dict[str, str]:
    """Data addresses of the pictures that are there, by the name of the view."""
    pictures = {}
    for name, path in preview_paths(folder).items():
        try:
            pictures[name] = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
        except OSError:
            continue
    return pictures
