"""Which files are channels of one case, as it is asked for: patterns, or the names of well-known data sets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ...core.errors import RequestError
from ...core.naming import TAKEN_IN_CASE, safe_name, volume_extension, volume_stem
from ...core.text import Option

Way = Literal["none", "auto", "4d", "patterns"]
AUTO: Final = "auto"
FOUR_D: Final = "4d"


@dataclass(frozen=True)
class Place:
    """What of a path all channels of one case have in common.

    Attributes:
        folder: above what a pattern names.
        parts: texts that the pattern leaves open.
        name: of the case.
    """

    folder: str
    parts: tuple[str, ...]
    name: str


@dataclass(frozen=True)
class Pattern:
    """Names of the images of one channel.

    Attributes:
        channel: its name.
        text: as it was given: the end of a path, with {case}, * and ?.
        compiled: the same for the last ``depth`` names of a path.
        depth: how many those are.
    """

    channel: str
    text: str
    compiled: re.Pattern[str]
    depth: int

    def place(self, image: Path) -> Place | None:
        """Return the case of an image of this channel; None for other images."""
        names = image.as_posix().split("/")
        if len(names) < self.depth:
            return None
        folder, tail = "/".join(names[: -self.depth]), "/".join(names[-self.depth :])
        found = self.compiled.fullmatch(tail)
        if found is None and volume_extension(Path(self.text)) is None and volume_extension(image) is not None:
            found = self.compiled.fullmatch(tail[: len(tail) - len(image.name)] + volume_stem(image))
        if found is None:
            return None
        open_parts = found.groupdict()
        case = open_parts.pop("case", None)
        parts = tuple(dict.fromkeys(open_parts.values())) if case is None else (case,)
        name = "_".join(filter(None, (part.strip("-_. ") for part in parts)))
        return Place(folder, parts, name or folder.rsplit("/", 1)[-1])


def channel_patterns(asked: Sequence[str]) -> tuple[Way, tuple[Pattern, ...]]:
    """Return how channels are found, and the patterns in channel order.

    Args:
        asked: "auto", "4d", or one NAME=PATTERN per channel.

    Raises:
        RequestError: both, a name that cannot be a folder's or comes again, a pattern that cannot be read.

    >>> way, (t1, flair) = channel_patterns(["t1={case}_t1.nii.gz", "flair={case}_flair.nii.gz"])
    >>> flair.place(Path("in/P7_flair.nii.gz"))
    Place(folder='in', parts=('P7',), name='P7')
    """
    if not asked:
        return "none", ()
    words: list[Way] = [AUTO, FOUR_D]
    word = next((word for word in words if word in asked), None)
    if word is not None:
        if len(asked) > 1:
            raise RequestError(Option.to("channels", word), " stands alone, without patterns of channels.")
        return word, ()
    patterns = [_pattern(text) for text in asked]
    names = [pattern.channel.casefold() for pattern in patterns]
    for pattern in patterns:
        if names.count(pattern.channel.casefold()) > 1:
            raise RequestError(f"Two channels are called '{pattern.channel}'; name them apart with NAME=PATTERN.")
    return "patterns", tuple(patterns)


def require_channel_name(name: str, first: bool = False) -> None:
    """Refuse a name that cannot be that of a folder in a case.

    Raises:
        RequestError: with the name.
    """
    taken = name.casefold() in TAKEN_IN_CASE and not first  # the first channel's folder is "images"
    if taken or not name or safe_name(name) != name or name == "all":
        raise RequestError(
            f"A channel cannot be called '{name}', which is not the name of a folder or is taken in each case."
        )


def _pattern(text: str) -> Pattern:
    name, equals, given = text.partition("=")
    if not equals or not given.strip("/"):
        raise RequestError(
            Option.to("channels", text),
            " is neither 'auto', '4d' nor NAME=PATTERN, such as t1={case}_t1.nii.gz or t1=*/t1.nii.gz.",
        )
    require_channel_name(name)
    posix = given.replace("\\", "/").rstrip("/").removeprefix("./")
    unknown = re.search(r"\{(?!case\})[^}]*\}?|(?<!\{case)\}", posix)
    if unknown:
        raise RequestError(
            f"The pattern '{given}' of the channel {name} holds '{unknown.group()}'; use {{case}} for what tells the "
            "cases apart, * for any text and ? for any character."
        )
    return Pattern(name, posix, _compiled(posix), posix.count("/") + 1)


def _compiled(pattern: str) -> re.Pattern[str]:
    expression, seen = [], False
    for n, part in enumerate(re.split(r"(\{case\}|\*+|\?)", pattern)):
        if part == "{case}":
            expression.append("(?P=case)" if seen else "(?P<case>[^/]+?)")
            seen = True
        elif part == "?":
            expression.append(f"(?P<open{n}>[^/])")
        elif part.startswith("*"):
            expression.append(f"(?P<open{n}>[^/]*)")
        else:
            expression.append(re.escape(part))
    return re.compile("".join(expression))
