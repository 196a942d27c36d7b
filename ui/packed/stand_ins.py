"""Stand-ins for two modules of the standard library that others import and hardly use. With all
that they import, they take 7 % of the start's processor time.

build.spec runs this before everything else. From source, Python's own modules are there.
"""

from __future__ import annotations

import sys
from types import ModuleType


def stand_in() -> None:
    """Call it before `dataclasses` and `logging.handlers` are imported."""
    inspect = ModuleType("inspect")
    vars(inspect).update(signature=_signature, get_annotations=_annotations, unwrap=_unwrapped)
    sys.modules["inspect"] = inspect
    sys.modules["pickle"] = ModuleType("pickle")  # for logging's SocketHandler, which nobody uses


def _signature(*_class: object, **_options: object) -> str:
    """dataclasses would make a docstring of the result; after this error it makes none."""
    raise TypeError


def _annotations(kind: type) -> dict[str, object]:
    """The annotations of the class itself."""
    annotations: dict[str, object] = vars(kind).get("__annotations__", {})
    return annotations


def _unwrapped(function: object) -> object:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


if __name__ == "__main__":
    stand_in()
