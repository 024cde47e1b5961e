"""Letters of where index axes point to in the patient; needs no numpy."""

from __future__ import annotations

from itertools import permutations, product
from typing import Final

from ..errors import RequestError

# All orders and directions of three index axes: "RAS" is i to the right, j to anterior, k to superior.
ORIENTATIONS: Final = tuple("".join(letters) for axes in permutations(("RL", "AP", "SI")) for letters in product(*axes))
CANONICAL: Final = "canonical"
# The order that nibabel's ``as_closest_canonical`` makes.
_CANONICAL_CODE: Final = "RAS"


def orientation_code(text: str) -> str:
    """Return the three letters that an option asks for.

    Raises:
        RequestError: they name no order of axes.

    >>> orientation_code("lps"), orientation_code("canonical")
    ('LPS', 'RAS')
    """
    code = text.strip()
    code = _CANONICAL_CODE if code.lower() == CANONICAL else code.upper()
    if code not in ORIENTATIONS:
        raise RequestError(
            f"The orientation cannot be '{text}': it is 'canonical' (RAS) or one letter each of R or L, A or P, S or I "
            "in any order, as in RAS, LPS or PIR: where i, j and k point to.",
            option="orient",
        )
    return code
