"""The place of a mistake that nothing foresaw: one change of the student's code makes it right.

Where no prediction explains an answer, its own code is edited, one place at a time (or every place
where the same stands), and run again. If an edit gives the right results in every case, the mistake
stands where the edit was made, and the kind of the edit says what is wrong there. That is computed,
not guessed: with this one change the answer is right at every point. Of an answer of several parts
one may be mended alone, and then no more is said. The changed code itself is not told.

The idea is that of program repair by mutation (Debroy and Wong 2010), and that what is missing
often stands elsewhere in the same program (Barr et al. 2014). Limits: two different mistakes in one
part are not found, nor is what takes longer than `SECONDS`; and where two edits would do, the one
that is tried first is told.
"""

import ast
import contextlib
import copy
import inspect
import io
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import CodeType, FunctionType
from typing import Any, TypeGuard

import jax
import numpy as np

from .edits import Change, Place, called, changes, names_around, places
from .evidence import Evidence, is_counted, observe
from .message import Diagnosis, catalogue, diagnose, lookup
from .run import Clock, TookTooLong, alarm, has_alarm, trials
from .spec import Question, Unsolved
from .steps import code_of, facts_of

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
    "edit-inside": "the power belongs to what is inside, or the other way round",
    "add-index": "that is a place in something; what stands at the place is meant",
    "add-loop": "it belongs into the loop",
    "edit-loop": "it does not belong into the loop",
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
    "edit-value": "another value belongs there",
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
# What a student may have left out or mistaken, written with the expression e that stands there.
AROUND = {
    "add-transpose": ("({e}).T",),
    "add-square": ("({e}) ** 2",),
    # no product with a whole number, which makes a list longer
    "add-factor": ("({e}) / 0.5", "({e}) / 2"),
}
OF_A_CALL = {"add-part": ("({e})[0]", "({e})[1]")}
AXES = {"add-axis": ("{e}axis=0)", "{e}axis=1)")}
OF_AN_INDEX = {"add-shift": ("({e}) + 1", "({e}) - 1")}
# the same, with a name n that is known there
WITH_ANOTHER = {
    "add-factor": ("({e}) * {n}", "({e}) / {n}", "{n} / ({e})"),
    "add-term": ("({e}) + {n}", "({e}) - {n}", "{n} - ({e})"),
}
OF_A_PLACE = {"add-index": ("{n}[{e}]",)}
# the two operands of an operation, with another one between them; no power: of two whole numbers it
# may take for ever, and no signal stops it
OPERATIONS: dict[type[ast.operator], tuple[str, ...]] = {
    ast.Mult: ("({a}) + ({b})", "({a}) - ({b})", "({a}) @ ({b})"),
    ast.Div: ("({a}) - ({b})",),
    ast.Add: ("({a}) * ({b})",),
    ast.Sub: ("({a}) / ({b})",),
}
# Kinds of changes that may be one of two: those that take something away make much alike, so that
# what is left says little of the answer.
HALVES = {
    "edit-axis",
    "edit-operands",
    "edit-arguments",
    "edit-function",
    "edit-negation",
    "edit-sign",
    "edit-operator",
    "edit-name",
    "edit-constant",
    "edit-comparison",
    "add-sign",
    "add-square",
    "add-factor",
    "add-transpose",
    "add-axis",
    "add-accumulation",
    "add-shift",
    "add-part",
}
# kinds that say nothing of an answer which is a count or a truth: too many of them make it right
NUMERIC = {"add-factor", "add-term", "add-square", "add-sign"}
Bodies = dict[int, list[ast.stmt]]  # what stands in the place of a line
HALF = "It takes two changes. Look at {words}. When that is done, this is left: {rest}"
PLACED = "With one change {what} right at every point that was tried: look at {words}."
# functions of two arrays in whose place a product of their entries may belong
PRODUCTS = {"dot", "matmul", "vdot", "inner", "outer"}
# functions that tell a place in an array
WHERE = {"argmin", "argmax", "argsort", "searchsorted"}
MOST_NODES = 8  # of a piece of code that is tried elsewhere


