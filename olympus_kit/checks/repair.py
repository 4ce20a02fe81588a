"""The place of a mistake that nothing foresaw: one change of the student's code makes it right.

Where no prediction explains an answer, its own code is edited, one place at a time, and run again.
If an edit gives the right results in every case, the mistake stands where the edit was made, and
the kind of the edit says what is wrong there. That is computed, not guessed: with this one change
the answer is right at every point. The changed code itself is not told.

The idea is that of program repair by mutation (Debroy and Wong 2010). Limits: mistakes in two
places are not found, nor is what takes longer than `SECONDS`; and where two edits would do, the
one that is tried first is told.
"""

import ast
import contextlib
import copy
import inspect
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import jax

from .edits import Change, Facts, Place, changes, names_around, places
from .evidence import is_right, observe
from .message import Diagnosis, catalogue
from .run import Clock, TookTooLong, alarm, has_alarm
from .spec import Question, Unsolved
from .steps import code_of

SECONDS = 2.0  # of the processor, for all edits of one answer
LONGEST = 60  # characters of code that a message shows
# What an edit says of the place that it changes. The kinds are those of `edits` and of
# `_additions`; a kind that is not here is not tried. Those that stand first are tried first: kinds
# of which a cell has few places, then those of which it has many.
WHAT = {
    "edit-axis": "another axis belongs there",
    "edit-operands": "its two sides have to change places",
    "edit-transpose": "it is transposed once too often",
    "edit-constant": "another number belongs there",
    "edit-index": "another index belongs there",
    "edit-part": "the other one of two results belongs there",
    "edit-arguments": "two of its arguments have to change places",
    "edit-function": "another function belongs there",
    "edit-comparison": "another comparison belongs there",
    "edit-negation": "it has a minus sign too many",
    "edit-sign": "a minus sign is missing",
    "edit-term": "it has a term too many",
    "edit-factor": "it has a factor or a divisor too many",
    "edit-slice": "all of it is meant, not a part",
    "edit-call": "it has a call too many",
    "add-shift": "the index is off by one",
    "add-order": "this line and the one after it have to change places",
    "edit-operator": "another operation belongs there",
    "add-square": "a square is missing",
    "edit-name": "another value belongs there",
    "edit-iterations": "the number of iterations or their order is another one",
    "add-part": "one part of it is meant, not all",
    "edit-statement": "the line is too much there",
    "edit-accumulation": "what was there before has to be replaced",
    "add-accumulation": "what was there before has to be kept: `+=`",
    "add-axis": "an axis has to be named there",
    "add-transpose": "a transpose is missing",
    "add-sign": "a minus sign is missing",
    "add-factor": "a factor or a divisor is missing",
    "add-term": "a term is missing",
    "edit-default": "an argument is given there that should not be",
}
ORDER = list(WHAT)
# code that names one of these may do more than compute: nothing of it is run again
EFFECTS = {
    "open",
    "exec",
    "eval",
    "compile",
    "input",
    "system",
    "subprocess",
    "shutil",
    "Path",
    "while_loop",  # a compiled loop that never ends cannot be stopped
}
# methods that change a list or a dict
CHANGES = {"append", "extend", "insert", "add", "update", "setdefault"}
OTHERS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    # no power: of two whole numbers it may take for ever, and no signal stops it
    ast.Mult: (ast.Add, ast.Sub, ast.MatMult),
    ast.Div: (ast.Sub,),
    ast.Add: (ast.Mult,),
    ast.Sub: (ast.Div,),
}
# what is said of an answer whose mistake nothing predicted
UNNAMED = {
    "off",
    "only-large",
    "shape",
    "raised",
    "law",
    "nearly",
    "factor",
    "nan",
    "all-zero",
    "container",
    "part-container",
    "shapes-do-not-fit",
    "contracting-shapes",
    "arguments-of-a-call",
    "tangent-shape",
    "cotangent-shape",
    "index-too-large",
    "too-many-indices",
    "cotangent-structure",
    "no-parts",
    "unpacked-wrongly",
    "container-as-number",
}
PLACED = "With one change it is right at every point that was tried: look at {words}."
MISSING: dict[str, tuple[type[ast.operator], ...]] = {
    "add-factor": (ast.Mult, ast.Div),
    "add-term": (ast.Add, ast.Sub),
}


