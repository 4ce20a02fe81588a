#!/usr/bin/env python3
"""What mystmd asks of Python: the roles that name an API entry, and the outputs of code cells.

mystmd runs this file once to learn what it offers, then once for each use: a role's text or a
page's tree comes in on stdin as JSON, the answer goes out on stdout. A role is asked for often,
so nothing heavy is imported before it is needed.
"""

import json
import sys
from pathlib import Path
from typing import Any

Node = dict[str, Any]

ROLES = ("func", "mod", "class", "meth", "attr", "data", "obj")
NAMES = Path("_build/api/names.json")  # mystmd runs us in the project's folder


def offer() -> Node:
    """Say what this plugin can do."""
    body = {"type": "string", "required": True}
    return {
        "name": "OLYMPUS",
        "roles": [{"name": n, "doc": f"Link to a Python {n}", "body": body} for n in ROLES],
        "transforms": [{"name": "execute", "doc": "Run the code cells", "stage": "document"}],
    }


def api_link(text: str) -> list[Node]:
    """Return the link for a role such as {func}`olympus.grad` or {func}`the gradient <...>`.

    An unknown name keeps its own address, which mystmd then reports as having no target.
    """
    shown, _, target = text.strip().removesuffix(">").rpartition("<")
    target = target.strip().removesuffix("()")
    short = target.startswith("~")
    target = target.removeprefix("~")
    anchor = json.loads(NAMES.read_text()).get(target, target)
    label = target.rpartition(".")[2] if short else target
    code = {"type": "inlineCode", "value": label}
    child = {"type": "text", "value": shown.strip()} if shown else code
    return [{"type": "link", "url": f"#{anchor}", "children": [child]}]


def main(arguments: list[str]) -> Any:
    """Answer mystmd's call."""
    match arguments:
        case []:
            return offer()
        case ["--role", _]:
            return api_link(json.load(sys.stdin)["body"])
        case ["--transform", "execute"]:
            from execute import execute

            return execute(json.load(sys.stdin))
    raise SystemExit(f"plugin.py is called by mystmd; it does not know {arguments}.")


if __name__ == "__main__":
    json.dump(main(sys.argv[1:]), sys.stdout)