@dataclass(frozen=True)
class Repair:
    """A change of a cell: what is put where, its kind, and the code that is shown of it."""

    id: str
    shown: ast.AST
    parents: Sequence[ast.AST]
    edits: Sequence[tuple[Place, ast.AST]]

    @property
    def line(self) -> int:
        """The number of the line that is shown."""
        return getattr(self.shown, "lineno", 0)

    def words(
        self,
        code: str,
    ) -> str:
        """Where to look, and what is wrong there."""
        where = _shown(self.shown, self.parents, code)
        if len(self.edits) > 1:
            where += f", and at `{_text(self.shown, code)}` elsewhere"
        return f"{where}: {WHAT[self.id]}"


@dataclass(frozen=True)
class Found:
    """A change, the parts of the answer that it makes right, and what is left to say then."""

    repair: Repair
    parts: Sequence[str]
    rest: Diagnosis | None = None


def with_place(
    question: Question,
    answer: Any,
    diagnosis: Diagnosis,
) -> Diagnosis:
    """A diagnosis with the place of the mistake, where nothing foresaw it and an edit mends it."""
    is_edit = diagnosis.id.startswith("edit-")
    if not is_edit and not lookup(diagnosis.id, question.mistakes).general:
        return diagnosis
    code = code_of(answer)
    found = None
    # such as code that is too deep for Python's own tools: the verdict stands without a place
    with contextlib.suppress(Exception):
        found = _one_change(question, answer, code, diagnosis.id)
    if found is None:
        return diagnosis
    name, message = diagnosis.name, diagnosis.message
    if is_edit:
        # the student's own code says more than what the same edit makes of another solution
        name = catalogue()["off"].name
        message = re.sub(" is what .*", " is not right yet.", message)
    repair = found.repair
    words = repair.words(code)
    if found.rest is not None:
        placed = HALF.format(words=words, rest=found.rest.message.strip())
    else:
        parts = " and ".join(found.parts)
        what = parts + (" are" if len(found.parts) > 1 else " is")
        placed = PLACED.format(what=what, words=words)
    text = code.splitlines()[repair.line - 1].strip()
    return replace(
        diagnosis,
        name=name,
        message=f"{message.strip()} {placed}",
        line=f"Line {repair.line} of your cell: {text}",
    )


