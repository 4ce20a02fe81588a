"""Read and write MyST notebooks, with the same bytes every time."""

import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from jupytext.config import JupytextConfiguration

FORMAT = "md:myst"
# Keep the front matter (title, level, ...) when writing; jupytext would drop it.
KEEP_ALL = JupytextConfiguration(notebook_metadata_filter="all")
VERSIONS = re.compile(r"^ +(format_version|jupytext_version): .*\n", re.MULTILINE)


class NotANotebook(ValueError):
    """A file that should be a MyST notebook and is none."""


def read(path: Path) -> Any:
    """The notebook in a file. NotANotebook says what stands in the way."""
    return parse(path.read_text(encoding="utf-8-sig"), str(path))


def parse(text: str, name: str = "the text") -> Any:
    """The notebook in a text."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            raise NotANotebook(f"{name}:{number}: a merge conflict is left here: resolve it first.")
    try:
        return jupytext.reads(text, fmt=FORMAT)
    except Exception as error:
        raise NotANotebook(f"{name} can't be read as a MyST notebook: {error}") from None


def is_notebook(path: Path) -> bool:
    """Whether a Markdown file says of itself that it is a MyST notebook."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        head = file.read(4000)
    front = re.match(r"---\r?\n(.*?)\n---", head, re.DOTALL)
    return front is not None and "format_name: myst" in front[1]


def write(notebook: Any) -> str:
    """The notebook as text: jupytext's own fixpoint, without version fields."""
    return VERSIONS.sub("", jupytext.writes(notebook, fmt=FORMAT, config=KEEP_ALL))


def new(cells: list[Any], metadata: dict[str, Any]) -> Any:
    """A notebook of these cells."""
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)  # type: ignore[no-untyped-call]


def tags(cell: Any) -> list[str]:
    found = cell.metadata.get("tags", [])
    return list(found) if isinstance(found, list) else []


def name(cell: Any) -> str:
    return str(cell.metadata.get("name", ""))


def lines(path: Path, notebook: Any) -> list[int]:
    """The line of the file at which each cell's source starts."""
    text = path.read_text(encoding="utf-8-sig").splitlines()
    found, at = [], 0
    for cell in notebook.cells:
        wanted = cell.source.splitlines() or [""]
        here = next((i for i in range(at, len(text)) if _starts(text, i, wanted)), at)
        found.append(here + 1)
        at = min(here + len(wanted), len(text))
    return found


def _starts(text: list[str], at: int, wanted: list[str]) -> bool:
    ours = [line.rstrip() for line in text[at : at + len(wanted)]]
    return ours == [line.rstrip() for line in wanted]


def same_cells(left: Any, right: Any) -> bool:
    """Whether two notebooks have the same cells: kind, source, name and tags."""
    return [_essence(c) for c in left.cells] == [_essence(c) for c in right.cells]


def _essence(cell: Any) -> tuple[Any, ...]:
    frozen = tuple(cell.metadata.get(option, True) for option in ("editable", "deletable"))
    return cell.cell_type, cell.source.strip(), name(cell), tuple(tags(cell)), frozen
