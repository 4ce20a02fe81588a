"""What a Jupyter server does with the course's pages, wherever the kit is installed.

It is a package of its own since it runs in the server of every student, which needs no jax.

JupyterLab writes into a notebook what its kernel is, and shows that as a change to be saved. A
page, which is a text, has no place for that; so the server adds it, and the page opens as it was
saved. A cell with the tag `hide-input` opens folded, as it is on the book's pages. And a cell that
holds a label or asks a question gets an id that links can name. jupytext.toml keeps all of this
out of the text.
"""

import inspect
import re
from functools import wraps
from typing import Any

# what a page brings along is not a page, and would only be in the way in the list of files
BESIDE = (".ipynb", ".answers", ".spec.py")
LABEL = re.compile(r"^\((?P<label>[\w-]+)\)=\s+#+ (?P<title>.+)$", re.MULTILINE)


def question_id(name: str) -> str:
    """The id of the cell that asks the question `name`."""
    return f"{name}-question"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Complete what the server's contents manager reads."""
    manager = server.contents_manager
    plain = manager.get
    if inspect.iscoroutinefunction(plain):

        @wraps(plain)
        async def get(*args: Any, **kwargs: Any) -> Any:
            return completed(await plain(*args, **kwargs))

    else:

        @wraps(plain)
        def get(*args: Any, **kwargs: Any) -> Any:
            return completed(plain(*args, **kwargs))

    manager.get = get


def completed(model: dict[str, Any]) -> dict[str, Any]:
    """A notebook with what JupyterLab would add, or a folder without what pages bring along."""
    content = model.get("content")
    if content and model["type"] == "directory":
        model["content"] = _pages(content)
    elif content and model["type"] == "notebook":
        _add_language(content["metadata"])
        _name_cells(content["cells"])
        for cell in content["cells"]:
            if "hide-input" in _tags(cell):
                cell["metadata"].setdefault("jupyter", {"source_hidden": True})
    return model


def _pages(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = [file["name"] for file in files]
    stems = [name[:-3] for name in names if name.endswith(".md")]
    hidden = {stem + end for stem in stems for end in BESIDE}
    return [file for file in files if file["name"] not in hidden]


def _add_language(metadata: Any) -> None:
    """Add what this Python's kernel will say of its language."""
    from ipykernel.ipkernel import IPythonKernel

    if metadata.get("kernelspec", {}).get("name") == "python3":
        metadata.setdefault("language_info", dict(IPythonKernel.language_info))


def _tags(cell: Any) -> list[str]:
    return list(cell["metadata"].get("tags", []))


def _name_cells(cells: list[Any]) -> None:
    """Give a text its first label as an id, or the name of the question that it asks."""
    seen = set()
    for cell, below in zip(cells, [*cells[1:], None], strict=True):
        label = LABEL.search(cell["source"])
        id_ = label["label"] if label else ""
        if below and "answer" in _tags(below):
            id_ = question_id(below["metadata"].get("name", ""))
        if id_ and cell["cell_type"] == "markdown" and id_ not in seen:
            cell["id"] = id_
            seen.add(id_)
