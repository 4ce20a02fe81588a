"""What every view of the kit can do, and how one front-end reaches every host."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import os
import re
import sys
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..files import write_whole
from ._draw import page_colors
from ._questions import Question
from ._types import Data

T = TypeVar("T")
STATIC = resources.files(__package__) / "static"
# attributes that are made for a display, once
FOR_DISPLAY = ("_canvases", "_pages", "_plain")
TYPES = re.compile(r"/\*\*.*?\*/\s*", re.DOTALL)  # JSDoc
REPR_LINES = 120  # of the text that a notebook stores beside the picture


class View(ABC):
    """A picture of a program that is also text, SVG, HTML, data and a live widget."""

    scripts: tuple[
        str, ...
    ]  # the files in views/static that make up its front-end, in order
    title: str  # one line that says what is shown
    alone: tuple[
        str, ...
    ] = ()  # attributes that a file need not be able to hold
    questions: Sequence[Question] = ()  # what it asks before it shows
    recipe: Any = None  # how it was made, for `explore`

    @abstractmethod
    def model(self) -> Data:
        """Return what the front-end draws, as plain lists and dicts."""

    @abstractmethod
    def text(self, color: bool = False) -> str:
        """Return the whole content as text; `color` adds ANSI colours for a terminal."""

    @abstractmethod
    def svg(self) -> str:
        """Return the picture as an SVG that stands alone."""

    def json(self) -> str:
        """Return the view's model as JSON."""
        return _json(self.model())

    def html(self, step: int = -1) -> str:
        """Return HTML that steps without a kernel and fetches nothing.

        Where scripts are taken away (an untrusted notebook), the picture is what remains. The
        script carries the whole front-end and does nothing where it has run before; a site may
        keep one copy of it in a file. It is made once: a view does not change.

        Args:
            step: at which step it opens; -1 shows everything.
        """
        pages: dict[int, str] = self.__dict__.setdefault("_pages", {})
        if step not in pages:
            tag, code = element(self.scripts)
            state = pack({"view": self._embedded(), "step": step})
            picture = base64.b64encode(self.svg().encode()).decode()
            pages[step] = (
                f"<{tag} data-state='{state}' style='display:block'>"
                f"<img alt='{html.escape(self.title)}' style='max-width:100%' "
                f"src='data:image/svg+xml;base64,{picture}'></{tag}>\n"
                f"<script>\n{code}</script>"
            )
        return pages[step]

    def _embedded(self) -> Data:
        """Return the model in the order in which it deflates best."""
        return self.model()

    def point_model(self) -> Data:
        """Return the model as one of many points of an explorer."""
        return self._embedded()

    def explore(
        self,
        ranges: Mapping[str, Any] | None = None,
        /,
        *,
        frames: int | None = None,
        budget: int = 60_000,
        arguments: Callable[..., Any] | None = None,
        **named: Any,
    ) -> View:
        """Return this view with a slider for one or two of the numbers that go in.

        Without Python the sliders go over points that are computed now: as many as fit into the
        budget. With Python, `.live()` answers at any point.

        Args:
            ranges: for each number a pair (smallest, largest), or a list of values. Numbers are
                named like parameters and their entries: "x", "x[1]", "params['W'][0, 1]".
            frames: how many points for each slider; by default 21, or 7 for each of two.
            budget: bytes on the page; points are left out until they fit.
            arguments: a function of the sliders that returns the arguments, for sizes.
            **named: more ranges, for names that Python can write: `x=(0.0, 1.0)`.

        Raises:
            ValueError: for a name that there is not, a range that is not one, more than two
                sliders, or a function that raises at every point.
            RuntimeError: for a view that came from a file.

        ```python
        import olympus.numpy as jnp
        import olympus_kit as ok

        ok.graph(jnp.sin, 0.2).explore(x=(0.0, 3.0), frames=4)
        ```
        """
        if self.recipe is None:
            raise RuntimeError(
                f"This {type(self).__name__} does not know its function: make it anew."
            )
        asked = {**(ranges or {}), **named}
        explorer: View = self.recipe.explore(
            self, asked, frames, budget, arguments
        )
        return explorer

    def live(self) -> Any:
        """Return a widget over the same front-end, whose `step` Python can read and set."""
        from ._widget import widget

        return widget(self.model(), module(self.scripts))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the view to a file; the suffix chooses .svg, .png, .pdf, .html, .json or .txt.

        Raises:
            ValueError: for another suffix.
            FileNotFoundError: where the folder is missing.
            ModuleNotFoundError: for .png and .pdf without typst, an extra of the kit.
        """
        target = Path(path)
        writers = self._writers()
        suffix = target.suffix.lower()
        if suffix not in writers:
            raise ValueError(
                f"Cannot save as {target.suffix or 'a file without a suffix'}: {target.name} must "
                f"end in {', '.join(writers)}."
            )
        if not target.parent.is_dir():
            raise FileNotFoundError(
                f"There is no folder {target.parent}; make it first."
            )
        write_whole(target, writers[suffix]())
        return target

    def _writers(self) -> dict[str, Callable[[], str | bytes]]:
        return {
            ".svg": self.svg,
            ".png": lambda: typeset(self.svg(), "png"),
            ".pdf": lambda: typeset(self.svg(), "pdf"),
            ".html": self._page,
            ".json": self.json,
            ".txt": self.text,
        }

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
        return {"text/plain": self._plain, "text/html": self.html()}

    @cached_property
    def _plain(self) -> str:
        """The text that a notebook stores: of a long one the first lines."""
        lines = self.text().splitlines()
        more = len(lines) - REPR_LINES
        if more > 0:
            lines = lines[:REPR_LINES]
            lines.append(f"... {more} more lines: print(view) shows them all")
        return "\n".join(lines)

    def _forget(self) -> None:
        """Forget what was made for a display; a view that changes calls it."""
        for name in FOR_DISPLAY:
            self.__dict__.pop(name, None)

    def __getstate__(self) -> Data:
        """Return what a copy in a file holds: the data, not what was made for a display."""
        left_out = (*FOR_DISPLAY, "recipe", *self.alone)
        return {k: v for k, v in self.__dict__.items() if k not in left_out}

    def __deepcopy__(self, memo: dict[int, Any]) -> View:
        """Return another view of the same data, which nobody changes."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._forget()
        return copy


