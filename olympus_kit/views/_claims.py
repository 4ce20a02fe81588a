"""What is often said about the cost of derivatives, as checks that can be run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ..program import capture
from ._charts import ROW, WIDTH
from ._cost import cost
from ._memory import segmented
from ._report import Report, Table, bytes_text, number_text
from ._svg import INK, MUTED, PAD, ROLES, _finished, _page, _text
from ._timing import stopwatch, tracked, verdict


@dataclass(frozen=True)
class Case:
    """A circumstance in which a claim was tried, and what was measured."""

    when: str
    holds: bool
    measured: str


@dataclass(frozen=True)
class Claim:
    """What is said, and how it fared."""

    said: str
    cases: tuple[Case, ...]

    @property
    def verdict(self) -> str:
        """Computed from the cases: "holds", "holds when" or "does not hold"."""
        found = [case.holds for case in self.cases]
        return "holds" if all(found) else "holds when" if any(found) else "does not hold"


# what is said -> its cases; `timed` asks for those that need a clock, too
Check = Callable[[bool], Iterator[Case]]
CHECKS: dict[str, Check] = {}
MARKS = {
    "holds": ("✓", ROLES["tangent"][0]),
    "holds when": ("◐", ROLES["primal"][0]),
    "does not hold": ("✗", ROLES["adjoint"][0]),
}


def said(words: str) -> Callable[[Check], Check]:
    """Register a check under the claim that it tries."""

    def register(check: Check) -> Check:
        CHECKS[words] = check
        return check

    return register


class Claims(Report):
    """Claims with their verdicts, and the numbers behind them."""

    summary = "Each verdict is computed from the measurements beside it, on this machine."

    def __init__(self, found: list[Claim], notes: list[str]) -> None:
        self.found = found
        self.notes = notes

    @property
    def title(self) -> str:
        """How many claims were tried."""
        return f"{len(self.found)} claims about cost, measured"

    def records(self) -> list[dict[str, Any]]:
        """Return a dict for each case of each claim."""
        return [
            {"claim": claim.said, "verdict": claim.verdict, **asdict(case)}
            for claim in self.found
            for case in claim.cases
        ]

    def tables(self) -> list[Table]:
        """Return a row for each case, under its claim."""
        rows = []
        for claim in self.found:
            for k, case in enumerate(claim.cases):
                mark = "✓" if case.holds else "✗"
                head = (claim.said, claim.verdict) if k == 0 else ("", "")
                rows.append([*head, f"{mark} {case.when}", case.measured])
        return [Table("it is said that", ["verdict", "tried", "measured"], rows, prose=True)]

    def text(self, color: bool = False) -> str:
        """Return claim by claim: a table with sentences in it would be too wide."""
        lines = [self.title, self.summary, *(f"note: {n}" for n in self.notes)]
        for claim in self.found:
            lines += ["", claim.said, f"  {claim.verdict}"]
            for case in claim.cases:
                lines.append(f"  {'✓' if case.holds else '✗'} {case.when}: {case.measured}")
        return "\n".join(lines)

    def svg(self) -> str:
        """Return the list of claims with a mark, a word and a colour for each verdict."""
        page: Any = self
        root, y = _page(page), 44.0
        for claim in self.found:
            mark, color = MARKS[claim.verdict]
            _text(root, PAD, y + 14, f"{mark} {claim.verdict}", color, weight="600")
            _text(root, 160, y + 14, claim.said, INK)
            y += ROW
        _text(root, PAD, y + 14, "✓ holds   ◐ holds when …   ✗ does not hold", MUTED, 11)
        return _finished(root, WIDTH, y + 14)


def claims(*, timed: bool = False, progress: bool | None = None) -> Claims:
    """Try what is often said about the cost of derivatives.

    Args:
        timed: whether to try also what only a clock can tell; it takes some seconds more.
        progress: whether to show a bar; in a terminal where None.

    ```python
    import olympus_kit as ok

    print(ok.claims())
    ```
    """
    found, notes = [], []
    try:
        for words, check in tracked(list(CHECKS.items()), "trying", progress):
            found.append(Claim(words, tuple(check(timed))))
    except KeyboardInterrupt:
        notes.append(f"stopped: {len(found)} of {len(CHECKS)} claims kept")
    return Claims(found, notes)


# --- what the checks measure with -------------------------------------------------------------


def _shape(*sizes: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(sizes, jnp.float32)


def _of(f: Callable[..., Any], *args: Any) -> dict[str, Any]:
    return cost({"f": f}, *args, progress=False).rows[0]


def _jvp(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return the JVP of f as a function of `count` primals and as many tangents."""
    return lambda *given: jax.jvp(f, given[:count], given[count:])


