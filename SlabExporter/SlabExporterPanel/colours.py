"""Colours of texts that say something by them, on light and on dark themes; no Qt."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """One meaning.

    Attributes:
        on_light: "#rrggbb" on a light theme.
        on_dark: the same on a dark one.
    """

    on_light: str
    on_dark: str

    def on(self, is_dark: bool) -> str:
        """Return the colour for a theme."""
        return self.on_dark if is_dark else self.on_light


GOOD = Colour("#2a6e2e", "#8bd18f")
BAD = Colour("#b3261e", "#ff9d94")
# What should be known, and what is said in passing.
NOTE = Colour("#8a4b00", "#ffb74d")
QUIET = Colour("#5a5a5a", "#b8b8b8")


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.1, relative luminance of sRGB).

    >>> round(contrast("#ffffff", "#000000")), round(contrast("#777777", "#ffffff"), 2)
    (21, 4.48)
    """
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
