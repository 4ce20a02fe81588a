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

    A piece is an expression that a statement returns or assigns. Short ones count only where all
    of a solution's pieces can be read. A hint may show a piece, but not the whole solution.
    AuthoringError where a solution is not Python.
    """
    page, nearly = _words(public), _words(hints)
    trees = [
        _tree(exercise, block[2])
        for block in BLOCK.finditer(exercise.answer.raw.source)
    ]
    pieces = [piece for tree in trees for piece in _pieces(tree)]
    read = [piece for piece in pieces if _words(piece) in page]
    if read != pieces:
        read = [piece for piece in read if len(TOKEN.findall(piece)) >= WEIGHT]
    return read + [
        whole for whole in map(ast.unparse, trees) if _words(whole) in nearly
    ]


def _tree(exercise: Exercise, code: str) -> ast.Module:
    try:
        return ast.parse(textwrap.dedent(code))
    except SyntaxError as error:
        raise exercise.answer.wrong(
            f"the solution is not complete Python: {error}."
        ) from None


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
