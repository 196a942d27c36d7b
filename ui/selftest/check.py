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
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    look: Callable[[], str]  # returns what was seen; raises SelftestError or NothingToLookAtError
    todo: str  # a sentence for the person whose copy fails

    def run(self) -> tuple[State, str]:
        """How it ended, and its line."""
        try:
            state, seen = State.OK, self.look()
        except NothingToLookAtError as reason:
            state, seen = State.LEFT_OUT, str(reason)
        except LmkError as error:
            state, seen = State.FAILED, str(error)
        except _FAULTS as error:
            state, seen = State.FAILED, f"{type(error).__name__}: {error}"
        if state is State.FAILED:
            seen = f"{shown_name(seen, MAX_REASON).rstrip('.')}. {self.todo}"
        return state, f"{state.value:<8}  {self.what}: {seen}"


def summary(ended: Iterable[State], seconds: float) -> str:
    states = list(ended)
    failed, unseen = states.count(State.FAILED), states.count(State.LEFT_OUT)
    checks = figures.count(len(states) - unseen, "check")
    result = f"{failed} of {checks} failed" if failed else f"{checks} passed"
    left_out = f", {unseen} left out" if unseen else ""
    return f"{result}{left_out}, in {seconds:.1f} s."