def _one_change(
    question: Question,
    answer: Any,
    code: str,
    said: str,
) -> Found | None:
    """The change of the code that mends the answer; or one of two; or one that mends parts of it.

    What is `said` of the answer so far tells whether a part may be mended alone: where a value is
    not a number, whatever takes the trouble away mends it, and leaves its derivative wrong.

    None where no single change mends a part, and where the code cannot be run again.
    """
    run_again = _runner(question, answer, code)
    if run_again is None or not has_alarm():
        return None
    tree, make = run_again
    call = question.adapt(answer) if question.adapt else answer
    evidence = observe(question, call)
    wrong, precision = evidence.wrong_parts, evidence.precision
    # without all its parts an answer has none that could be mended alone
    by_numbers = {parts[0].name for parts in evidence.wrong_series()}
    is_whole = not evidence.errors and by_numbers == wrong and said != "nan"
    wanted = jax.tree.leaves([trial.want for trial in evidence.trials])
    without_size = all(map(is_counted, wanted))
    part: Found | None = None
    half: Found | None = None
    try:
        with (
            alarm(Clock(SECONDS)),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            for repair in _candidates(tree):
                if without_size and repair.id in NUMERIC:
                    continue
                tried = _with(question, make, repair, precision)
                left, rest = _left(tried, repair, wrong)
                if not left:
                    return Found(repair, ["it"])
                if part is None and is_whole and left < wrong:
                    part = Found(repair, sorted(wrong - left))
                if half is None and rest is not None:
                    half = Found(repair, [], rest)
    except TookTooLong:
        jax.clear_caches()  # what was being compiled may stand there half
    return part or half


def _runner(
    question: Question,
    answer: Any,
    code: str,
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
    if not tree.body or used & EFFECTS or _may_hold_itself(tree):
        return None
    given = [dict(case.arguments) for case in question.cases()]
    if _may_not_end([names[name] for name in used if name in names] + given):
        return None

    def make() -> Any:
        fresh = dict(names)
        exec(compile(tree, "<an edit>", "exec"), fresh)
        return fresh[question.name]

    return tree, make


def _may_not_end(values: list[Any]) -> bool:
    """Whether functions among the values, or those that they use, have a compiled loop.

    At a point that an edit makes such a loop may run for ever, and no signal stops it.
    """
    seen: set[int] = set()
    left = list(values)
    while left:
        value = left.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, (dict, list, tuple)):
            left += value.values() if isinstance(value, dict) else value
            continue
        function = inspect.unwrap(value) if callable(value) else None
        if not isinstance(function, FunctionType):
            continue
        if str(function.__module__).startswith("jax."):
            continue
        names = _names_in(function.__code__)
        if "while_loop" in names:
            return True
        known = inspect.getclosurevars(function).nonlocals
        known = function.__globals__ | dict(known)
        left += [known[name] for name in names if name in known]
    return False


def _names_in(code: CodeType) -> set[str]:
    """The names that compiled code uses, that of functions inside it included."""
    names = {*code.co_names, *code.co_freevars}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
    return names


def _may_hold_itself(tree: ast.Module) -> bool:
    """Whether an edit of a cell may make an object, or a list, that holds itself.

    Nothing that goes through such a list comes to an end: jax takes all memory for it, or all
    nested calls that Python allows. A list or dict that the cell makes and changes in place is not
    dangerous as long as it has one name, and no edit puts that anywhere (`_refers_anew`).
    """
    containers = _containers(tree)
    bound = 0  # how often the containers are bound, in whatever way
    for node in ast.walk(tree):
        if isinstance(node, (ast.While, ast.ClassDef)):
            return True
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            return True
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound += node.id in containers
        if isinstance(node, ast.AugAssign):
            bound -= _named(node.target, containers)
        if isinstance(node, ast.Assign):
            if _held(node.value, containers):
                return True
            makes = isinstance(node.value, (ast.Call, ast.BinOp))
            is_new = makes or _is_display(node.value)
            made = [
                t for t in node.targets if isinstance(t, ast.Name) and is_new
            ]
            bound -= sum(target.id in containers for target in made)
    arguments = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    is_known = containers.isdisjoint({"", *arguments}) and bound == 0
    return not is_known


def _containers(tree: ast.Module) -> set[str]:
    """The names of the lists and dicts that a cell changes in place; "" for one without a name."""
    changed: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CHANGES:
            if not _is_at(node.value):
                changed.append(node.value)
        elif isinstance(node, ast.Subscript):
            if isinstance(node.ctx, ast.Store):
                changed.append(node.value)
        elif isinstance(node, ast.AugAssign) and _is_container(node.value):
            changed.append(node.target)
    return {n.id if isinstance(n, ast.Name) else "" for n in changed}


def _is_at(node: ast.AST) -> bool:
    """Whether this is `x.at[i]`, whose `add` makes a new array."""
    if not isinstance(node, ast.Subscript):
        return False
    return isinstance(node.value, ast.Attribute) and node.value.attr == "at"


def _refers_anew(
    place: Place,
    new: ast.AST,
    containers: set[str],
) -> bool:
    """Whether an edit puts a container where there was none, so that it might hold itself."""
    if not containers:
        return False
    old = place.node
    is_base = isinstance(place.parent, (ast.Attribute, ast.Subscript))
    if is_base and place.field == "value":
        return True  # what is changed in place would be something else
    is_held = place.field != "iter" and (
        _held(new, containers) > _held(old, containers)
    )
    return is_held or _named(new, containers) > _named(old, containers)


def _named(
    node: ast.AST,
    names: set[str],
) -> int:
    """How often any of the names stands in a piece of code."""
    inside = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    return sum(n.id in names for n in inside)


def _held(
    node: ast.AST,
    names: set[str],
) -> int:
    """The same, of those that the value of the code is, or holds."""
    if isinstance(node, ast.Name):
        return int(node.id in names)
    if isinstance(node, (ast.BinOp, ast.Call, ast.Compare, ast.Subscript)):
        return 0
    return sum(_held(inner, names) for inner in ast.iter_child_nodes(node))


def _is_container(node: ast.AST) -> bool:
    """Whether a list, a tuple or a dict is made in a piece of code."""
    return any(map(_is_display, ast.walk(node)))


def _is_display(node: ast.AST) -> bool:
    """Whether code is a list, a tuple or a dict, written out."""
    kinds = (ast.List, ast.Tuple, ast.Dict, ast.ListComp, ast.DictComp)
    return isinstance(node, kinds)


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


def _candidates(tree: ast.Module) -> Iterator[Repair]:
    """Every change of a cell: of one place first, then the likely kinds, then the last lines."""
    lines = {getattr(node, "lineno", 0) for node in ast.walk(tree)} - {0}
    containers = _containers(tree)
    functions = {called(node) for node in ast.walk(tree)}
    found = []
    for place in places(tree, lines):
        for id_, _, new in (*changes(place), *_additions(place, functions)):
            if id_ in WHAT and not _refers_anew(place, new, containers):
                edits = ((place, new),)
                found.append(Repair(id_, place.node, place.parents, edits))
        for id_, moved, new in _moves(place.node):
            edits = ((place, new),)
            found.append(Repair(id_, moved, place.parents, edits))
    rank = lambda repair: (ORDER.index(repair.id), -repair.line)
    yield from sorted(found, key=rank)
    yield from sorted(_everywhere(found), key=rank)


def _everywhere(found: Sequence[Repair]) -> Iterator[Repair]:
    """The same change at every place where the same code stands: one mistake, made throughout."""
    groups: dict[tuple[str, str, str], list[Repair]] = {}
    for repair in found:
        [(place, new)] = repair.edits
        if isinstance(place.node, ast.expr):
            key = repair.id, ast.dump(place.node), ast.dump(new)
            groups.setdefault(key, []).append(repair)
    for like in groups.values():
        if len(like) > 1:
            edits = [edit for repair in like for edit in repair.edits]
            yield replace(like[-1], edits=edits)


def _with(
    question: Question,
    make: Callable[[], Any],
    repair: Repair,
    precision: str,
) -> Generator[Evidence, None, None]:
    """What the answer returns with a change, in the first case, then in all.

    Nothing where it does not run.
    """
    for place, new in repair.edits:
        place.put(new)
        # only what is new lacks a line; what stood there before keeps its own
        ast.fix_missing_locations(place.parents[0])
    try:
        answer = make()
        call = question.adapt(answer) if question.adapt else answer
        done = []
        for trial in trials(question, call, precision):
            done.append(trial)
            if len(done) == 1:
                yield Evidence(question, call, [trial], precision)
        yield Evidence(question, call, done, precision)
    except (Exception, Unsolved):  # whatever changed code does
        return
    finally:
        for place, _ in repair.edits:
            place.put(place.node)


def _left(
    tried: Generator[Evidence, None, None],
    repair: Repair,
    wrong: set[str],
) -> tuple[set[str], Diagnosis | None]:
    """Which parts are wrong with a change, and what the question foresaw of that.

    Where the first case is as wrong as before, and nothing that was foreseen, no other is tried.
    """
    with contextlib.closing(tried):
        first = next(tried, None)
        if first is None:
            return wrong, None
        foreseen: list[str] = []
        if first.wrong_parts >= wrong:
            # another place in a list leads to what stands there by chance
            is_place = any(
                isinstance(node, ast.Subscript) for node in repair.parents[-2:]
            )
            is_half = repair.id in HALVES and not is_place
            foreseen = list(_foreseen(first)) if is_half else []
            if not foreseen:
                return wrong, None
        whole = next(tried, None)
    if whole is None:
        return wrong, None
    for id_ in foreseen:
        if _explains(whole, id_, wrong):
            facts = facts_of(whole, whole.question.predictions[id_].part)
            return wrong, diagnose(whole.question, id_, facts)
    return whole.wrong_parts, None


def _explains(
    evidence: Evidence,
    id_: str,
    wrong: set[str],
) -> bool:
    """Whether a foreseen mistake is all that is left, and no result that many changes lead to."""
    named = evidence.question.predictions[id_].part or ""
    left = evidence.wrong_parts
    if not left <= wrong or not all(name.startswith(named) for name in left):
        return False
    numbers = set()
    for parts in evidence.wrong_series():
        for part in parts:
            numbers |= set(np.ravel(part.got).tolist())
    return len(numbers) > 1 and evidence.shows(id_)


def _foreseen(evidence: Evidence) -> Iterator[str]:
    """The mistakes of the question's own that show; not those that speak of the code."""
    question = evidence.question
    if evidence.errors:
        return
    for id_ in question.predictions:
        mistake = lookup(id_, question.mistakes)
        if not mistake.code and not mistake.general and evidence.shows(id_):
            yield id_


def _shown(
    node: ast.AST,
    parents: Sequence[ast.AST],
    code: str,
) -> str:
    """The code that stands at a place; of a name or a number, with what it stands in."""
    shown = f"`{_text(node, code)}`"
    around = parents[-2 if isinstance(parents[-1], ast.Slice) else -1]
    is_short = isinstance(node, (ast.Name, ast.Constant))
    if is_short and isinstance(around, (ast.expr, ast.keyword)):
        shown += f" in `{_text(around, code)}`"
    return shown


def _text(
    node: ast.AST,
    code: str,
) -> str:
    """A piece of code on one line."""
    text = ast.get_source_segment(code, node) or ast.unparse(node)
    line = text.strip().split("\n")[0]
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


# Edits that would be no likely mistakes in a solution.


def _additions(
    place: Place,
    functions: set[str],
) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.stmt):
        yield from _summed(node)
    if isinstance(node, ast.Slice) and node.lower is not None:
        yield "add-part", {}, node.lower
    if not _is_value(place):
        return
    # what is called is a function, and no value; e − e and e / e say nothing of e
    others = {*functions, getattr(node, "id", "")}
    names = [n for n in names_around(place.parents) if n not in others]
    if isinstance(node, ast.Name) or _is_number(node):
        for name in names:
            yield "edit-name", {}, ast.Name(name, ast.Load())
    is_bare = isinstance(place.parent, (ast.Attribute, ast.keyword))
    if is_bare or isinstance(node, ast.Constant):
        return
    if isinstance(node, (ast.Name, ast.Subscript, ast.Call)):
        yield from _pieces(node, place.parents)
    if isinstance(node, ast.BinOp):
        texts = OPERATIONS.get(type(node.op), ())
        operands = {"a": ast.unparse(node.left), "b": ast.unparse(node.right)}
        yield from _written({"edit-operator": texts}, **operands)
    text = ast.unparse(node)
    yield from _turned(node)
    is_bound = isinstance(place.parent, ast.Slice)
    if is_bound or place.field == "slice":
        yield from _written(OF_AN_INDEX, e=text)
        return
    yield from _wrapped(node, text)
    if not _may_lack_something(place.parent):
        return
    for name in names:
        if called(node) in WHERE:
            yield from _written(OF_A_PLACE, e=text, n=name)
        yield from _written(WITH_ANOTHER, e=text, n=name)


