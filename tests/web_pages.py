"""Reads a web page as strictly as none of its readers does."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "link", "img", "br"}  # elements without an end
_ACTIVE = {"script", "iframe", "object", "embed", "form", "base"}


class WebPage(HTMLParser):
    """Its elements and words. Raises AssertionError if one does not end, or could do anything."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.elements = list[tuple[str, dict[str, str]]]()
        self.text = ""
        self._open = list[str]()
        self.feed(html.decode())
        self.close()
        if self._open:
            raise AssertionError(f"{self._open} do not end")

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

    @property
    def links(self) -> list[str]:
        return [attributes["href"] for tag, attributes in self.elements if tag == "a"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag not in _VOID:
            self._open.append(tag)
        if tag in _ACTIVE or "style" in attributes or any(name[:2] == "on" for name in attributes):
            raise AssertionError(f"a page has {tag} with {attributes}")
        places = "data:image/" if tag in ("img", "link") else ("./", "../", "/")
        for target in (attributes[name] for name in ("src", "href") if name in attributes):
            if not target.startswith(places):
                raise AssertionError(f"{tag} leads to {target}")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            raise AssertionError(f"{tag} ends, but was not open")

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text += data
