"""The field of one setting, which may stand in several places. What is typed counts at once."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Any, Literal, TypeVar

from roles.net.throttle import Throttle, Throttles
from roles.values.program_settings import ProgramSettings
from roles.values.typed_settings import parse_rate
from ui.window.fields import TextField
from ui.window.window_context import WindowContext

FieldT = TypeVar("FieldT", bound=TextField)


def throttles_of(settings: ProgramSettings) -> Throttles:
    up, down = parse_rate(settings.up_limit), parse_rate(settings.down_limit)
    return Throttles(Throttle(up), Throttle(down))


def setting_field(
    kind: Callable[..., FieldT],
    parent: tk.Misc,
    context: WindowContext,
    setting: str,
    parse: Callable[[str], object],
    *,
    then: Callable[[], None] = lambda: None,
    **options: Any,
) -> FieldT:
    """A field of this kind, with these `options` of TextField. It keeps what `parse` makes of its
    text, and then calls `then`.
    """

    def keep() -> None:
        value = field.read(parse)
        if not field.problem:
            context.settings.change(**{setting: value})
            then()

    text = context.settings.variable(setting)
    field = kind(parent, context.theme, text, keep, **options)
    return field


def setting_box(
    parent: tk.Misc,
    context: WindowContext,
    setting: str,
    text: str,
    then: Callable[[], None] = lambda: None,
) -> ttk.Checkbutton:
    """A box to tick."""
    chosen = context.settings.switch(setting)
    return ttk.Checkbutton(parent, text=text, variable=chosen, command=then)


def limit_field(parent: tk.Misc, context: WindowContext, way: Literal["up", "down"]) -> TextField:
    """A field for a speed limit of everything that runs."""
    throttles, setting = context.roles.throttles, f"{way}_limit"
    throttle = throttles.up if way == "up" else throttles.down

    def checked(text: str) -> str:
        parse_rate(text)
        return text.strip()

    def limit() -> None:
        throttle.set_limit(parse_rate(getattr(context.settings.now, setting)))

    return setting_field(
        TextField, parent, context, setting, checked, then=limit, placeholder="none", width=10
    )
