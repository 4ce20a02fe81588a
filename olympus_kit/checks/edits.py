"""Single edits of code: one place of it is changed, as a student would get it wrong.

They serve twice. When a lesson is released, every edit of the author's solution (an operator, a
constant, an axis, an argument, a term, a call, an iteration) is run at the question's own points,
and the table "results -> what was changed" goes into the answers file, where `check` compares a
student's numbers with it. And where nothing explains these, the same edits are made of the
student's own code (`repair`).

The edits of a solution measure the question, too. One that agrees at all its points has either
changed nothing (it then agrees at other points and sizes and under jvp and vjp), or it *survives*:
a wrong answer that the check would accept.

The list of edits follows that of mutation testing (DeMillo, Lipton, Sayward 1978). It is not
complete: an edit of two places, or of a whole algorithm, is not among them.
"""

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .message import catalogue

NEIGHBOURS = {
    "sin": "cos",
    "cos": "sin",
    "exp": "log",
    "log": "exp",
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "min": "max",
    "median": "min",
    "maximum": "minimum",
    "minimum": "maximum",
    "argmax": "argmin",
    "argmin": "argmax",
    "zeros": "ones",
    "ones": "zeros",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
    "cumsum": "cumprod",
    "cumprod": "cumsum",
    "sqrt": "square",
    "square": "sqrt",
    "floor": "ceil",
    "round": "floor",
    "log1p": "log",
    "expm1": "exp",
    "tanh": "sinh",
    "logical_and": "logical_or",
    "logical_or": "logical_and",
    "vstack": "hstack",
    "jvp": "vjp",
    "hessian": "jacfwd",
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
}
COMPARISONS: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
}
WORDS: dict[type[ast.AST], str] = {
    ast.Add: "a plus",
    ast.Sub: "a minus",
    ast.Mult: "a product",
    ast.Div: "a quotient",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
SWAPPED: dict[type[ast.operator], str] = {
    ast.Sub: "a difference",
    ast.Div: "a quotient",
    ast.MatMult: "a matrix product",
    ast.Pow: "a power",
}
PRODUCTS = (ast.Mult, ast.Div, ast.MatMult)
# what functions return that return two things, in words
PAIRS = {
    "jvp": ("the value", "the tangent"),
    "vjp": ("the value", "the pullback"),
    "value_and_grad": ("the value", "the gradient"),
}
# arguments whose name says nothing of the part that holds them
EVERYWHERE = {"self", "other", "params"}
MOST_NAMES = 2  # other names that are tried in the place of one
MOST_EDITS = (
    60  # of one solution; the kinds that stand first in `RANK` are kept
)

# The most telling first, as the catalogue has them: of equal results, the first is told.
RANK = [id_ for id_ in catalogue() if id_.startswith("edit-")]

Facts = dict[str, str]
Change = tuple[
    str, Facts, ast.AST
]  # an edit's id, what its message may say, what stands there now


@dataclass(frozen=True)
class Edit:
    """One edit: its id in the catalogue, facts for the message, the changed code, its line."""

    id: str
    facts: Facts
    code: str
    line: int
    before: str
    after: str


def edits_of(text: str, editable: set[int]) -> list[Edit]:
    """Every single edit of the lines that may be changed, no code twice."""
    tree = ast.parse(text)
    seen = {ast.unparse(tree)}
    edits = []
    for place in places(tree, editable):
        before = ast.unparse(place.node)
        for id_, facts, new in changes(place):
            place.put(new)
            code = ast.unparse(ast.fix_missing_locations(tree))
            place.put(place.node)
            if code not in seen:
                seen.add(code)
                line = getattr(place.node, "lineno", 0)
                edits.append(
                    Edit(id_, facts, code, line, before, ast.unparse(new))
                )
    edits.sort(key=lambda edit: RANK.index(edit.id))
    return edits[:MOST_EDITS]


@dataclass(frozen=True)
class Place:
    """A node of the tree with what stands around it: its parent, its function, the words there."""

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    parents: tuple[ast.AST, ...]
    arguments: frozenset[str]
    names: tuple[str, ...]

    def put(self, new: ast.AST) -> None:
        """Put a node in the place of this one."""
        if self.index is None:
            setattr(self.parent, self.field, new)
        else:
            getattr(self.parent, self.field)[self.index] = new

    def mentioned(self, *nodes: ast.AST) -> str:
        """ " (the one with x and y)": arguments of the question that a left-out part holds."""
        found: list[str] = []
        for node in nodes:
            for inner in ast.walk(node):
                if (
                    isinstance(inner, ast.Name)
                    and inner.id in self.arguments - set(found) - EVERYWHERE
                ):
                    found.append(inner.id)
        return f" (the one with {' and '.join(found)})" if found else ""


def places(tree: ast.Module, editable: set[int]) -> Iterator[Place]:
    """Every node on a line that may be changed."""
    arguments = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.lineno not in editable:
            arguments.add(node.arg)
    stack: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(tree, ())]
    while stack:
        parent, parents = stack.pop()
        names = _names_in_scope((*parents, parent))
        for field, value in ast.iter_fields(parent):
            children = value if isinstance(value, list) else [value]
            for index, child in enumerate(children):
                if not isinstance(child, ast.AST):
                    continue
                stack.append((child, (*parents, parent)))
                if getattr(child, "lineno", 0) in editable:
                    at = index if isinstance(value, list) else None
                    around = (*parents, parent)
                    yield Place(
                        parent,
                        field,
                        at,
                        child,
                        around,
                        frozenset(arguments),
                        names,
                    )


