"""Numbers, nouns and options in sentences.

An option has one name in Python, one on the command line and one in the panel. A ``Sentence`` keeps
the options that it mentions apart from its words; whoever shows it says how options are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "slab"), counted(1331, "slab")
    ('1 slab', '1331 slabs')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def sizes(shape: Iterable[int]) -> str:
    """Return voxel counts along i, j, k.

    >>> sizes((512, 512, 64))
    '512 x 512 x 64'
    """
    return " x ".join(map(str, shape))


def lengths(spacing: Iterable[float], digits: int = 3) -> str:
    """Return spacings in mm with so many significant digits.

    >>> lengths((0.9765625, 0.9765625, 2.0))
    '0.977 x 0.977 x 2'
    """
    return " x ".join(f"{step:.{digits}g}" for step in spacing)


def millimetres(distance: float) -> str:
    """Return a distance in mm with two decimals, or as many as two digits of a small one need.

    >>> millimetres(234.561), millimetres(0.005), millimetres(0.000123), millimetres(0)
    ('234.56', '0.005', '0.00012', '0.00')
    """
    if not 0 < abs(distance) < 0.1:
        return f"{distance:.2f}"
    decimals = int(f"{distance:e}".partition("e")[2])
    return f"{distance:.{1 - decimals}f}".rstrip("0")


def degrees(angle: float) -> str:
    """Return an angle with one decimal, a small one with two digits.

    >>> degrees(18.53), degrees(0.0571)
    ('18.5', '0.057')
    """
    return f"{angle:.1f}" if angle >= 0.1 else f"{angle:.2g}"


@dataclass(frozen=True)
class Option:
    """An option that a sentence mentions, with the values that it is about, if any.

    Attributes:
        keyword: its name in Python.
        values: to choose from; ``(True,)`` for a switch that is to be turned on.
    """

    keyword: str
    values: tuple[object, ...] = ()

    @classmethod
    def to(cls, keyword: str, *values: object) -> Option:
        """Return an option set to a value, or to one of several.

        >>> python_words(Option.to("remainder", "keep", "pad")), python_words(Option.to("frame", 0))
        ("remainder='keep' or 'pad'", 'frame=0')
        """
        return cls(keyword, values)

    @classmethod
    def on(cls, keyword: str) -> Option:
        """Return a switch that is to be turned on.

        >>> python_words(Option.on("resume")), command_words(Option.on("resume"))
        ('resume=True', '--resume')
        """
        return cls(keyword, (True,))

    def named(self, name: str) -> str:
        """Return a name for the option, followed by its values; a switch is its name alone.

        >>> Option.to("remainder", "shift", "pad", "balance").named("'Last slab'")
        "'Last slab' shift, pad or balance"
        >>> Option.to("frame", 1).named("--frame")
        '--frame 1'
        """
        is_switch = not self.values or self.values[0] is True  # 1 equals True
        return name if is_switch else f"{name} {_alternatives(map(str, self.values))}"


class Package(str):
    """A package that a sentence asks for, as part of it: how it is installed with pip, and how in Slicer.

    In Slicer, pip would put a second VTK beside Slicer's own where an extra of this package is named.

    >>> print("It needs highdicom: " + Package("highdicom", "'slab-exporter[dicom-seg]'") + ".")
    It needs highdicom: pip install 'slab-exporter[dicom-seg]' (in Slicer: slicer.util.pip_install('highdicom')).

    Attributes:
        name: as Slicer installs it.
        outside: what pip is asked for elsewhere.
    """

    name: str
    outside: str

    def __new__(cls, name: str, outside: str = "") -> Package:
        """Make the words of a package; ``outside`` is its name where it is not given."""
        self = super().__new__(cls, f"pip install {outside or name} (in Slicer: slicer.util.pip_install('{name}'))")
        self.name, self.outside = name, outside
        return self

    def __reduce__(self) -> tuple[type[Package], tuple[str, str]]:
        """Return what a pickled package is made from again."""
        return Package, (self.name, self.outside)


Words = Callable[[Option], str]


def python_words(option: Option) -> str:
    """Return an option as a Python user passes it: ``frame=``, ``frame=0``."""
    return f"{option.keyword}={_alternatives(map(repr, option.values))}"


def command_words(option: Option) -> str:
    """Return an option as it is typed, and as what is stored on disk names it: ``--frame``, ``--frame 0``."""
    return option.named("--" + _TYPED.get(option.keyword, option.keyword).replace("_", "-"))


# Names that Python cannot have.
_TYPED = {"kind": "from"}


class Sentence(str):
    """A text that mentions options. By itself it is a string that names them as in Python.

    Sentences are joined with ``+`` or as parts of another sentence; in an f-string one becomes a plain string.

    >>> text = Sentence("Choose ", Option.to("remainder", "keep", "pad"), ".")
    >>> print(text)
    Choose remainder='keep' or 'pad'.
    >>> in_words(text, command_words)
    'Choose --remainder keep or pad.'
    """

    parts: tuple[str | Option, ...]

    def __new__(cls, *parts: str | Option) -> Sentence:
        """Join words, options and other sentences."""
        flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, Sentence) else (part,)))
        self = super().__new__(cls, _joined(flat, python_words))
        self.parts = flat
        return self

    def __reduce__(self) -> tuple[type[Sentence], tuple[str | Option, ...]]:
        """Return what a pickled sentence is made from again."""
        return Sentence, self.parts

    def __add__(self, other: str) -> Sentence:
        """Return this sentence with words, or another sentence, after it."""
        return Sentence(self, other)

    def __radd__(self, other: str) -> Sentence:
        """Return this sentence with words before it."""
        return Sentence(other, self)

    def without_full_stop(self) -> Sentence:
        """Return the sentence as it stands inside another one."""
        *before, last = self.parts
        return Sentence(*before, last.rstrip(".") if isinstance(last, str) else last)


def in_words(text: str, words: Words) -> str:
    """Return a text with the options that it mentions written in ``words``; one that mentions none as it is."""
    return _joined(text.parts, words) if isinstance(text, Sentence) else text


def replaced(text: str, names: Mapping[str, str]) -> str:
    """Return a text, or a sentence with its options, in which other names stand for some; the longest first.

    >>> replaced("/tmp/x/a.nii is 4D.", {"/tmp/x/a.nii": "https://host/a.nii", "/tmp/x": "https://host"})
    'https://host/a.nii is 4D.'
    """
    if isinstance(text, Sentence):
        return Sentence(
            *(part if isinstance(part, (Option, Package)) else replaced(part, names) for part in text.parts)
        )
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, names[name])
    return text


def as_stored(texts: Iterable[str]) -> list[str]:
    """Return texts as files hold them: options in the command line's words."""
    return [in_words(text, command_words) for text in texts]


def _joined(parts: tuple[str | Option, ...], words: Words) -> str:
    return "".join(words(part) if isinstance(part, Option) else part for part in parts)


def _alternatives(values: Iterable[str]) -> str:
    """Return "a", "a or b" or "a, b or c"."""
    *before, last = [*values] or [""]
    return f"{', '.join(before)} or {last}" if before else last
