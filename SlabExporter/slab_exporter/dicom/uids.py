"""Unique identifiers, the same for the same input (PS3.5 B.2: UUID-derived, under 2.25)."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

_NAMESPACE = uuid.UUID("5b8f1c62-7a57-4f0e-9d53-3c1f27b0a9e4")


def stable_uid(*parts: Any) -> str:
    """A UID that depends on nothing but ``parts`` (texts, numbers, None, lists and mappings of them)."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, json.dumps(parts, sort_keys=True)).int}"


def is_valid_uid(text: str) -> bool:
    """Return whether a UID keeps the rules of PS3.5 9.1, under one of the roots that UIDs are given out from."""
    return len(text) <= 64 and re.fullmatch(r"[12](\.(0|[1-9]\d*))+", text) is not None


def pseudonym(*parts: Any) -> str:
    """A short name that depends on nothing but ``parts``."""
    return f"anon-{int(stable_uid('pseudonym', *parts).rsplit('.', 1)[-1]) % 16**10:010x}"


IMPLEMENTATION = stable_uid("implementation")
