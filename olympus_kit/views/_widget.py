"""The live host: an anywidget over a view's front-end module."""

from __future__ import annotations

from functools import cache
from typing import Any

import anywidget
import traitlets


@cache
def _widget_class(source: str) -> Any:
    traits = {
        "_esm": source,
        "view": traitlets.Dict().tag(sync=True),
        "step": traitlets.Int(-1).tag(sync=True),
        # of an explorer: where the page wants to look, and what Python says there
        "point": traitlets.Dict().tag(sync=True),
        "answer": traitlets.Dict().tag(sync=True),
    }
    return type("LiveView", (anywidget.AnyWidget,), traits)


def widget(model: dict[str, Any], module: str) -> Any:
    """Return a widget that shows `model` with the front-end `module`."""
    return _widget_class(module)(view=model)
