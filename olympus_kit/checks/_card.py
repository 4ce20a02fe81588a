"""A short message as text and as HTML, for notebooks, terminals and pages alike."""

import html
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt

STYLE = (
    "border-left: 4px solid {colour}; padding: .4em .9em; margin: .3em 0; max-width: 46em;"
    "background: color-mix(in srgb, {colour} 8%, transparent); color: inherit"
)


@dataclass(frozen=True)
class Card:
    """A title and a body in Markdown; the body is folded where `fold` names the fold."""

    title: str
    body: str = ""
    fold: str = ""
    good: bool = False

    def text(self) -> str:
        """Title and body as plain text."""
        return f"{self.title}\n\n{plain(self.body)}".strip()

    def html(self) -> str:
        """Title and body as HTML that needs no style sheet, no script and no network."""
        colour = "#2e7d4f" if self.good else "#3b6ea8"
        inner = f"<strong>{html.escape(self.title)}</strong>"
        if self.body and self.fold:
            summary = f"<summary>{html.escape(self.fold)} (click to open)</summary>"
            inner += f"<details>{summary}{_markdown().render(self.body)}</details>"
        elif self.body:
            inner += _markdown().render(self.body)
        return f'<div style="{STYLE.format(colour=colour)}">{inner}</div>'

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def plain(markdown: str) -> str:
    """Markdown without the marks that a terminal would only show as noise."""
    text = re.sub(r"^```.*\n?", "", markdown, flags=re.MULTILINE)
    return re.sub(r"\*\*(.+?)\*\*", r"\1", text)


def in_kernel() -> bool:
    """Whether what is displayed reaches a notebook."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def show(card: Any) -> None:
    """Display a card or a picture in a notebook, print its text elsewhere."""
    if not in_kernel():
        print(card._repr_mimebundle_()["text/plain"])
        return
    from IPython.display import display

    display(card)  # type: ignore[no-untyped-call]