def _written(
    kinds: Mapping[str, Sequence[str]],
    **parts: str,
) -> Iterator[Change]:
    """Edits of some kinds, from the text of what stands there."""
    for id_, templates in kinds.items():
        for template in templates:
            # an index such as `:, None` is not an expression
            with contextlib.suppress(SyntaxError):
                tree = ast.parse(template.format(**parts), mode="eval")
                yield id_, {}, tree.body


def _is_value(place: Place) -> bool:
    """Whether a node is an expression whose value is used, and no function that is called."""
    node = place.node
    if not isinstance(node, ast.expr):
        return False
    if isinstance(node, (ast.Slice, ast.Starred)):
        return False
    is_read = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    is_function = isinstance(place.parent, ast.Call) and place.field == "func"
    return is_read and not is_function


def _may_lack_something(around: ast.AST) -> bool:
    """Whether what stands in this node is a whole result, an argument or a term."""
    if isinstance(around, ast.BinOp):
        return isinstance(around.op, (ast.Add, ast.Sub))
    wholes = (ast.Return, ast.Assign, ast.AugAssign)
    return isinstance(around, (*wholes, ast.Tuple, ast.Dict, ast.Call))


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _pieces(
    node: ast.expr,
    parents: Sequence[ast.AST],
) -> Iterator[Change]:
    """Short pieces of code that stand elsewhere in the same function."""
    functions = [n for n in parents if isinstance(n, ast.FunctionDef)]
    own = ast.dump(node)
    pieces: dict[str, ast.AST] = {}
    for piece in ast.walk(functions[-1]) if functions else ():
        is_value = isinstance(piece, (ast.Subscript, ast.Call, ast.BinOp))
        if is_value and isinstance(getattr(piece, "ctx", ast.Load()), ast.Load):
            inside = list(ast.walk(piece))
            # a piece that holds the place itself would hold itself
            if len(inside) <= MOST_NODES and node not in inside:
                pieces.setdefault(ast.dump(piece), piece)
    for text, piece in pieces.items():
        if text != own:
            yield "edit-value", {}, copy.deepcopy(piece)


