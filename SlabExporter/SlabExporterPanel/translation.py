"""Texts of the panel in the language of the application; outside of Slicer in English.

What decides what the panel shows does not import Slicer, and so looks for the application's translation, as
``slicer.i18n.tr`` does it, only where an application is running. Called ``_``, as in Slicer's own modules, so that
Slicer's tools find the texts.

Sentences of the library (errors, warnings, counts such as "5 slabs") stay English: manifest, report and command line
hold the same ones, and who reports a problem quotes them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def tr(text: str) -> str:
    """Return a text in the application's language.

    Args:
        text: in English; values that are put in later stand in braces, as for ``str.format``.
    """
    application = sys.modules.get("slicer.i18n")
    if application is None:
        return text
    path = Path(sys._getframe(1).f_code.co_filename)
    # as slicer.i18n.getContext names files in packages
    translated = str(application.translate(f"{path.parent.name}.{path.stem}", text))
    return translated if _values(translated) == _values(text) else text


def _values(text: str) -> set[str]:
    """Return what is put in later; a translation that names something else would fail."""
    return set(re.findall(r"\{([^{}]*)\}", text))
