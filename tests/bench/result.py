"""One line of the bench's table, and how it is printed."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured, and what it is compared with in the same run."""

    what: str
    value: float
    unit: str
    reference: float | None = None  # in the same unit
    target: str = ""
    note: str = ""

    def line(self) -> str:
        ratio = f"{self.value / self.reference:6.3f} of the reference" if self.reference else ""
        target = f"(target: {self.target})" if self.target else ""
        return (
            f"{self.what:44} {self.value:10,.2f} {self.unit:8} {ratio:23} {self.note} {target}"
        ).rstrip()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