def with_place(
    question: Question, answer: Any, diagnosis: Diagnosis
) -> Diagnosis:
    """A diagnosis with the place of the mistake, where nothing foresaw it and an edit mends it."""
    is_edit = diagnosis.id.startswith("edit-")
    if not is_edit and diagnosis.id not in UNNAMED:
        return diagnosis
    code = code_of(answer)
    found = _one_change(question, answer, code)
    if found is None:
        return diagnosis
    words, line = found
    name, message = diagnosis.name, diagnosis.message
    if is_edit:
        # the student's own code says more than what the same edit makes of another solution
        name = catalogue()["off"].name
        message = re.sub(" is what .*", " is not right yet.", message)
    return replace(
        diagnosis,
        name=name,
        message=f"{message.strip()} {PLACED.format(words=words)}",
        line=f"Line {line} of your cell: {code.splitlines()[line - 1].strip()}",
    )


def _one_change(
    question: Question, answer: Any, code: str
) -> tuple[str, int] | None:
    """What one change of the code would mend, in words, and the number of its line.

    None where no single edit makes the answer right, and where its code cannot be run again.
    """
    run_again = _runner(question, answer, code)
    if run_again is None or not has_alarm():
        return None
    tree, make = run_again
    call = question.adapt(answer) if question.adapt else answer
    precision = observe(question, call).precision
    try:
        with (
            alarm(Clock(SECONDS)),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            for id_, facts, place, new in _candidates(tree):
                if _is_mended(question, make, place, new, precision):
                    node = place.node
                    if "line" in facts:
                        node = getattr(node, "body")[int(facts["line"])]  # noqa: B009
                    words = f"{_shown(node, place.parents, code)}: {WHAT[id_]}"
                    return words, getattr(node, "lineno", 0)
    except TookTooLong:
        jax.clear_caches()  # what was being compiled may stand there half
    return None


def _runner(
    question: Question, answer: Any, code: str
) -> tuple[ast.Module, Callable[[], Any]] | None:
    """The tree of a cell, and what runs it as it stands and gives the answer in it.

    None for a cell that does more than define: it is not run a second time.
    """
    try:
        names = inspect.unwrap(answer).__globals__
        tree = ast.parse(code)
    except Exception:  # of an object that raises anything, a value, no code
        return None
    tree.body = _definitions(tree.body)
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    used |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    if not tree.body or used & EFFECTS:
        return None
    if any(map(_may_hold_itself, ast.walk(tree))):
        return None

    def make() -> Any:
        fresh = dict(names)
        exec(compile(tree, "<an edit>", "exec"), fresh)
        return fresh[question.name]

    return tree, make


def _may_hold_itself(node: ast.AST) -> bool:
    """Whether an edit of a cell with this node may make a list or an object that holds itself.

    Nothing that goes through such a list comes to an end: jax takes all memory for it, or all
    nested calls that Python allows. Without what changes a container in place there is none.
    """
    if isinstance(node, (ast.While, ast.ClassDef)):
        return True
    if isinstance(node, ast.Attribute) and node.attr in CHANGES:
        return True
    if isinstance(node, (ast.Subscript, ast.Attribute)):
        return isinstance(node.ctx, ast.Store)
    return isinstance(node, ast.AugAssign) and _is_container(node.value)


def _is_container(node: ast.AST) -> bool:
    """Whether code makes a list, a tuple or a dict."""
    kinds = (ast.List, ast.Tuple, ast.Dict, ast.ListComp, ast.DictComp)
    return any(isinstance(inner, kinds) for inner in ast.walk(node))


def _definitions(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that define something; none at all where one changes what others hold.

    `f.defvjp(...)` is kept where `f` stands in the cell, so that it is a new one each time. What
    only looks (a call of `print` or `check`) is left out.
    """
    own: set[str] = set()
    kept: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.FunctionDef):
            roots = {_root(d) for d in statement.decorator_list}
            if any(name == "defjvp" for root, name in roots if root not in own):
                return []
            own.add(statement.name)
        elif isinstance(statement, ast.Assign):
            if not all(isinstance(t, ast.Name) for t in statement.targets):
                return []
            own |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
        elif isinstance(statement, ast.Expr):
            if _root(statement.value)[0] not in own:
                continue
        elif not isinstance(statement, (ast.Import, ast.ImportFrom)):
            return []
        kept.append(statement)
    return kept


def _root(node: ast.expr) -> tuple[str, str]:
    """Of `f.defvjp(fwd, bwd)` the names f and defvjp; of other code the first is empty."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id, node.attr
    return "", ""


def _candidates(tree: ast.Module) -> list[tuple[str, Facts, Place, ast.AST]]:
    """Every edit of a cell, the most likely kinds first, and in each the last line first."""
    lines = {getattr(node, "lineno", 0) for node in ast.walk(tree)} - {0}
    found = []
    for place in places(tree, lines):
        for id_, facts, new in (*changes(place), *_additions(place)):
            if id_ in WHAT:
                found.append((id_, facts, place, new))
    found.sort(
        key=lambda edit: (
            ORDER.index(edit[0]),
            -getattr(edit[2].node, "lineno", 0),
        )
    )
    return found


def _is_mended(
    question: Question,
    make: Callable[[], Any],
    place: Place,
    new: ast.AST,
    precision: str,
) -> bool:
    """Whether the answer is right with a node in the place of another."""
    place.put(new)
    # only what is new lacks a line; what stood there before keeps its own
    ast.fix_missing_locations(place.parents[0])
    try:
        answer = make()
        call = question.adapt(answer) if question.adapt else answer
        return is_right(question, call, precision)
    except (Exception, Unsolved):  # whatever changed code does
        return False
    finally:
        place.put(place.node)


def _shown(node: ast.AST, parents: Sequence[ast.AST], code: str) -> str:
    """The code that stands at a place; of a name or a number, with what it stands in."""
    shown = f"`{_text(node, code)}`"
    around = parents[-2 if isinstance(parents[-1], ast.Slice) else -1]
    is_short = isinstance(node, (ast.Name, ast.Constant))
    if is_short and isinstance(around, (ast.expr, ast.keyword)):
        shown += f" in `{_text(around, code)}`"
    return shown


def _text(node: ast.AST, code: str) -> str:
    """A piece of code on one line."""
    text = ast.get_source_segment(code, node) or ast.unparse(node)
    line = text.strip().split("\n")[0]
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


# What a student may have left out. Of a solution, these edits would be no likely mistakes.


def _additions(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.stmt):
        yield from _statements(node)
    if not isinstance(node, ast.expr) or isinstance(node, ast.Constant):
        return
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    if isinstance(place.parent, ast.Call) and place.field == "func":
        return
    if isinstance(node, ast.Name):
        for name in names_around(place.parents):
            if name != node.id:
                yield "edit-name", {}, ast.Name(name, ast.Load())
    if isinstance(place.parent, (ast.Attribute, ast.keyword)):
        return
    if isinstance(node, ast.BinOp):
        for operator in OTHERS.get(type(node.op), ()):
            yield (
                "edit-operator",
                {},
                ast.BinOp(node.left, operator(), node.right),
            )
    if isinstance(place.parent, ast.Subscript) and place.field == "slice":
        for step in MISSING["add-term"]:
            yield "add-shift", {}, ast.BinOp(node, step(), ast.Constant(1))
        return
    yield from _wrapped(node)
    is_term = isinstance(place.parent, ast.BinOp) and isinstance(
        place.parent.op, (ast.Add, ast.Sub)
    )
    is_whole = isinstance(
        place.parent,
        (ast.Return, ast.Assign, ast.AugAssign, ast.Tuple, ast.Dict, ast.Call),
    )
    if is_whole or is_term:
        for name in names_around(place.parents):
            if isinstance(node, ast.Name) and node.id == name:
                continue  # e − e and e / e say nothing of e
            other = ast.Name(name, ast.Load())
            for id_, operators in MISSING.items():
                for operator in operators:
                    yield id_, {}, ast.BinOp(node, operator(), other)


def _wrapped(node: ast.expr) -> Iterator[Change]:
    """An operation of one operand around what stands there."""
    if not isinstance(node, ast.UnaryOp):
        yield "add-sign", {}, ast.UnaryOp(ast.USub(), node)
    if isinstance(node, (ast.Name, ast.Subscript, ast.Call, ast.BinOp)):
        yield "add-transpose", {}, ast.Attribute(node, "T", ast.Load())
        yield "add-square", {}, ast.BinOp(node, ast.Pow(), ast.Constant(2))
    if isinstance(node, ast.Call):
        for place in (0, 1):
            part = ast.Subscript(node, ast.Constant(place), ast.Load())
            yield "add-part", {}, part
        named = {keyword.arg for keyword in node.keywords}
        if isinstance(node.func, ast.Attribute) and "axis" not in named:
            for axis in (0, 1):
                with_axis = copy.copy(node)
                keyword = ast.keyword("axis", ast.Constant(axis))
                with_axis.keywords = [*node.keywords, keyword]
                yield "add-axis", {}, with_axis


def _statements(node: ast.stmt) -> Iterator[Change]:
    """Two lines in the other order; a sum in place of what is written anew."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name) and not _is_container(node.value):
            summed = ast.AugAssign(target, ast.Add(), node.value)
            yield "add-accumulation", {}, summed
    body = getattr(node, "body", [])
    for place in range(len(body) - 1) if isinstance(body, list) else ():
        changed = copy.copy(node)
        first, second = body[place : place + 2]
        changed.body = [*body[:place], second, first, *body[place + 2 :]]  # type: ignore[attr-defined]
        yield "add-order", {"line": str(place)}, changed
