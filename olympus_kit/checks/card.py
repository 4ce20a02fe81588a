"""Cards: what checks and hints show, as HTML in the book's look, and as text for terminals."""

import html
import os
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from markdown_it import MarkdownIt

Tone = Literal["good", "open", "quiet", "help"]
# each has a sign and a word beside it; on a dark ground the tint is dark, too
COLOURS: dict[Tone, str] = {
    "good": "#2e8b57",
    "open": "#b06f00",
    "quiet": "#7b8794",
    "help": "#3b6ea8",
}
STYLE = (
    "border: 1px solid color-mix(in srgb, {colour} 35%, transparent);"
    "border-left: 4px solid {colour}; border-radius: 3px 8px 8px 3px;"
    "padding: .4em 1em; margin: .3em 0; max-width: 46em; line-height: 1.5;"
    "background: color-mix(in srgb, {colour} 8%, transparent); color: inherit"
)
PILL = (
    "display: inline-block; border: 1px solid currentColor; border-radius: 1em;"
    "padding: 0 .7em; margin: .15em .1em; color: inherit; text-decoration: none"
)
# JupyterLab takes the triangle away
SUMMARY = '<summary style="display: list-item; cursor: pointer">'
SPECIAL = re.compile(r"([\\*_\[\]<>#&|~$])")


@dataclass(frozen=True)
class Strip:
    """The questions of one exercise, each a name, whether it is solved, and where it stands."""

    title: str
    address: str
    questions: tuple[tuple[str, bool, str], ...]

    @property
    def solved(self) -> str:
        """How many are solved, in words."""
        count = sum(solved for _, solved, _ in self.questions)
        return f"{count} of {len(self.questions)} solved"

    def text(self) -> str:
        """One line: every question with its sign."""
        signs = [
            f"{_sign(solved)} {name}" for name, solved, _ in self.questions
        ]
        return f"{self.title} ({self.solved}): {'  '.join(signs)}"

    def html(self) -> str:
        """A link to the page, and one to every question."""
        pills = []
        for name, solved, address in self.questions:
            weight = "bold" if solved else "normal"
            word = "solved" if solved else "not solved yet"
            pills.append(
                f'<a href="{html.escape(address)}" style="{PILL}; font-weight: {weight}"'
                f' title="{word}">{_sign(solved)} {name}</a>'
            )
        head = f'<a href="{html.escape(self.address)}">{html.escape(self.title)}</a>'
        return f"<p>{head} · {self.solved}<br>{' '.join(pills)}</p>"


def _sign(solved: bool) -> str:
    return "✓" if solved else "○"


@dataclass(frozen=True)
class Card:
    """A title, a remark as plain text, a body in Markdown, which is folded where `fold` names the
    fold, and what comes after it: a line `then` in Markdown, and strips of questions.
    """

    title: str
    body: str = ""
    fold: str = ""
    tone: Tone = "help"
    remark: str = ""
    then: str = ""
    strips: tuple[Strip, ...] = ()

    def text(self) -> str:
        """The card as plain text."""
        parts = [self.remark, self.body, self.then]
        lines = [self.title, *(plain(part) for part in parts)]
        lines += [strip.text() for strip in self.strips]
        return "\n\n".join(filter(None, lines)).strip()

    def html(self) -> str:
        """The card as HTML that needs no style sheet, no script and no network."""
        inner = f"<strong>{html.escape(self.title)}</strong>"
        inner += _markdown().render(literal(self.remark))
        body = _markdown().render(self.body)
        if body and self.fold:
            words = f"{html.escape(self.fold)} (click to open)"
            body = f"<details>{SUMMARY}{words}</summary>{body}</details>"
        inner += body + _markdown().render(self.then)
        inner += "".join(strip.html() for strip in self.strips)
        style = STYLE.format(colour=COLOURS[self.tone])
        return f'<div style="{style}">{inner}</div>'

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
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\*\*(.+?)\*\*", r"\1", text)


def literal(text: str) -> str:
    """A message as Markdown that shows it as it is, its code in backticks as code."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # an odd backtick is not code
        return SPECIAL.sub(r"\\\1", text).replace("`", r"\`")
    pieces[::2] = [SPECIAL.sub(r"\\\1", piece) for piece in pieces[::2]]
    return "`".join(pieces)


def in_kernel() -> bool:
    """Whether what is displayed reaches a notebook; nbval reads text alone."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel") and "OLYMPUS_TEXT" not in os.environ


def show(card: Any) -> None:
    """Display a card or a picture in a notebook, print its text elsewhere."""
    if not in_kernel():
        print(card._repr_mimebundle_()["text/plain"])
        return
    from IPython.display import display

    display(card)  # type: ignore[no-untyped-call]
