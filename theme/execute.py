"""Run a page's code cells in a kernel of their own and put the outputs into the page's tree.

plugin.mjs starts this for each page: the tree comes in on stdin as JSON, and goes out on stdout.

Why not `myst build --execute`: it needs a Jupyter server with a port and a token, it can crash
when a cell opens a comm, and its cache does not see that the library has changed. Here one
kernel runs behind local sockets for each page, through nbclient.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

Node = dict[str, Any]

CACHE = Path("_build/execute")
LIBRARY = Path(__file__).resolve().parent.parent
COMPUTES = ("jax", "jaxlib", "numpy", "scipy", "matplotlib")
CELL_TIMEOUT = 600  # seconds; a cell that needs more does not belong in a book


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, in reading order."""
    yield node
    for child in node.get("children", []):
        yield from walk(child)


def part(block: Node, kind: str) -> Node:
    """Return the block's own node of that kind."""
    return next(node for node in walk(block) if node["type"] == kind)


def tags(block: Node) -> list[str]:
    """Return the cell's tags."""
    return list((block.get("data") or {}).get("tags", []))


def code_cells(tree: Node) -> list[Node]:
    """Return the blocks that are to be run."""
    blocks = [n for n in walk(tree) if n["type"] == "block" and n.get("kind") == "notebook-code"]
    return [block for block in blocks if "skip-execution" not in tags(block)]


def library_files() -> list[Path]:
    """Return the sources whose change makes an old output wrong."""
    return sorted(
        path
        for folder in ("olympus", "olympus_kit", "book/quiz")
        for path in (LIBRARY / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def cache_key(blocks: list[Node]) -> str:
    """Hash what the outputs depend on: the cells, the kit, Python and what computes and draws."""
    cells = [(part(block, "code")["value"], tags(block)) for block in blocks]
    versions = [sys.version, *(version(name) for name in COMPUTES)]
    digest = hashlib.sha256(json.dumps([versions, cells]).encode())
    for path in library_files():
        digest.update(str(path.relative_to(LIBRARY)).encode() + path.read_bytes())
    return digest.hexdigest()[:32]


@contextmanager
def one_of_the_slots() -> Iterator[None]:
    """Wait for a free place: mystmd asks for all pages at once, the machine has few cores."""
    from filelock import FileLock, Timeout

    for slot in cycle(range(min(4, os.cpu_count() or 1))):
        lock = FileLock(CACHE / f"slot-{slot}.lock")
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            continue
        try:
            yield
        finally:
            lock.release()
        return


def error_output(error: Exception) -> Node:
    """Return what a cell shows whose kernel died or took too long."""
    told = [f"{type(error).__name__}: {error}"]
    return {"output_type": "error", "ename": told[0], "evalue": "", "traceback": told}


def run(blocks: list[Node]) -> tuple[list[list[Node]], bool]:
    """Run the cells; return the outputs of each, and whether all did what they should.

    Sockets in a folder (`ipc`) cannot lose a race for a port, as TCP kernels now and then do.
    nbclient is imported here, since most builds find all outputs in the cache.
    """
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    new = nbformat.v4.new_code_cell
    cells = [new(part(b, "code")["value"], metadata={"tags": tags(b)}) for b in blocks]
    notebook, worked, begun = nbformat.v4.new_notebook(cells=cells), True, [0]
    with TemporaryDirectory(prefix="olympus-") as folder:
        manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{folder}/kernel")
        client = NotebookClient(notebook, km=manager, timeout=CELL_TIMEOUT, record_timing=False)
        client.coalesce_streams = True  # one block of text, however often a cell prints
        client.on_cell_start = lambda cell, cell_index: begun.append(cell_index)
        try:
            client.execute(cwd="book")
        except CellExecutionError:
            worked = False
        except (DeadKernelError, CellTimeoutError) as error:
            worked = False
            cells[begun[-1]].outputs.append(nbformat.from_dict(error_output(error)))
    return [list(cell.outputs) for cell in cells], worked


def outputs_of(blocks: list[Node]) -> list[list[Node]]:
    """Return the outputs of every cell; those of a page that worked are kept for next time."""
    kept = CACHE / f"{cache_key(blocks)}.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    CACHE.mkdir(parents=True, exist_ok=True)
    with one_of_the_slots():
        outputs, worked = run(blocks)
    if worked:
        draft = kept.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(outputs), encoding="utf-8")
        draft.replace(kept)
    return outputs


def execute(tree: Node) -> Node:
    """Return the page's tree with the outputs of its cells.

    A cell that fails leaves its error among the outputs; rendering, which knows the page's
    name, then stops the build.
    """
    blocks = code_cells(tree)
    if blocks:
        for block, outputs in zip(blocks, outputs_of(blocks), strict=True):
            part(block, "outputs")["children"] = [
                {"type": "output", "children": [], "jupyter_data": data} for data in outputs
            ]
    return tree


if __name__ == "__main__":
    json.dump(execute(json.load(sys.stdin)), sys.stdout)