def _wrapped(
    node: ast.AST,
    text: str,
) -> Iterator[Change]:
    """An operation of one operand around what stands there."""
    if not isinstance(node, ast.UnaryOp):
        yield from _written({"add-sign": ("-({e})",)}, e=text)
    if isinstance(node, (ast.Name, ast.Subscript, ast.Call, ast.BinOp)):
        yield from _written(AROUND, e=text)
    if not isinstance(node, ast.Call):
        return
    yield from _written(OF_A_CALL, e=text)
    arguments = [ast.unparse(argument) for argument in node.args]
    if called(node) in PRODUCTS and len(arguments) == 2:
        product = " * ".join(f"({argument})" for argument in arguments)
        yield from _written({"edit-function": ("{e}",)}, e=product)
    if called(node) == "reshape" and isinstance(node.func, ast.Attribute):
        is_method = len(arguments) != 2 or _is_number(node.args[0])
        array = ast.unparse(node.func.value) if is_method else arguments[0]
        yield from _written({"edit-function": ("({e}).T",)}, e=array)
    named = {keyword.arg for keyword in node.keywords}
    if isinstance(node.func, ast.Attribute) and "axis" not in named:
        comma = ", " if arguments or named else ""
        with_axis = text.removesuffix(")") + comma
        yield from _written(AXES, e=with_axis)


