"""The library is thin in ideas: what that means in numbers, which may fall and do not rise.

An idea is counted as a node of the syntax tree, so that nothing is won by packing a line. Who has
a reason to raise a bound gives it in the commit.
"""

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("olympus", "olympus_kit")

# of all modules together. What it has grown by lately, with the reason: the pattern of a sparse
# Jacobian is read from the kit's own program (7,400), since the library for it does not know the
# newest jax; every sentence of a ladder is checked against numbers and written as NumPy writes it
# (5,000); gradients are drawn leaf by leaf and figures step by one front-end (8,000); single edits
# of solutions name mistakes that no author foresaw (10,600); figures ask, answer and follow sliders
# (12,500); a class is graded in a jail (21,600); a new lesson is written, all mistakes of all
# lessons are told at once, and other ways are shown after success (2,400); a gallery shows the
# Jacobians and costs of its functions, too (60); the words of two arrows side by side do not meet
# (80); a release compares the names of a check, of the points and of the predictions with the
# answer's, and `olympus try` prints messages (390); what an answer in NumPy costs is seen while it
# runs (210); an exception is read with the line that it came from (170); what one number says is
# not taken for a rule, and of two results the wrong one is named (430); an answer is given the
# processor's time, and is not blamed for the check's own derivatives, and an error in a function
# that was given is told to be there (770); where nothing foresaw a mistake, the student's own code
# is edited until it is right, and the place is told, and a question rules names out (3,300); a
# mistake that is made throughout, a line on the wrong side of a loop, a value that stands elsewhere
# and a part of several are found so, too, and cells that fill a list are run again (2,450); what
# students hand in is read in a process with limits, and names, times, zips and replies of theirs
# are held to bounds by the judge itself (2,150); a dict whose keys have no order is refused before
# jaxlib loses nested calls with it, and an edit that raises is given up (200); a second look at
# grading: packed folders, wrong tables, cells in every form and helpers that do not end are told
# or taken, one question anew leaves the rest alone, what the text rules out is read in all cells,
# and a jail sees no compiled program of a lesson's (2,850); no edit is run where a loop may not end
# (150); of two mistakes one has a place and the other one its words (700);
# pictures of what people have were false or cut: each call of a line has its fold, lines are what
# NumPy would run, a Jacobian and its leaves have the names and the shapes of the arguments, arrows
# and labels stay inside, a long ladder's picture leaves nothing out, bars agree with their sum,
# errors say what helps, mutable arrays from outside are written once, and what no derivative leaves
# gets no tap (4,950); values in loops, branches and calls have tangents and adjoints of their own,
# a closed fold says which of them stand in it, and a named scope is one row (3,300); a loop says
# what goes into each iteration, what a call saves goes by its name inside, and messages put names
# as code (1,800)
MOST_NODES = 197_000
MOST_NODES_A_LINE = 8.5  # a line of code: no blank line, comment or docstring
CIRCLES: set[frozenset[str]] = set()
MOST_PRIVATE_IMPORTS = 0  # of a private name of one package by another


@functools.cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of each module of the library by its dotted name."""
    trees = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            trees[name] = ast.parse(path.read_text(encoding="utf-8"))
    return trees


def is_package(name: str) -> bool:
    return (ROOT / Path(*name.split(".")) / "__init__.py").exists()


def code_lines(tree: ast.Module) -> int:
    """Count the lines that hold code, docstrings left out."""
    lines: set[int] = set()
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0])
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node) is not None
    }

    def visit(node: ast.AST) -> None:
        if id(node) in docstrings:
            return
        if hasattr(node, "lineno"):
            lines.update((node.lineno, node.end_lineno))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree)
    return len(lines)


def imports(name: str) -> list[tuple[str, str]]:
    """Return what a module imports when it is loaded or later: (module, name in it)."""
    package = name if is_package(name) else name.rpartition(".")[0]
    imported = []
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            imported += [(base, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            imported += [(alias.name, "") for alias in node.names]
    return imported


def arrows() -> dict[str, set[str]]:
    """Return which modules of the library each module imports."""
    known = modules()
    graph: dict[str, set[str]] = {}
    for name in known:
        targets = set()
        for base, member in imports(name):
            inside = f"{base}.{member}"
            if inside in known:
                targets.add(inside)
            elif base in known:
                targets.add(base)
        graph[name] = targets - {name}
    return graph


def circles() -> set[frozenset[str]]:
    """Return the groups of modules that import each other, directly or through others."""
    graph = arrows()

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting.extend(graph[name])
        return seen

    reach = {name: reachable(name) for name in graph}
    return {
        frozenset(other for other in reach[name] if name in reach[other])
        for name in graph
        if name in reach[name]
    }


def private_imports() -> list[str]:
    """Return where a package uses a private module or name of another."""

    def room(module: str) -> str:
        parts = module.split(".")
        return ".".join(parts[:2]) if parts[0] == "olympus_kit" else parts[0]

    crossing = []
    for name in modules():
        for base, member in imports(name):
            path = f"{base}.{member}"
            private = any(part.startswith("_") and part[1:2] != "_" for part in path.split("."))
            # the kit's face extends that of olympus, and refuses unknown names in the same words
            if (name, base) == ("olympus_kit", "olympus._modules"):
                continue
            if base.split(".")[0] in PACKAGES and private and room(base) != room(name):
                crossing.append(f"{name}: {path}")
    return crossing


def test_nodes_do_not_rise():
    assert sum(1 for tree in modules().values() for _ in ast.walk(tree)) <= MOST_NODES


def test_lines_are_not_packed():
    nodes = sum(1 for tree in modules().values() for _ in ast.walk(tree))
    lines = sum(code_lines(tree) for tree in modules().values())
    assert nodes / lines <= MOST_NODES_A_LINE


def test_no_import_circle_is_added():
    assert circles() <= CIRCLES


def test_no_private_name_crosses_a_wall():
    crossing = private_imports()
    assert len(crossing) <= MOST_PRIVATE_IMPORTS, "\n".join(crossing)
