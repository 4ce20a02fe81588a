"""What every view of the kit can do, and how one front-end reaches every host."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import sys
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from ..files import write_whole

STATIC = resources.files(__package__) / "static"
REPR_LINES = 120  # of the text that a notebook stores beside the picture


class View(ABC):
    """A picture of a program that is also text, SVG, HTML, data and a live widget."""

    scripts: tuple[str, ...]  # the files in views/static that make up its front-end, in order

    @abstractmethod
    def model(self) -> dict[str, Any]:
        """Return what the front-end draws, as plain lists and dicts."""

    @abstractmethod
    def text(self, color: bool = False) -> str:
        """Return the whole content as text; `color` adds ANSI colours for a terminal."""

    @abstractmethod
    def svg(self) -> str:
        """Return the picture as an SVG that stands alone."""

    @property
    @abstractmethod
    def title(self) -> str:
        """One line that says what is shown."""

    def json(self) -> str:
        """Return the view's model as JSON."""
        return json.dumps(self.model(), ensure_ascii=False)

    def html(self, step: int = -1) -> str:
        """Return HTML that steps without a kernel and fetches nothing; it opens at `step`.

        Where scripts are taken away (an untrusted notebook), the picture is what remains. The
        script carries the whole front-end and does nothing where it has run before; a site may
        keep one copy of it in a file.
        """
        tag, code = _element(self.scripts)
        state = pack({"view": self._embedded(), "step": step})
        picture = base64.b64encode(self.svg().encode()).decode()
        return (
            f"<{tag} data-state='{state}' style='display:block'>"
            f"<img alt='{html.escape(self.title)}' style='max-width:100%' "
            f"src='data:image/svg+xml;base64,{picture}'></{tag}>\n"
            f"<script>\n{code}</script>"
        )

    def _embedded(self) -> dict[str, Any]:
        """Return the model in the order in which it deflates best."""
        return self.model()

    def live(self) -> Any:
        """Return a widget over the same front-end, whose `step` Python can read and set."""
        from ._widget import widget

        return widget(self.model(), module(self.scripts))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the view to a file; the suffix chooses .svg, .html, .json or .txt."""
        target = Path(path)
        writers = self._writers()
        if target.suffix not in writers:
            raise ValueError(
                f"Cannot save as {target.suffix or 'a file without a suffix'}: {target.name} must "
                f"end in {', '.join(writers)}."
            )
        if not target.parent.is_dir():
            raise FileNotFoundError(f"There is no folder {target.parent}; make it first.")
        write_whole(target, writers[target.suffix]())
        return target

    def _writers(self) -> dict[str, Callable[[], str]]:
        return {".svg": self.svg, ".html": self._page, ".json": self.json, ".txt": self.text}

    def _page(self) -> str:
        return (
            "<!doctype html>\n<html lang='en'><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width, initial-scale=1'>"
            f"<title>{html.escape(self.title)}</title><link rel='icon' href='data:,'>"
            "<style>:root{color-scheme:light dark}body{margin:1rem;background:Canvas;"
            "color:CanvasText}h1{position:absolute;clip-path:inset(50%);width:1px;height:1px;"
            "margin:0;overflow:hidden}</style>"
            f"<main><h1>{html.escape(self.title)}</h1>{self.html()}</main></html>\n"
        )

    def __str__(self) -> str:
        return self.text(color=_shows_colour())

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.title}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        lines = self.text().splitlines()
        if len(lines) > REPR_LINES:
            left_out = len(lines) - REPR_LINES
            lines = [*lines[:REPR_LINES], f"... {left_out} more lines: print(view) shows them all"]
        return {"text/plain": "\n".join(lines), "text/html": self.html()}


def _shows_colour() -> bool:
    """Return whether what is printed lands in a terminal or a notebook; NO_COLOR forbids it."""
    if os.environ.get("NO_COLOR"):
        return False
    return sys.stdout.isatty() or type(sys.stdout).__module__.startswith("ipykernel")


def pack(state: dict[str, Any]) -> str:
    """Return plain data as deflated JSON in base64, which the page unpacks by itself.

    Levels above 7 take up to five times as long, to save less than 1 %.
    """
    text = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 7)).decode()


@cache
def module(scripts: tuple[str, ...]) -> str:
    """Return files of the front-end as one module; it imports nothing, so joining is enough."""
    return "\n".join((STATIC / name).read_text("utf-8") for name in scripts)


@cache
def _element(scripts: tuple[str, ...]) -> tuple[str, str]:
    """Return the name of the custom element for a front-end, and the code that defines it.

    The name carries a hash of the code, so that two versions can live on one page.
    """
    code, host = module(scripts), (STATIC / "host.js").read_text("utf-8")
    digest = hashlib.sha256((code + host).encode()).hexdigest()[:8]
    tag = f"olympus-{scripts[-1].removesuffix('.js')}-{digest}"
    front = code.replace("export default { render };", "return { render };")
    return tag, host.replace("__TAG__", tag).replace("__FRONT__", front)
