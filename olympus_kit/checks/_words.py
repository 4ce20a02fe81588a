"""Numbers, arrays and places in words: the facts that messages are filled in with."""

from typing import Any

import jax
import numpy as np

from ._evidence import Evidence, Part
from ._run import is_array
from ._spec import Question

Facts = dict[str, str]


def kind(value: Any) -> str:
    """What a value is, in words a student uses."""
    if value is None:
        return "None"
    if callable(value):
        return "a function"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of length {len(value)}"
    if is_array(value):
        return f"an array of shape {np.shape(value)}" if np.shape(value) else "a number"
    return f"a {type(value).__name__}"


def number(value: Any, digits: int = 6) -> str:
    """A number, short enough to read."""
    return f"{float(value):.{digits}g}"


def brief(value: Any) -> str:
    """The first few numbers of a result."""
    return np.array2string(np.ravel(jax.tree.leaves(value)[0])[:4], precision=5, separator=", ")


def order(question: Question) -> str:
    """What the question asks for, by name."""
    names = question.returns
    return names if isinstance(names, str) else f"a tuple ({', '.join(names)})"


def call(question: Question) -> str:
    """How the answer is called."""
    return question.call or f"{question.name}({', '.join(question.cases()[0].arguments)})"


def telling(parts: list[Part]) -> Part:
    """The first case in which the part is wrong."""
    return next((part for part in parts if not part.agrees), parts[0])


def facts(part: Part) -> Facts:
    """What every message may speak of: the part, the place, and the two numbers."""
    known = {"part": part.name, "where": part.trial.case.label}
    if not (is_array(part.got) and is_array(part.want)):
        return known | {"got": repr(part.got), "entry": part.name}
    got, want = np.asarray(part.got) * 1, np.asarray(part.want) * 1  # bools as numbers
    known |= {"got_shape": str(got.shape), "want_shape": str(want.shape)}
    if got.shape == want.shape and want.size:
        index = _worst(got, want)
        place = f"[{', '.join(map(str, index))}]" if index else ""  # as in W_bar[0, 2]
        known |= {"entry": part.name + place, **_two_numbers(got[index], want[index])}
    return known


def _worst(got: Any, want: Any) -> tuple[int, ...]:
    """The index of the first entry that is not finite, or of the one furthest off."""
    off = np.nan_to_num(np.abs(got - want), nan=np.inf)
    return tuple(int(i) for i in np.unravel_index(np.argmax(off), want.shape))


def _two_numbers(got: Any, want: Any) -> Facts:
    """Two numbers with as many digits as it takes to see that they differ."""
    if np.iscomplexobj(got):
        return {"got": f"{got:.6g}", "want": f"{want:.6g}"}
    enough = next((d for d in (6, 12) if number(got, d) != number(want, d)), 17)
    return {"got": number(got, enough), "want": number(want, enough)}


def extent(evidence: Evidence, parts: list[Part]) -> str:
    """How far a wrong part is right: other parts, test points, entries, digits."""
    part = telling(parts)
    good = sum(p.agrees for p in parts)
    said = [f"It is right at {good} of {len(parts)} test points."] if good else []
    entries = np.isclose(part.got, part.want, rtol=1e-6) if np.size(part.want) > 1 else np.zeros(1)
    if entries.any():
        said.append(f"There, {int(entries.sum())} of its {entries.size} entries are right.")
    if part.error < 1:
        said.append(f"It is off by a relative {number(part.error, 2)}.")
    others = [n for n, series in evidence.series().items() if all(p.agrees for p in series)]
    return " ".join([*said, f"Right everywhere: {', '.join(others)}." if others else ""]).strip()
