"""A control of the panel: whether it can be used, and why not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """A control: whether it can be used, and its tooltip, which says why if it cannot."""

    enabled: bool
    tooltip: str

    @property
    def reason(self) -> str:
        """Why it cannot be used; empty where it can."""
        return "" if self.enabled else self.tooltip