def _turned(node: ast.AST) -> Iterator[Change]:
    """The sum of the squares for the square of the sum, and the other way round."""
    if isinstance(node, ast.Call) and node.args:
        power = node.args[0]
        if _is_power(power):
            inside = _with_argument(node, power.left)
            outside = ast.BinOp(inside, power.op, power.right)
            yield "edit-inside", {}, outside
    elif _is_power(node) and getattr(node.left, "args", None):
        call: Any = node.left
        power = ast.BinOp(call.args[0], node.op, node.right)
        yield "edit-inside", {}, _with_argument(call, power)


def _is_power(node: ast.AST) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def _with_argument(call: ast.Call, argument: ast.expr) -> ast.Call:
    """A call with another first argument."""
    changed = copy.copy(call)
    changed.args = [argument, *call.args[1:]]
    return changed


def _summed(node: ast.stmt) -> Iterator[Change]:
    """A sum in place of what is written anew."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name) and not _is_container(node.value):
            summed = ast.AugAssign(target, ast.Add(), node.value)
            yield "add-accumulation", {}, summed


def _moves(node: ast.AST) -> Iterator[tuple[str, ast.stmt, ast.AST]]:
    """A line in another order, into a loop or out of it: the kind, the line, what holds it then."""
    body = getattr(node, "body", None)
    if not isinstance(body, list):
        return

    def with_body(new: Bodies) -> ast.AST:
        changed = copy.copy(node)
        lines: list[ast.stmt] = []
        for place, line in enumerate(body):
            lines += new.get(place, [line])
        changed.body = lines  # type: ignore[attr-defined]
        return changed

    def loop(
        old: ast.For,
        inside: list[ast.stmt],
    ) -> ast.For:
        changed = copy.copy(old)
        changed.body = inside
        return changed

    for place, line in enumerate(body[:-1]):
        swapped = {place: [body[place + 1], line], place + 1: []}
        yield "add-order", line, with_body(swapped)
    for place, line in enumerate(body):
        if not isinstance(line, ast.For):
            continue
        for other, outside in enumerate(body):
            if isinstance(outside, (ast.Assign, ast.AugAssign)):
                inside = [*line.body, outside]
                if other < place:
                    inside = [outside, *line.body]
                into: Bodies = {other: [], place: [loop(line, inside)]}
                yield "add-loop", outside, with_body(into)
        if len(line.body) > 1:
            first, last = line.body[0], line.body[-1]
            before = {place: [first, loop(line, line.body[1:])]}
            yield "edit-loop", first, with_body(before)
            after = {place: [loop(line, line.body[:-1]), last]}
            yield "edit-loop", last, with_body(after)
