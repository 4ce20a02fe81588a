"""Read and write MyST notebooks, with the same bytes every time.

jupytext is imported at first use, since most commands do without.
"""

import re
from pathlib import Path
from typing import Any

FORMAT = "md:myst"
VERSIONS = re.compile(
    r"^ +(format_version|jupytext_version): .*\n", re.MULTILINE
)


MARK = "\ufeff"  # that some editors put before a text, once or more often
FRONT = re.compile(r"---[ \t]*\r?\n(.*?)\n---", re.DOTALL)


class NotANotebook(ValueError):
    """A file that should be a MyST notebook and is not one."""


def read(path: Path) -> Any:
    """The notebook in a file. NotANotebook says what stands in the way."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise NotANotebook(f"{path} is not valid UTF-8: {error}.") from None
    return parse(text.lstrip(MARK), str(path))


def parse(text: str, name: str = "the text") -> Any:
    """The notebook in a text."""
    import jupytext

    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            raise NotANotebook(
                f"{name}:{number}: a merge conflict is left here: resolve it first."
            )
    try:
        return jupytext.reads(text, fmt=FORMAT)
    except Exception as error:
        why = str(error).partition("\n\n")[0]
        raise NotANotebook(
            f"{name} can't be read as a MyST notebook: {why}"
        ) from None


def is_notebook(path: Path) -> bool:
    """Whether a Markdown file says of itself that it is a MyST notebook.

    Its front matter names jupytext's format, or as mystmd writes it a kernel. A file in UTF-16
    counts, too, so that it is told and not passed over.
    """
    raw = path.read_bytes()
    wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = raw.decode("utf-16" if wide else "utf-8", errors="replace").lstrip(
        MARK
    )
    front = FRONT.match(text)
    if front is None:
        return False
    return (
        "format_name: myst" in front[1]
        or re.search(r"^kernelspec:", front[1], re.M) is not None
    )


def write(notebook: Any) -> str:
    """The notebook as text: jupytext's own fixpoint, without version fields."""
    import jupytext
    from jupytext.config import JupytextConfiguration

    # Keep the front matter (title, level, ...); jupytext would drop it.
    keep_all = JupytextConfiguration(notebook_metadata_filter="all")
    return VERSIONS.sub(
        "", jupytext.writes(notebook, fmt=FORMAT, config=keep_all)
    )


def as_ipynb(notebook: Any) -> str:
    """The notebook as a plain .ipynb without outputs, which every other tool can read."""
    import jupytext

    return str(jupytext.writes(notebook, fmt="ipynb"))


def new(cells: list[Any], metadata: dict[str, Any]) -> Any:
    """A notebook of these cells."""
    import nbformat

    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)  # type: ignore[no-untyped-call]


def markdown(text: str) -> Any:
    """A Markdown cell."""
    import nbformat

    return nbformat.v4.new_markdown_cell(text)  # type: ignore[no-untyped-call]


def tags(cell: Any) -> list[str]:
    found = cell.metadata.get("tags", [])
    return list(found) if isinstance(found, list) else []


def name(cell: Any) -> str:
    return str(cell.metadata.get("name", ""))


def lines(path: Path, notebook: Any) -> list[int]:
    """The line of the file at which each cell's source starts."""
    text = path.read_text(encoding="utf-8").lstrip(MARK).splitlines()
    found, at = [], 0
    for cell in notebook.cells:
        wanted = cell.source.splitlines() or [""]
        here = next(
            (i for i in range(at, len(text)) if _starts(text, i, wanted)),
            at,
        )
        found.append(here + 1)
        at = min(here + len(wanted), len(text))
    return found


def _starts(text: list[str], at: int, wanted: list[str]) -> bool:
    ours = [line.rstrip() for line in text[at : at + len(wanted)]]
    return ours == [line.rstrip() for line in wanted]


def same_cells(left: Any, right: Any) -> bool:
    """Whether two notebooks have the same cells: kind, source, name and tags."""
    return [_essence(c) for c in left.cells] == [
        _essence(c) for c in right.cells
    ]


def _essence(cell: Any) -> tuple[Any, ...]:
    frozen = tuple(
        cell.metadata.get(option, True) for option in ("editable", "deletable")
    )
    return (
        cell.cell_type,
        cell.source.strip(),
        name(cell),
        tuple(tags(cell)),
        frozen,
    )
