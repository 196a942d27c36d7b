"""One check of --selftest, and the line that reports it. Pure but for the check itself.

It knows neither what is checked nor where the lines go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from roles.values.errors import LmkError
from roles.values.safe_names import shown_name
from ui import wording

MAX_REASON = 300  # characters: a library may put much into an error
# What Python raises when something is wrong. A check that ends with one of these has found a fault,
# and the other checks still run.
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one check ended."""

    state: State
    what: str
    seen: str
    todo: str = ""

    @property
    def line(self) -> str:
        words = f"{self.state.value:<8}  {self.what}: {self.seen}"
        return f"{words} {self.todo}" if self.state is State.FAILED else words


def outcome_of(check: Check) -> Outcome:
    """Run the check, whatever happens."""
    try:
        return Outcome(State.OK, check.what, check.look())
    except NothingToLookAtError as reason:
        return Outcome(State.LEFT_OUT, check.what, str(reason))
    except LmkError as error:
        return _failed(check, str(error))
    except _FAULTS as error:
        return _failed(check, f"{type(error).__name__}: {error}")


def _failed(check: Check, reason: str) -> Outcome:
    seen = shown_name(reason, MAX_REASON)
    return Outcome(State.FAILED, check.what, seen.rstrip(".") + ".", check.todo)


def summary(outcomes: Iterable[Outcome], seconds: float) -> str:
    states = [outcome.state for outcome in outcomes]
    looked_at = len(states) - states.count(State.LEFT_OUT)
    failed = states.count(State.FAILED)
    left_out = f", {states.count(State.LEFT_OUT)} left out" if State.LEFT_OUT in states else ""
    took = f"in {seconds:.1f} s"
    if failed:
        return f"{failed} of {wording.count(looked_at, 'check')} failed{left_out}, {took}."
    return f"{wording.count(looked_at, 'check')} passed{left_out}, {took}."
