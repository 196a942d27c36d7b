"""Colours, fonts and pixels of the window; only this file and palette.py have any.

Flat, based on ttk's clam: pictures for borders and buttons are up to a hundred times slower to
draw.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import font as tkfont
from tkinter import ttk
from typing import Any

from ui.icons import picture
from ui.window.cut_text import TextCutter
from ui.window.palette import DARK, LIGHT, mixed
from ui.window.system_theme import colour_title_bar

_USUAL_SCALING = 96 / 72  # Tk's pixels per point at 96 dpi
_OWN_CELL_PADDING = 4  # ttk adds it to any other padding
_MIN_SCALE, _MAX_SCALE = 0.8, 6.0  # some servers report absurd screens
_FONTS = ("TkDefaultFont", "TkTextFont", "TkFixedFont", "TkMenuFont", "TkHeadingFont")
# Sizes of texts, as parts of the system's, which is 13 pixels at 96 dpi.
_HEADLINE, _HEADING = 24 / 13, 16 / 13
# The colour of a picture, where that is not the accent: see Theme.tones.
_PICTURE_TONES = {
    "done": "Good",
    "failed": "Bad",
    "warning": "Warning",
    "note": "Muted",
    "waiting": "Warning",
    "paused": "Muted",
    "idle": "Muted",
    "gone": "Muted",
    "private": "Muted",
    "open": "Muted",
    "closed": "Muted",
    "file": "Muted",
    "log": "Muted",
    "settings": "Muted",
    "unticked": "Muted",
    "unchosen": "Muted",
}
# The pictures of check boxes and radio buttons, off and on.
_INDICATORS = {
    "Checkbutton": ("unticked", "ticked"),
    "Radiobutton": ("unchosen", "chosen"),
}


class Theme:
    """The looks of one window. Widgets that ttk does not colour or enlarge call follow()."""

    def __init__(self, root: tk.Tk, *, is_dark: bool = False, percent: int = 100) -> None:
        """`percent`: how large everything is, of what the system asks for."""
        self._root = root
        self._style = ttk.Style(root)
        self._followers = list[Callable[[], None]]()
        self.colours = LIGHT
        scaling = float(root.tk.call("tk", "scaling"))
        self._scale = min(max(scaling / _USUAL_SCALING, _MIN_SCALE), _MAX_SCALE) * percent / 100
        self._pictures: dict[tuple[object, ...], tk.PhotoImage] = {}
        if percent != 100:
            for name in _FONTS:
                font = tkfont.nametofont(name, root)
                font.configure(size=round(font.actual("size") * percent / 100))
        self.zoom = 1.0  # how many times as large as usual texts are, see enlarge()
        self._fonts = [tkfont.nametofont(name, root) for name in _FONTS]
        self.text_font = self._fonts[0]
        self.strong_font = self._derived(weight="bold")
        self.title_font = self._derived(weight="bold", larger=_HEADING)
        self._headline_font = self._derived(weight="bold", larger=_HEADLINE)
        self._sizes = [int(font.cget("size")) for font in self._fonts]
        self._make_cutters()
        self._style.theme_use("clam")
        self._indicators = self._make_indicators()
        self.apply(is_dark=is_dark)

    def px(self, size: float) -> int:
        """A length that is `size` pixels at 96 dpi."""
        return round(size * self._scale)

    def zoomed(self, size: float) -> int:
        """As px(), in proportion to texts: see enlarge()."""
        return round(self.px(size) * self.zoom)

    @property
    def is_enlarged(self) -> bool:
        return self.zoom > 1.0

    def letters(self, text: str) -> int:
        """The width, in letters, of a button with room for this text in bold, as when chosen."""
        return -(-self.strong_font.measure(text) // self.text_font.measure("0"))

    def row_height(self) -> int:
        """The height of rows in tables, in pixels."""
        linespace = self.text_font.metrics("linespace")
        return max(self.zoomed(32), int(linespace * 1.6))

    def enlarge(self, factor: float) -> None:
        """Make all texts `factor` times as large as usual, for a projector."""
        self.zoom = factor
        for font, size in zip(self._fonts, self._sizes, strict=True):
            font.configure(size=round(size * factor))
        self._make_cutters()
        self._style_tables()
        for change in self._followers:
            change()

    def _make_cutters(self) -> None:
        self.text_cutter = TextCutter(self.text_font.measure)
        self.strong_cutter = TextCutter(self.strong_font.measure)

    def picture(self, name: str, size: float = 16, *, on_disc: bool = False) -> tk.PhotoImage:
        """One of ui/icons.py in the colours of now; `size` in pixels at 96 dpi."""
        key = name, size, on_disc, self.is_dark
        if key not in self._pictures:
            data = self._drawn(name, size, on_disc=on_disc)
            self._pictures[key] = tk.PhotoImage(master=self._root, data=data)
        return self._pictures[key]

    def _drawn(self, name: str, size: float, *, on_disc: bool = False) -> bytes:
        colour = self.tones[_PICTURE_TONES.get(name, "Accent")]
        return picture(name, self.px(size), colour, self.colours.chosen if on_disc else "")

    def _make_indicators(self) -> dict[str, tk.PhotoImage]:
        """Ticks, where clam draws crosses; apply() draws them."""
        images = dict[str, tk.PhotoImage]()
        for kind, (off, on) in _INDICATORS.items():
            images |= {name: tk.PhotoImage(master=self._root) for name in (off, on)}
            element = f"Drawn.{kind}.indicator"
            states = (images[off], ("selected", images[on]))
            width = self.px(24)
            self._style.element_create(element, "image", *states, width=width, sticky="w")
            label = (f"{kind}.label", {"sticky": "nswe"})
            focus = (f"{kind}.focus", {"side": "left", "sticky": "w", "children": [label]})
            parts: Any = [(element, {"side": "left", "sticky": ""}), focus]
            whole: Any = [(f"{kind}.padding", {"sticky": "nswe", "children": parts})]
            self._style.layout(f"T{kind}", whole)
        return images

    def show_picture(
        self, label: ttk.Label | ttk.Button, name: str, size: int = 16, *, on_disc: bool = False
    ) -> None:
        """Show it there, and in other colours after each change of these."""

        def show() -> None:
            label.configure(image=self.picture(name, size, on_disc=on_disc))

        self.follow(show)
        label.bind("<Destroy>", lambda _event: self._followers.remove(show), add="+")

    def menu(self, parent: tk.Misc) -> tk.Menu:
        menu = tk.Menu(parent, tearoff=False, relief="solid", borderwidth=1, activeborderwidth=0)

        def recolour() -> None:
            colours = self.colours
            menu.configure(
                background=colours.card,
                foreground=colours.text,
                activebackground=colours.accent,
                activeforeground=colours.on_accent,
                disabledforeground=colours.muted,
                selectcolor=colours.text,
            )

        self.follow(recolour)
        return menu

    def follow(self, recolour: Callable[[], None]) -> None:
        """Call this now, and after each change of colours and of the size of texts."""
        self._followers.append(recolour)
        recolour()

    @property
    def is_dark(self) -> bool:
        return self.colours is DARK

    def apply(self, *, is_dark: bool) -> None:
        self.colours = DARK if is_dark else LIGHT
        for name, image in self._indicators.items():
            image.configure(data=self._drawn(name, 16))
        self._style_texts()
        self._style_buttons()
        self._style_fields()
        self._style_tables()
        self._style_notebook()
        self._root.configure(background=self.colours.ground)
        colour_title_bar(self._root, is_dark=is_dark)
        for recolour in self._followers:
            recolour()

    def _derived(self, *, weight: str, larger: float = 1.0) -> tkfont.Font:
        family, size = self.text_font.actual("family"), self.text_font.actual("size")
        font = tkfont.Font(
            self._root,
            family=family,
            size=round(size * larger),
            weight=weight,  # type: ignore[arg-type]
        )
        self._fonts.append(font)
        return font

    def _style_texts(self) -> None:
        colours, style = self.colours, self._style
        style.configure(
            ".",
            background=colours.ground,
            foreground=colours.text,
            font=self.text_font,
            bordercolor=colours.line,
            lightcolor=colours.ground,
            darkcolor=colours.ground,
            troughcolor=colours.track,
            focuscolor=colours.accent,
            selectbackground=colours.accent,
            selectforeground=colours.on_accent,
            insertcolor=colours.text,
        )
        # Selected text in a field without the focus.
        style.map(
            ".",
            selectbackground=[("!focus", colours.chosen)],
            selectforeground=[("!focus", colours.text)],
        )
        for name, colour in self.tones.items():
            style.configure(f"{name}.TLabel", foreground=colour)
            style.configure(f"{name}.Tint.TLabel", foreground=colour, background=colours.tint)
            style.configure(f"{name}.Card.TLabel", foreground=colour, background=colours.card)
        fonts = {
            "Strong": self.strong_font,
            "Title": self.title_font,
            "Headline": self._headline_font,
        }
        for name, font in fonts.items():
            style.configure(f"{name}.TLabel", font=font)
            style.configure(f"{name}.Tint.TLabel", font=font, background=colours.tint)
            style.configure(f"{name}.Card.TLabel", font=font, background=colours.card)
        for name in ("Card", "Tint", "Strip", "Line"):
            style.configure(f"{name}.TFrame", background=getattr(colours, name.lower()))
        style.configure("Help.TFrame", background=colours.bad_tint)
        style.configure("Help.TLabel", background=colours.bad_tint, foreground=colours.bad)
        for name, line in (("Panel", colours.line), ("Chosen.Panel", colours.accent)):
            style.configure(
                f"{name}.TFrame",
                background=colours.card,
                bordercolor=line,
                lightcolor=colours.card,
                darkcolor=colours.card,
                borderwidth=1,
                relief="solid",
            )
        style.configure("Strip.TLabel", background=colours.strip, foreground=colours.muted)
        style.configure("Number.Strip.TLabel", foreground=colours.text)

    @property
    def tones(self) -> dict[str, str]:
        """The colours of texts and bars, by what they say."""
        colours = self.colours
        return {
            "Plain": colours.text,
            "Accent": colours.accent,
            "Good": colours.good,
            "Warning": colours.warning,
            "Bad": colours.bad,
            "Muted": colours.muted,
        }

    def _style_buttons(self) -> None:
        colours, style, px = self.colours, self._style, self.px
        style.configure(
            "TButton",
            padding=(px(12), px(5)),
            borderwidth=1,
            anchor="center",
            width=-7,
            **_flat(colours.card),
        )
        grounds = {"disabled": colours.ground, "pressed": colours.chosen, "active": colours.hover}
        style.map(
            "TButton",
            foreground=[("disabled", mixed(colours.muted, colours.ground))],
            bordercolor=[("focus", colours.accent)],
            **_flat(list(grounds.items())),
        )
        style.configure(
            "Accent.TButton",
            bordercolor=colours.accent,
            foreground=colours.on_accent,
            focuscolor=colours.on_accent,
            **_flat(colours.accent),
        )
        strong = colours.accent_strong
        grounds = {"disabled": colours.track, "pressed": strong, "active": strong}
        style.map(
            "Accent.TButton",
            bordercolor=[("disabled", colours.track), ("focus", colours.text)],
            foreground=[("disabled", colours.muted)],
            **_flat(list(grounds.items())),
        )
        style.configure(
            "Switch.Toolbutton",
            padding=(px(12), px(5)),
            relief="flat",
            borderwidth=1,
            bordercolor=colours.line,
            anchor="center",
            **_flat(colours.card),
        )
        style.map(
            "Switch.Toolbutton",
            bordercolor=[("selected", colours.accent), ("focus", colours.accent)],
            relief=[],
            font=[("selected", self.strong_font)],
            **_flat([("selected", colours.chosen), ("active", colours.hover)]),
        )
        for name, ground in (("Link", colours.ground), ("Strip.Link", colours.strip)):
            style.configure(
                f"{name}.TButton",
                foreground=colours.link,
                bordercolor=ground,
                padding=(px(4), px(4)),
                width=0,
                **_flat(ground),
            )
            style.map(
                f"{name}.TButton",
                foreground=[("disabled", colours.muted)],
                bordercolor=[("focus", colours.accent)],
                **_flat([("pressed", colours.chosen), ("active", colours.hover)]),
            )
        for name in _INDICATORS:
            style.configure(f"T{name}", padding=px(2))
            style.map(f"T{name}", background=[("active", colours.ground)])
        style.configure("TPanedwindow", background=colours.ground)
        style.configure("Sash", sashthickness=px(8), gripcount=0, **_flat(colours.ground))

    def _style_fields(self) -> None:
        colours, style, px = self.colours, self._style, self.px
        for name in ("TEntry", "TCombobox", "TSpinbox"):
            style.configure(
                name,
                fieldbackground=colours.card,
                foreground=colours.text,
                bordercolor=colours.line,
                arrowcolor=colours.muted,
                arrowsize=px(9 if name == "TSpinbox" else 14),
                padding=(px(6), px(6)),
                **_flat(colours.card),
            )
            style.map(
                name,
                fieldbackground=[("disabled", colours.ground)],
                foreground=[("disabled", colours.muted)],
                bordercolor=[("focus", colours.accent)],
                lightcolor=[("focus", colours.accent)],
                darkcolor=[("focus", colours.accent)],
                background=[("active", colours.hover)],
            )
        style.configure(
            "TScrollbar",
            troughcolor=colours.card,
            bordercolor=colours.card,
            arrowcolor=colours.muted,
            gripcount=0,
            arrowsize=px(11),
            **_flat(colours.track),
        )
        style.map("TScrollbar", background=[("disabled", colours.card), ("active", colours.line)])
        self._root.option_add("*TCombobox*Listbox.font", self.text_font)

    def _style_tables(self) -> None:
        colours, style, px = self.colours, self._style, self.px
        style.configure(
            "Treeview",
            fieldbackground=colours.card,
            foreground=colours.text,
            bordercolor=colours.line,
            borderwidth=1,
            relief="flat",
            rowheight=self.row_height(),
            indent=0,
            padding=0,
            **_flat(colours.card),
        )
        style.map(
            "Treeview",
            background=[("selected", colours.chosen)],
            foreground=[("selected", colours.text)],
            bordercolor=[("focus", colours.accent)],
        )
        # Without the indicator of a tree, which would take 20 pixels of the first column.
        parts: Any = [
            (f"Treeitem.{part}", {"side": "left", "sticky": ""}) for part in ("image", "text")
        ]
        style.layout("Treeview.Item", [("Treeitem.padding", {"sticky": "nswe", "children": parts})])
        style.configure("Treeview.Item", padding=(px(8), 0, 0, 0))
        style.configure("Treeview.Cell", padding=(px(8) - _OWN_CELL_PADDING, 0))
        style.configure(
            "Treeview.Heading",
            background=colours.tint,
            foreground=colours.muted,
            font=self.strong_font,
            relief="flat",
            borderwidth=0,
            padding=(px(8), px(5)),
        )
        style.map(
            "Treeview.Heading",
            background=[("active", colours.hover)],
            foreground=[("active", colours.text)],
        )

    def _style_notebook(self) -> None:
        colours, style, px = self.colours, self._style, self.px
        style.configure(
            "TNotebook",
            background=colours.strip,
            bordercolor=colours.line,
            lightcolor=colours.ground,
            darkcolor=colours.strip,
            borderwidth=0,
            tabmargins=(px(12), px(8), px(12), 0),
            padding=0,
        )
        style.configure(
            "TNotebook.Tab",
            background=colours.strip,
            foreground=colours.muted,
            bordercolor=colours.strip,
            lightcolor=colours.strip,
            padding=(px(12), px(7)),
            focuscolor=colours.accent,
        )
        style.layout("Bare.TNotebook.Tab", [])  # a page without its tabs
        style.configure("Bare.TNotebook", tabmargins=0)
        style.map(
            "TNotebook.Tab",
            background=[("selected", colours.ground), ("active", colours.hover)],
            foreground=[("selected", colours.text), ("active", colours.text)],
            bordercolor=[("selected", colours.line)],
            lightcolor=[("selected", colours.ground), ("active", colours.hover)],
            padding=[("selected", (px(12), px(7)))],
            expand=[("selected", (0, 0, 0, 0))],
        )


def _flat(colour: Any) -> dict[str, Any]:
    """clam draws edges in two more colours than the background."""
    return {"background": colour, "lightcolor": colour, "darkcolor": colour}
