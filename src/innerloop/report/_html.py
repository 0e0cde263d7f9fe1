"""HTML that is escaped by construction: whatever is not `Html` is text."""

from __future__ import annotations

import html
from typing import Any

_VOID = frozenset({"meta", "br", "hr", "img"})


class Html(str):
    """Markup. Only the functions of this package make it; everything else is escaped."""

    __slots__ = ()


def safe(value: Any) -> Html:
    """Text as markup: escaped, unless it is markup already.

    >>> safe("<b> & 'c'")
    '&lt;b&gt; &amp; &#x27;c&#x27;'
    """
    if isinstance(value, Html):
        return value
    # a name of a file may hold bytes that are no UTF-8, which Python keeps as lone surrogates
    text = str(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return Html(html.escape(text, quote=True))


def join(*parts: Any, by: str = "") -> Html:
    """Parts side by side; empty ones are left out."""
    return Html(by.join(text for text in map(safe, parts) if text))


def tag(name: str, /, *children: Any, **attributes: Any) -> Html:
    """An element. An attribute that is None is left out; `class_` is `class`, `aria_label` is `aria-label`.

    >>> tag("p", "1 < 2", class_="lead", title=None)
    '<p class="lead">1 &lt; 2</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{safe(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    opened = f"<{name}{written}>"
    return Html(opened) if name in _VOID else Html(f"{opened}{join(*children)}</{name}>")


def section(title: str, *content: Any, lead: str = "", name: str | None = None) -> Html:
    """A part of the page with a heading; nothing if there is no content."""
    body = join(*content)
    if not body:
        return Html("")
    return tag("section", tag("h2", title), tag("p", lead, class_="lead") if lead else "", body, class_=name)


def listing(items: list[Any], **attributes: Any) -> Html:
    """A list; nothing if there are no items."""
    return tag("ul", *(tag("li", item) for item in items), **attributes) if items else Html("")