def names_around(parents: Sequence[ast.AST]) -> tuple[str, ...]:
    """The arguments and local names of the functions around a node, the innermost first."""
    names = []
    for function in reversed(parents):
        if isinstance(function, (ast.FunctionDef, ast.Lambda)):
            names += [argument.arg for argument in function.args.args]
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and isinstance(
                    node.ctx, ast.Store
                ):
                    names.append(node.id)
    return tuple(dict.fromkeys(names))


def _names_in_scope(parents: Sequence[ast.AST]) -> tuple[str, ...]:
    """The arguments and local names of the innermost function, in order."""
    functions = [
        node
        for node in parents
        if isinstance(node, (ast.FunctionDef, ast.Lambda))
    ]
    return names_around(functions[-1:])


def changes(place: Place) -> Iterator[Change]:
    """What may stand in the place of a node."""
    node = place.node
    if isinstance(node, ast.BinOp):
        yield from _operations(place, node)
    elif isinstance(node, ast.UnaryOp) and isinstance(
        node.op, (ast.USub, ast.Not)
    ):
        if isinstance(node.op, ast.USub) and not isinstance(
            node.operand, ast.Constant
        ):
            yield (
                "edit-negation",
                {"names": place.mentioned(node)},
                node.operand,
            )
        elif isinstance(node.op, ast.Not):
            yield (
                "edit-comparison",
                {"new": "the opposite"},
                node.operand,
            )
    elif isinstance(node, ast.Compare):
        for new in COMPARISONS.get(type(node.ops[0]), []):
            changed = copy.copy(node)
            changed.ops = [new(), *node.ops[1:]]
            yield "edit-comparison", {"new": f"`{WORDS[new]}`"}, changed
    elif isinstance(node, ast.IfExp):
        changed_if = ast.IfExp(node.test, node.orelse, node.body)
        yield "edit-comparison", {"new": "the opposite"}, changed_if
    elif isinstance(node, ast.Constant):
        yield from _constants(place, node)
    elif isinstance(node, ast.Call):
        yield from _calls(place, node)
    elif isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        yield (
            "edit-transpose",
            {"names": place.mentioned(node)},
            node.value,
        )
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        yield "edit-slice", {}, node.value
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from _names(place, node)
    elif isinstance(node, ast.stmt):
        yield from _statements(place, node)


def _operations(place: Place, node: ast.BinOp) -> Iterator[Change]:
    kind = type(node.op)
    if kind in PRODUCTS and not _is_product(place.parent):
        names = {"names": place.mentioned(node)}
        yield "edit-sign", names, ast.UnaryOp(ast.USub(), node)
    left = {"names": place.mentioned(node.left)}
    right = {"names": place.mentioned(node.right)}
    if kind in (ast.Add, ast.Sub):
        yield "edit-term", right, node.left
        missing_left = (
            ast.UnaryOp(ast.USub(), node.right)
            if kind is ast.Sub
            else node.right
        )
        yield "edit-term", left, missing_left
    elif kind in PRODUCTS:
        yield "edit-factor", right, node.left
        if kind is not ast.Div:
            yield "edit-factor", left, node.right
    if kind in SWAPPED:
        swapped = ast.BinOp(node.right, node.op, node.left)
        yield "edit-operands", {"old": SWAPPED[kind]}, swapped
    new = OPERATORS.get(kind)
    if new:
        words = WORDS.get(new, "another operation")
        yield (
            "edit-operator",
            {"new": words},
            ast.BinOp(node.left, new(), node.right),
        )


def _is_product(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, PRODUCTS)


def _constants(place: Place, node: ast.Constant) -> Iterator[Change]:
    """A number one more or one less, as an index, an axis, a count or a factor."""
    if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
        return
    keyword = place.parent.arg if isinstance(place.parent, ast.keyword) else ""
    for step in (1, -1):
        value = node.value + step
        new = ast.Constant(value)
        if keyword in ("axis", "axis1", "axis2", "in_axes", "out_axes"):
            yield "edit-axis", {"new": f"axis {value}"}, new
        elif pair := _pair(place.parent):
            if value in (0, 1):
                first, second = PAIRS[pair]
                words = {"new": first, "wanted": second}
                if value == 1:
                    words = {"new": second, "wanted": first}
                yield "edit-part", {**words, "old": pair}, new
        elif isinstance(place.parent, (ast.Subscript, ast.Slice)):
            yield "edit-index", {"new": str(value)}, new
        else:
            yield "edit-constant", {"new": f"{value:g}"}, new
    if keyword == "axis":
        yield "edit-axis", {"new": "all axes"}, ast.Constant(None)
    if isinstance(node.value, float) and node.value:
        yield (
            "edit-constant",
            {"new": f"{2 * node.value:g}"},
            ast.Constant(2 * node.value),
        )


