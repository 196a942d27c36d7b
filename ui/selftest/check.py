"""One check of --selftest, and the line that reports it. It knows neither what is checked nor where
the lines go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from roles.values import figures
from roles.values.errors import LmkError
from roles.values.safe_names import shown_name

MAX_REASON = 300  # characters: a library may put much into an error
# What Python raises when something is wrong. A check that ends with one of these has found a fault,
# and the other checks still run.
_FAULTS = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError),
    *(MemoryError, NameError, OSError, RuntimeError, TypeError, ValueError),
)


class SelftestError(LmkError):
    """Something is wrong; the text says what was seen."""


class NothingToLookAtError(LmkError):
    """This computer lacks what the check needs, and that is no fault; the text says why."""


class State(Enum):
    """How a check ended; the value begins its line."""

    OK = "ok"
    FAILED = "FAILED"
    SKIPPED = "left out"


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    look: Callable[[], str]  # returns what was seen; raises SelftestError or NothingToLookAtError
    todo: str  # a sentence for the person whose copy fails

    def run(self) -> tuple[State, str]:
        """Returns how it ended, and the line that reports it."""
        try:
            state, seen = State.OK, self.look()
        except NothingToLookAtError as reason:
            state, seen = State.SKIPPED, str(reason)
        except LmkError as error:
            state, seen = State.FAILED, str(error)
        except _FAULTS as error:
            state, seen = State.FAILED, f"{type(error).__name__}: {error}"
        if state is State.FAILED:
            seen = f"{shown_name(seen, MAX_REASON).rstrip('.')}. {self.todo}"
        return state, f"{state.value:<8}  {self.what}: {seen}"


def summary(ended: Iterable[State], seconds: float) -> str:
    states = list(ended)
    failed, skipped = states.count(State.FAILED), states.count(State.SKIPPED)
    checks = figures.count(len(states) - skipped, "check")
    result = f"{failed} of {checks} failed" if failed else f"{checks} passed"
    rest = f", {skipped} left out" if skipped else ""
    return f"{result}{rest}, in {seconds:.1f} s."
