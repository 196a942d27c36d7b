"""What all web pages share: head, style, and how strangers' words are made safe. Pure.

Pages have no script, ask for nothing else, and their policy allows nothing but this one style.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

from roles.values.safe_names import SHOWN_LENGTH, shown_name

# The colours are those of the window.
STYLE = """
:root{color-scheme:light dark;--ground:#f3f6fc;--card:#fff;--line:#d5dbe5;--text:#1b2330;\
--muted:#5b6675;--accent:#2f6fed;--strong:#2459c7;--link:#2459c7;--track:#e3e8f0;--good:#17703f;\
--warning:#855600;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ground:#13171c;--card:#1a1f26;--line:#39424e;\
--text:#e7eaef;--muted:#a5afbd;--strong:#4a85f5;--link:#7aa7ff;--track:#39424e;--good:#62cf92;\
--warning:#e6b960;--bad:#ff9289}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 3rem;background:var(--ground);\
color:var(--text);font:1rem/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",\
sans-serif;overflow-wrap:anywhere}
header{display:flex;align-items:center;gap:.8rem;margin-bottom:1.5rem}
header img{width:2.75rem;height:2.75rem;flex:none}
h1{margin:0;font-size:1.35rem;line-height:1.25}
h2{margin:2rem 0 .6rem;font-size:1rem}
h3{margin:0;font-size:1rem}
p{margin:0}
a{color:var(--link)}
code,pre{font:.9em/1.5 ui-monospace,Consolas,"DejaVu Sans Mono",monospace}
pre{margin:.3rem 0;padding:.6rem .8rem;background:var(--ground);border-radius:.4rem;\
white-space:pre-wrap}
pre span{display:inline-block;max-width:100%}
header p,nav,.muted,small{color:var(--muted)}
small{display:block;font-size:.9rem}
nav{margin-bottom:1rem}
nav a{text-decoration:none}
nav b{font-weight:400;color:var(--text)}
.good{color:var(--good)}
.warning{color:var(--warning)}
.bad{color:var(--bad)}
.card{margin-bottom:.7rem;padding:.8rem 1rem;background:var(--card);border:1px solid var(--line);\
border-radius:.6rem}
.row{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.6rem 1rem}
.row>:first-child{flex:1 1 13rem}
.buttons{display:flex;flex-wrap:wrap;gap:.5rem}
.button{display:inline-flex;align-items:center;min-height:2.4rem;padding:.3rem .9rem;\
border:1px solid var(--line);border-radius:.5rem;text-decoration:none}
.button:hover{border-color:var(--link)}
.button.first{background:var(--accent);border-color:var(--accent);color:#fff}
.button.first:hover{background:#2459c7}
a:focus-visible,summary:focus-visible{outline:2px solid var(--link);outline-offset:2px}
h3 a{text-decoration:none}
details{margin-top:.7rem}
summary{color:var(--link);cursor:pointer}
summary+*{margin-top:.7rem}
details p{margin:.6rem 0 .3rem}
.table{padding:0;overflow:hidden}
.table>.row{padding:.8rem 1rem .2rem}
table{width:100%;border-collapse:collapse}
th{font-size:.9rem;font-weight:400;color:var(--muted);text-align:left}
th,td{padding:.55rem 1rem;vertical-align:middle}
td{border-top:1px solid var(--line)}
thead+tbody tr:first-child td{border-top:1px solid var(--line)}
td a{text-decoration:none}
.number{text-align:right;white-space:nowrap;color:var(--muted)}
.bar{width:40%}
progress{display:block;width:100%;margin-bottom:.25rem;max-width:16rem;height:.5rem;border:0;border-radius:.25rem;\
overflow:hidden;background:var(--track);color:var(--accent);-webkit-appearance:none;appearance:none}
progress::-webkit-progress-bar{background:var(--track)}
progress::-webkit-progress-value{background:var(--accent)}
progress::-moz-progress-bar{background:var(--accent)}
i{display:inline-block;width:1rem;height:.8rem;margin-right:.55rem;border-radius:.15rem;\
vertical-align:-.05rem}
i.folder{background:var(--accent)}
i.file{width:.8rem;height:1rem;margin-left:.1rem;margin-right:.65rem;border:1px solid var(--muted)}
footer{margin-top:1.5rem;font-size:.9rem;color:var(--muted)}
@media(max-width:40rem){.wide{display:none}th,td{padding:.55rem .7rem}}
@media(pointer:coarse){.button{min-height:2.75rem}}
"""
STYLE_SHA256 = b64encode(sha256(STYLE.encode()).digest()).decode()  # what the policy allows

# assets/make_icons.py draws the same.
_ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 100'>"
    "<rect width='100' height='100' rx='20' fill='#2f6fed'/>"
    "<path d='M50 40 20 78M50 40V78M50 40 80 78' stroke='#bfd3fa' stroke-width='5'/>"
    "<path fill='#fff' d='M25 15.5a3 3 0 0 1 3-3h19a3 3 0 0 1 3 3v3.25h21a4 4 0 0 1 4 4V46"
    "a4 4 0 0 1-4 4H29a4 4 0 0 1-4-4z'/>"
    "<g fill='#fff'><circle cx='20' cy='78' r='10.5'/><circle cx='50' cy='78' r='10.5'/>"
    "<circle cx='80' cy='78' r='10.5'/></g></svg>"
)
_ICON_URL = "data:image/svg+xml," + "".join(
    {"<": "%3C", ">": "%3E", "#": "%23"}.get(letter, letter) for letter in _ICON
)


def frame(
    title: str,
    body: str,
    *,
    below: str = "",
    parents: Iterable[tuple[str, str]] = (),
    renew_s: int = 0,
) -> bytes:
    """A whole page. `title` may come from a stranger; `body` and `below`, what stands below the
    title, are HTML.

    `parents`: names and links of the pages above this one. With `renew_s` it loads itself again.
    """
    shown = name(title)
    head = f'<meta http-equiv="refresh" content="{renew_s}">' if renew_s else ""
    links = "".join(f'<a href="{href}">{name(parent)}</a> › ' for parent, href in parents)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{escape(shown_name(title))}</title><link rel="icon" href="{_ICON_URL}">{head}'
        f"<style>{STYLE}</style></head><body>"
        f'<header><img src="{_ICON_URL}" alt=""><div><h1>{shown}</h1>'
        f"{f'<p>{below}</p>' if below else ''}</div></header>"
        f"{f'<nav>{links}<b>{shown}</b></nav>' if links else ''}"
        f"<main>{body}</main></body></html>\n"
    ).encode(errors="replace")


def problem(sentence: str) -> bytes:
    """A sentence instead of the page that was asked for, and a link to the first page."""
    return frame("LMKtorrent", card(f"<p>{escape(sentence)}</p>", button("Folders", "/")))


def escape(text: str) -> str:
    """Make a text safe in HTML, also between quotes."""
    for letter, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(letter, written)
    return text.replace("'", "&#39;")


def name(text: str, length: int = SHOWN_LENGTH) -> str:
    """What a stranger wrote, as HTML: nothing invisible, and not too long. Letters that are written
    from right to left turn nothing around them.
    """
    shown = escape(shown_name(text, length))
    return shown if text.isascii() else f"<bdi>{shown}</bdi>"


def button(label: str, href: str, *, is_first: bool = False) -> str:
    """`href`: quoted, and beginning with "./" or "/"."""
    return f'<a class="button{" first" if is_first else ""}" href="{href}">{label}</a>'


def card(left: str, *buttons: str, more: str = "") -> str:
    """A box with its buttons at the right, or below where there is no room, and `more` below."""
    right = f'<div class="buttons">{"".join(buttons)}</div>' if buttons else ""
    return f'<div class="card"><div class="row"><div>{left}</div>{right}</div>{more}</div>'