def _pair(node: ast.AST) -> str:
    """The function of `jvp(...)[1]`, where it returns two things; else nothing."""
    if not isinstance(node, ast.Subscript) or not isinstance(
        node.value, ast.Call
    ):
        return ""
    name = called(node.value)
    if not name and isinstance(node.value.func, ast.Call):
        name = called(node.value.func)  # value_and_grad(f)(x)
    return name if name in PAIRS else ""


def _calls(place: Place, node: ast.Call) -> Iterator[Change]:
    name = called(node)
    words = f"`{name}`" if name else "a function"
    if name in NEIGHBOURS:
        neighbour = copy.deepcopy(node)
        if isinstance(neighbour.func, ast.Attribute):
            neighbour.func.attr = NEIGHBOURS[name]
        elif isinstance(neighbour.func, ast.Name):
            neighbour.func.id = NEIGHBOURS[name]
        yield "edit-function", {"new": NEIGHBOURS[name]}, neighbour
    if (
        node.args
        and not isinstance(node.args[0], ast.Starred)
        and name not in ("range", "zip")
    ):
        yield "edit-call", {"old": words}, node.args[0]
    if isinstance(node.func, ast.Attribute) and not node.args:  # x.sum()
        yield "edit-call", {"old": words}, node.func.value
    for i in range(len(node.args) - 1):
        swapped = copy.copy(node)
        swapped.args = list(node.args)
        swapped.args[i], swapped.args[i + 1] = (
            node.args[i + 1],
            node.args[i],
        )
        yield "edit-arguments", {"old": words}, swapped
    for i, keyword in enumerate(node.keywords):
        if keyword.arg:
            without = copy.copy(node)
            without.keywords = node.keywords[:i] + node.keywords[i + 1 :]
            yield "edit-default", {"old": keyword.arg}, without
    yield from _iterations(node, name)


def _iterations(node: ast.Call, name: str) -> Iterator[Change]:
    """One iteration more, one fewer, the first one left out, the other direction."""
    counts = {"range": -1, "fori_loop": 1}
    if name == "reversed" and node.args:
        yield (
            "edit-iterations",
            {"new": "going through the steps in the other order"},
            node.args[0],
        )
    if name not in counts or not node.args or len(node.args) < counts[name] + 1:
        return
    place = counts[name] if name == "fori_loop" else min(len(node.args) - 1, 1)
    for operator, words in (
        (ast.Sub(), "one iteration too few"),
        (ast.Add(), "one iteration too many"),
    ):
        changed = copy.copy(node)
        changed.args = list(node.args)
        changed.args[place] = ast.BinOp(
            node.args[place], operator, ast.Constant(1)
        )
        yield "edit-iterations", {"new": words}, changed
    if name == "range" and len(node.args) == 1:
        later = copy.copy(node)
        later.args = [ast.Constant(1), node.args[0]]
        yield (
            "edit-iterations",
            {"new": "all iterations but the first"},
            later,
        )


def called(node: ast.AST) -> str:
    """The name of the function that is called, without that of its module; else nothing."""
    function = getattr(node, "func", None)
    return getattr(function, "attr", getattr(function, "id", ""))


def _names(place: Place, node: ast.Name) -> Iterator[Change]:
    """Another name that is known there: the output for the input, before for after the update."""
    if node.id not in place.names:
        return
    if isinstance(place.parent, ast.Call) and place.field == "func":
        return
    others = [name for name in place.names if name != node.id]
    for name in others[:MOST_NAMES]:
        new = (
            f"`{name}`"
            if name in place.arguments
            else "a value from another step"
        )
        yield "edit-name", {"new": new}, ast.Name(name, ast.Load())


def _statements(place: Place, node: ast.stmt) -> Iterator[Change]:
    if isinstance(node, ast.AugAssign):
        yield (
            "edit-accumulation",
            {},
            ast.Assign([node.target], node.value),
        )
    if isinstance(node, (ast.Assign, ast.AugAssign)):
        target = (
            node.target if isinstance(node, ast.AugAssign) else node.targets[0]
        )
        yield (
            "edit-statement",
            {"old": "a value that changes"},
            ast.Pass(),
        )
        if isinstance(target, ast.Name) and target.id in place.arguments:
            yield (
                "edit-statement",
                {"old": f"`{target.id}`"},
                ast.Pass(),
            )
    if isinstance(node, (ast.For, ast.While)):
        last = _last_return(place.parents)
        if last is not None:
            early = copy.copy(node)
            early.body = [*node.body, last]
            yield "edit-return", {}, early


def _last_return(parents: Sequence[ast.AST]) -> ast.Return | None:
    """The return statement at the end of the function around a loop."""
    for node in reversed(parents):
        if isinstance(node, ast.FunctionDef):
            last = node.body[-1]
            return last if isinstance(last, ast.Return) else None
    return None