def _vjp(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return the VJP of f as a function of `count` primals and a cotangent."""

    def both(*given: Any) -> Any:
        y, pullback = jax.vjp(f, *given[:count])
        return y, pullback(given[count])

    return both


def _product_chain(w: Any, x: Any) -> Any:
    for k in range(4):
        x = w[k] @ x
    return x


def _ratios() -> Iterator[tuple[str, str, float]]:
    """Yield the mode, by what is differentiated, and how many times f's flops that takes."""
    w, x = _shape(4, 64, 64), _shape(64, 64)
    plain = _of(_product_chain, w, x)["flops_compiled"]
    by_x: Callable[..., Callable[..., Any]] = lambda mode: (
        lambda w, *given: mode(lambda x: _product_chain(w, x), 1)(*given)
    )
    inside = {
        ("jvp", "by x alone"): (by_x(_jvp), (w, x, x)),
        ("vjp", "by x alone"): (by_x(_vjp), (w, x, x)),
        ("jvp", "by x and the weights"): (_jvp(_product_chain, 2), (w, x, w, x)),
        ("vjp", "by x and the weights"): (_vjp(_product_chain, 2), (w, x, x)),
    }
    for (mode, wrt), (f, args) in inside.items():
        yield mode, wrt, _of(f, *args)["flops_compiled"] / plain


# --- the claims -------------------------------------------------------------------------------


@said("A JVP or a VJP costs three times the function")
def _three(timed: bool) -> Iterator[Case]:
    for mode, wrt, ratio in _ratios():
        yield Case(f"{mode} {wrt}", abs(ratio - 3) < 0.2, f"{ratio:.2f}× the flops")


@said("A JVP or a VJP costs twice the function")
def _two(timed: bool) -> Iterator[Case]:
    for mode, wrt, ratio in _ratios():
        yield Case(f"{mode} {wrt}", abs(ratio - 2) < 0.2, f"{ratio:.2f}× the flops")


@said("The gradient by n inputs costs n times the function")
def _n_times(timed: bool) -> Iterator[Case]:
    f = lambda x: jnp.sum(jnp.sin(x) * x)
    for n in (10, 1000):
        ratio = _of(jax.value_and_grad(f), _shape(n))["flops"] / _of(f, _shape(n))["flops"]
        yield Case(f"n = {n}", ratio >= n, f"{ratio:.2f}× the flops")


def _deep(turns: int) -> Callable[[Any], Any]:
    return lambda x: jax.lax.scan(lambda c, _: (jnp.sin(c), None), x, None, length=turns)[0].sum()


@said("The memory of forward mode does not grow with depth")
def _forward_memory(timed: bool) -> Iterator[Case]:
    x = _shape(10_000)

    def unrolled(turns: int) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            for _ in range(turns):
                x = jnp.sin(x)
            return x.sum()

        return f

    for word, make in (("a scan", _deep), ("an unrolled loop", unrolled)):
        rows = [_of(_jvp(make(turns), 1), x, x) for turns in (10, 40)]
        for key, level in (("peak", "jaxpr"), ("temp", "compiled")):
            few, many = (row[key] for row in rows)
            measured = f"10 turns {bytes_text(few)}, 40 turns {bytes_text(many)}"
            yield Case(f"{word}, {level}", many <= 1.5 * few, measured)


@said("The memory of reverse mode grows with depth")
def _reverse_memory(timed: bool) -> Iterator[Case]:
    x = _shape(10_000)
    cut = lambda turns: lambda x: segmented(jnp.sin, turns, round(turns**0.5))(x).sum()
    for word, make in (("everything kept", _deep), ("checkpoints every √n turns", cut)):
        few, many = (_of(jax.grad(make(turns)), x)["temp"] for turns in (16, 256))
        measured = f"16 turns {bytes_text(few)}, 256 turns {bytes_text(many)}"
        yield Case(word, many > 2 * few, measured)


@said("Reverse mode stores the Jacobian of every step")
def _stores_jacobians(timed: bool) -> Iterator[Case]:
    for n in (10, 1000):
        kept = _of(jax.grad(lambda x: jnp.sum(jnp.tanh(x))), _shape(n))["residual"]
        measured = f"{bytes_text(kept)} kept, the Jacobian has {bytes_text(4 * n * n)}"
        yield Case(f"tanh of {n} numbers", kept >= 4 * n * n, measured)


def _hvps(f: Callable[[Any], Any]) -> dict[str, Callable[[Any, Any], Any]]:
    """Return the three cheap ways to multiply a Hessian by a vector, and the dear one."""
    return {
        "forward over reverse": lambda x, v: jax.jvp(jax.grad(f), (x,), (v,))[1],
        "reverse over forward": lambda x, v: jax.grad(lambda y: jax.jvp(f, (y,), (v,))[1])(x),
        "reverse over reverse": lambda x, v: jax.grad(lambda y: jnp.vdot(jax.grad(f)(y), v))(x),
        "whole Hessian": lambda x, v: jnp.tensordot(jax.hessian(f)(x), v, x.ndim),
    }


def _toy(x: Any) -> Any:
    return jnp.sum(jnp.tanh(x) ** 2)


@said("Forward over reverse is the best Hessian-vector product")
def _best_hvp(timed: bool) -> Iterator[Case]:
    def net(x: Any) -> Any:
        return _deep(64)(x @ jnp.eye(x.shape[1], dtype=x.dtype))

    x = _shape(30, 40)
    toy = cost(dict(list(_hvps(_toy).items())[:3]), x, x, progress=False).rows
    deep = cost(dict(list(_hvps(net).items())[:3]), x, x, progress=False).rows
    tried = (("flops, a small function", toy, "flops_compiled", number_text),
             ("memory, a small function", toy, "temp", bytes_text),
             ("memory, a deep one", deep, "temp", bytes_text))  # fmt: skip
    for when, rows, key, say in tried:
        best, *others = (row[key] for row in rows)
        yield Case(when, best < 0.9 * min(others), " · ".join(say(n) for n in (best, *others)))


@said("A Hessian-vector product needs no Hessian, which would cost n times as much")
def _no_hessian(timed: bool) -> Iterator[Case]:
    ways = _hvps(_toy)
    x = _shape(30, 40)
    cheap = _of(ways["forward over reverse"], x, x)["flops_compiled"]
    ratio = _of(ways["whole Hessian"], x, x)["flops_compiled"] / cheap
    measured = f"{number_text(cheap)} flops, {ratio:,.0f}× with the Hessian"
    yield Case("n = 1200", 600 < ratio < 2400, measured)


@said("Near-square Jacobians are cheaper with jacfwd")
def _near_square(timed: bool) -> Iterator[Case]:
    f = lambda x, a: jnp.tanh(a @ x)
    args = (_shape(256), _shape(256, 256))
    forward, reverse = (_of(j(f), *args)["flops_compiled"] for j in (jax.jacfwd, jax.jacrev))
    measured = f"{number_text(forward)} and {number_text(reverse)}"
    yield Case("flops, 256 × 256", forward < 0.97 * reverse, measured)
    if timed:
        yield _timed(
            "seconds, 256 × 256", {"jacfwd": jax.jacfwd(f), "jacrev": jax.jacrev(f)}, *args
        )


def _timed(when: str, both: dict[str, Callable[..., Any]], *args: Any, jit: bool = True) -> Case:
    """Try whether the first of two functions is faster, beyond noise."""
    arrays = [jnp.sin(1.0 + jnp.arange(a.size)).reshape(a.shape) for a in args]
    watch = stopwatch(both, *arrays, jit=jit, rounds=9, progress=False)
    first, second = watch.times.values()
    found = verdict(first, second)
    return Case(when, found.differs and found.ratio < 1, found.words(*both))


@said("Rows with vmap are cheaper than rows in a loop")
def _vmap(timed: bool) -> Iterator[Case]:
    f: Callable[..., Any] = lambda x, a: jnp.tanh(a @ x)

    def rows(x: Any, a: Any, us: Any) -> Any:
        pullback: Callable[..., Any] = jax.vjp(lambda x: f(x, a), x)[1]
        return jax.vmap(lambda u: pullback(u)[0])(us)

    def loop(x: Any, a: Any, us: Any) -> Any:
        pullback: Callable[..., Any] = jax.vjp(lambda x: f(x, a), x)[1]
        return jnp.stack([pullback(u)[0] for u in us])

    args = (_shape(50), _shape(30, 50), _shape(30, 30))
    ours, theirs = (_of(g, *args) for g in (rows, loop))
    for key, when in (("equations", "equations to send off, eager"), ("flops", "flops")):
        measured = f"{number_text(ours[key])} and {number_text(theirs[key])}"
        yield Case(when, ours[key] < 0.9 * theirs[key], measured)
    if timed:
        for jit, word in ((False, "seconds, eager"), (True, "seconds, compiled")):
            yield _timed(word, {"vmap": rows, "loop": loop}, *args, jit=jit)


@said("associative_scan is better than scan")
def _associative(timed: bool) -> Iterator[Case]:
    tree = lambda x: jax.lax.associative_scan(jnp.add, x)
    chain = lambda x: jax.lax.scan(lambda c, a: (c + a, c + a), jnp.zeros(()), x)[1]
    ours, theirs = (_of(f, _shape(1024))["flops"] for f in (tree, chain))
    measured = f"{number_text(ours)} and {number_text(theirs)}"
    yield Case("operations, n = 1024", ours < theirs, measured)
    x = jnp.ones(1024)
    long, short = (capture(f, x, mode="primal").totals.depth for f in (chain, tree))
    measured = f"{number_text(short)} and {number_text(long)}"
    yield Case("longest chain of dependences", short < long, measured)
    if timed:
        where = jax.default_backend()
        both = {"associative_scan": tree, "scan": chain}
        yield _timed(f"seconds on this {where}, n = 100,000", both, _shape(100_000))


@said("Multiplying Jacobians from the output side is cheaper")
def _order(timed: bool) -> Iterator[Case]:
    for n, m, d in ((2000, 300, 300), (9, 900, 3), (1, 300, 100)):
        shapes = _shape(1, d), _shape(d, m), _shape(m, n)
        out = _of(lambda h, g2, g1: (h @ g2) @ g1, *shapes)["flops_compiled"]
        into = _of(lambda h, g2, g1: h @ (g2 @ g1), *shapes)["flops_compiled"]
        measured = f"{number_text(out)} and {number_text(into)} flops"
        yield Case(f"n, m, d = {n}, {m}, {d}", out < into, measured)
