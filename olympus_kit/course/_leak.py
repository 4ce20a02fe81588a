"""Search what students get for what only a solution may say."""

import ast
import re
import textwrap
from collections.abc import Iterator

from ._lesson import BLOCK, Exercise

TOKEN = re.compile(r"\w+|[^\w\s]")
WEIGHT = 9  # an expression of fewer words and signs, such as `jnp.sin(x)`, is everybody's
SAYS = (ast.Return, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)
DOES = (ast.Call, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript)


def leaks(exercise: Exercise, public: str, hints: str) -> list[str]:
    """The pieces of a solution that can be read in `public`, however they are laid out there.

    A piece is an expression that a statement returns or assigns. A solution of one short piece
    must not be read either. A hint may show a piece, but not the whole solution.
    AuthoringError where a solution is not Python.
    """
    page, nearly = _words(public), _words(hints)
    found = []
    for block in BLOCK.finditer(exercise.answer.raw.source):
        try:
            tree = ast.parse(textwrap.dedent(block[2]))
        except SyntaxError as error:
            raise exercise.answer.wrong(f"the solution is no whole Python: {error}.") from None
        pieces = list(_pieces(tree))
        heavy = [p for p in pieces if len(TOKEN.findall(p)) >= WEIGHT]
        found += [p for p in (pieces if len(pieces) == 1 else heavy) if _words(p) in page]
        found += [whole for whole in [ast.unparse(tree)] if _words(whole) in nearly]
    return found


def _pieces(tree: ast.Module) -> Iterator[str]:
    """What the statements compute, as Python itself would write it."""
    for statement in ast.walk(tree):
        if isinstance(statement, SAYS) and (value := statement.value):
            for part in value.elts if isinstance(value, ast.Tuple) else [value]:
                if any(isinstance(node, DOES) for node in ast.walk(part)):
                    yield ast.unparse(part)


def _words(text: str) -> str:
    """The words and signs of a text, with one space between, and one kind of quotes."""
    return f" {' '.join(TOKEN.findall(text.replace(chr(34), chr(39))))} "