def there(function: T | None, call: str) -> T:
    """Return a function of a view; raise an error where it comes from a file and has none."""
    if function is None:
        raise RuntimeError(
            f"A view from a file has no functions to measure or to call: call {call} anew."
        )
    return function


def _shows_colour() -> bool:
    """Return whether what is printed lands in a terminal or a notebook; NO_COLOR forbids it."""
    if os.environ.get("NO_COLOR"):
        return False
    return sys.stdout.isatty() or type(sys.stdout).__module__.startswith(
        "ipykernel"
    )


def _json(data: Any, separators: tuple[str, str] | None = None) -> str:
    """Return plain data as JSON that every page can parse: null for NaN and infinity."""
    try:
        return json.dumps(
            data, ensure_ascii=False, separators=separators, allow_nan=False
        )
    except ValueError:
        return json.dumps(
            _finite(data), ensure_ascii=False, separators=separators
        )


def _finite(data: Any) -> Any:
    """Return plain data with None for numbers that JSON does not know."""
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(item) for item in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data


def pack(state: Data) -> str:
    """Return plain data as deflated JSON in base64, which the page unpacks by itself.

    Levels above 7 take up to five times as long, to save less than 1 %.
    """
    text = _json(state, (",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 7)).decode()


def typeset(svg: str, suffix: Literal["png", "pdf"]) -> bytes:
    """Return a picture that stands alone as PNG (2 pixels for each of its own) or as PDF.

    Raises:
        ModuleNotFoundError: without typst, which draws SVG without a browser.
    """
    try:
        import typst
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"Saving as .{suffix} needs typst, which is not installed. Install it with "
            "`pip install typst` (or the kit with its extra: `pip install 'olympus-kit[print]'`), "
            "or save as .svg, which every browser and office program opens."
        ) from None
    page = "#set page(width: auto, height: auto, margin: 0pt)\n"
    picture = '#image(bytes(sys.inputs.picture), format: "svg")\n'
    main = (page + picture).encode()
    # an SVG has 96 pixels to the inch
    drawn: bytes = typst.compile(
        main, format=suffix, ppi=192.0, sys_inputs={"picture": svg}
    )
    return drawn


@cache
def module(scripts: tuple[str, ...]) -> str:
    """Return files of the front-end as one module; it imports nothing, so joining is enough."""
    code = "\n".join((STATIC / name).read_text("utf-8") for name in scripts)
    return code.replace("/*COLORS*/", page_colors())


@cache
def element(scripts: tuple[str, ...]) -> tuple[str, str]:
    """Return the name of the custom element for a front-end, and the code that defines it.

    The name carries a hash of the code, so that two versions can live on one page.
    """
    code, host = module(scripts), (STATIC / "host.js").read_text("utf-8")
    code = TYPES.sub("", code)  # a page has no use for them
    digest = hashlib.sha256((code + host).encode()).hexdigest()[:8]
    tag = f"olympus-{scripts[-1].removesuffix('.js')}-{digest}"
    front = code.replace("export default { render };", "return { render };")
    return tag, host.replace("__TAG__", tag).replace("__FRONT__", front)
