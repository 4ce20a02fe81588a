"""Every sentence of the ladder is true: of local derivatives, of sums, of what is written."""

import json
import re

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus_kit as ok
from olympus_kit.views._formula import statement
from olympus_kit.views._words import with_short_names

pytestmark = pytest.mark.usefixtures("x64")

X = np.array([0.5, 2.0, 1.0])
A = np.array([[2.0, 1.0], [1.0, 3.0]])
ALL = {**corpus.CORPUS, **corpus.REVERSE_ONLY}
JARGON = re.compile(
    r"dot_general|integer_pow|select_n|select\(|convert_element_type|broadcast_in_dim|reduce_|"
    r"add_any|rsqrt|dynamic_|scatter|gather\(|custom_linear_solve|conv_general"
)


def attention(q, k, v):
    return jax.nn.softmax(q @ k.T / 2.0) @ v


def layer_norm(x):
    centred = x - x.mean()
    return centred / jnp.sqrt((centred * centred).mean() + 1e-5)


# what a student must read, among other sentences; names are numbered from left to right as they
# come in, so that a version of jax with one equation more or less says the same; " | " stands
# between what the versions say of a rule that they have in different forms
SENTENCES = {
    "tanh": (jnp.tanh, (0.5,), [
        "Primal: v1 = tanh(x), which is 0.4621172.",
        "A factor of the local derivative of v1 = tanh(x): c1 = 1.0 - v1, which is 0.5378828."
        " | Local derivative of v1 = tanh(x): c1 = 1 - v1 ** 2, which is 0.7864477.",
        "Adjoint: v1 = tanh(x); two parts of one rule, added: x_bar = t1 + t2, "
        "which is 0.7864477."
        " | Adjoint: v1 = tanh(x); adjoint of x = (1 - v1 ** 2) · adjoint of v1; "
        "in numbers 0.7864477 · 1.0 = 0.7864477.",
    ]),
    "sigmoid": (jax.nn.sigmoid, (0.5,), [
        "Needed for the derivative of v1 = sigmoid(x): c1 = 1.0 - v1, which is 0.3775407.",
        "Local derivative of v1 = sigmoid(x): c1 = v1 * c2, which is 0.2350037.",
        "Adjoint: v1 = sigmoid(x); adjoint of x = (v1 * (1.0 - v1)) · adjoint of v1; "
        "in numbers 0.2350037 · 1.0 = 0.2350037.",
    ]),
    "relu": (jax.nn.relu, (0.5,), [
        "Needed for the derivative of v1 = relu(x): c1 = x > 0.0, which is True.",
        "Adjoint: v1 = relu(x); its rule: x_bar = where(c1, v1_bar, 0.0), which is 1.0.",
    ]),
    "relu off": (jax.nn.relu, (-0.5,), [
        "Adjoint: v1 = relu(x); its rule: x_bar = where(c1, v1_bar, 0.0), which is 0.0.",
    ]),
    "gelu": (jax.nn.gelu, (0.5,), [
        "Primal: v1 = x ** 3, which is 0.125.",
        "A factor of the local derivative of v1 = tanh(v2): c1 = 1.0 - v1, which is 0.617144."
        " | Local derivative of v1 = tanh(v2): c1 = 1 - v1 ** 2, which is 0.8534213.",
        "Adjoint: v1 = x ** 3; adjoint of x += (3.0 * (x ** 2)) · adjoint of v1; "
        "in numbers 0.75 · 0.007611965 = 0.005708973.",
    ]),
    "softmax": (jax.nn.softmax, (X,), [
        "Primal: v1 = exp(v2), which is [0.2231302 1.0 0.3678794].",
        "Adjoint: v1 is used more than once (2 times), so the contributions to its adjoint are "
        "added: v1_bar = v1_bar.1 + v1_bar.2, which is [0.0 0.0 0.0]. v1_bar is now complete.",
        "Adjoint: v1 = exp(v2); adjoint of v2 = v1 · adjoint of v1; in numbers [0.2231302 1.0 "
        "0.3678794] · [0.0 0.0 0.0] = [0.0 0.0 0.0].",
    ]),
    "logsumexp": (jax.nn.logsumexp, (X,), [
        "Primal: v1 = max(a), which is 2.0.",
        "Adjoint: v1 = log(v2); adjoint of v2 = (1 / v2) · adjoint of v1; "
        "in numbers 0.6285317 · 1.0 = 0.6285317.",
        "Adjoint: v1 = sum(v2); its rule: v2_bar = broadcast_to(v1_bar, (3,)), which is "
        "[0.6285317 0.6285317 0.6285317].",
    ]),
    "layer norm": (layer_norm, (X,), [
        "Local derivative of v1 = sqrt(v2): c1 = 0.5 / v1, which is 0.8017734.",
        "Adjoint: v1 = v2 / v3; adjoint of v2 += (1 / v3) · adjoint of v1; "
        "in numbers 1.603547 · [1.0 1.0 1.0] = [1.603547 1.603547 1.603547].",
    ]),
    "attention": (attention, (A, A + 1, 2 * A), [
        "Primal: v1 = q @ v2, which is [[8.0 8.0] [9.0 14.0]].",
        "Adjoint: v1 = v2 @ v; the last step of its rule: v_bar = t1.T, which is "
        "[[0.5758582 0.5758582] [1.424142 1.424142]].",
        "Adjoint: v1 = v2 @ v; its rule: v2_bar = v1_bar @ v.T, which is [[6.0 8.0] [6.0 8.0]].",
    ]),
    "cube": (lambda x: x**3, (0.5,), [
        "Primal: v1 = x ** 3, which is 0.125.",
        "Needed for the derivative of v1 = x ** 3: c1 = x ** 2, which is 0.25.",
        "Local derivative of v1 = x ** 3: c1 = 3.0 * c2, which is 0.75.",
    ]),
    "division": (lambda x, y: x / y, (3.0, 4.0), [
        "Adjoint: v1 = x / y; a step of its rule: t1 = v1_bar * c1, which is 0.0625.",
        "Adjoint: v1 = x / y; the last step of its rule: y_bar = -t1, which is -0.1875.",
        "Adjoint: v1 = x / y; adjoint of x = (1 / y) · adjoint of v1; "
        "in numbers 0.25 · 1.0 = 0.25.",
    ]),
    "sqrt": (jnp.sqrt, (4.0,), [
        "Local derivative of v1 = sqrt(x): c1 = 0.5 / v1, which is 0.25.",
        "Adjoint: v1 = sqrt(x); adjoint of x = (0.5 / v1) · adjoint of v1; "
        "in numbers 0.25 · 1.0 = 0.25.",
    ]),
    "where": (lambda x: jnp.where(x > 1, x * x, -x), (X,), [
        "Primal: v1 = where(v2, v3, v4), which is [-0.5 4.0 -1.0].",
        "Adjoint: v1 = -x; adjoint of x += -1 · adjoint of v1; "
        "in numbers -1 · [1.0 0.0 1.0] = [-1.0 -0.0 -1.0].",
    ]),
    "max": (jnp.max, (X,), [
        "Needed for the derivative of v1 = max(a): c1 = a == c2, which is [False True False].",
        "A factor of the local derivative of v1 = max(a): c1 = c2.astype(float64), which is "
        "[0.0 1.0 0.0].",
        "Adjoint: v1 = max(a); the last step of its rule: a_bar = t1 * c1, which is "
        "[0.0 1.0 0.0].",
    ]),
    "gather": (lambda x: x[jnp.array([2, 0])], (X,), [
        "Primal: v1 = x[v2[:, 0]], which is [1.0 0.5].",
        "Adjoint: v1 = x[v2[:, 0]]; its rule: x_bar = c1.at[v2[:, 0]].add(v1_bar), which is "
        "[1.0 0.0 1.0].",
    ]),
}  # fmt: skip

# an equation of one library function, and the number that its rule gives
CALLS = {
    "log_softmax": (jax.nn.log_softmax, (X,), "log_softmax(x)", "[0.5792669 -0.8855952 0.3063283]"),
    "sort": (jnp.sort, (X,), "sort(a)", "[1.0 1.0 1.0]"),
    "cumsum": (jnp.cumsum, (X,), "cumsum(a)", "[3.0 2.0 1.0]"),
    "convolution": (lambda x: jnp.convolve(x, A[0]), (X,), "convolve(x, const1)", "[3.0 3.0 3.0]"),
    "solve": (jnp.linalg.solve, (A, A[0]), "solve(a, b)", "[0.4 0.2]"),
}


def sentences(f, args, mode="reverse"):
    return [s["words"] for s in ok.graph(f, *args, argnums="all", mode=mode).model()["steps"]]


def renumbered(sentence):
    """Return a sentence with the numbers in names counted from left to right."""
    numbers: dict[str, str] = {}

    def new(match):
        count = 1 + sum(name.startswith(match[1]) for name in numbers)
        return numbers.setdefault(match[0], f"{match[1]}{count}")

    sentence = re.sub(r"\b([vct])\d+(?=\b|_)", new, sentence)
    order: dict[str, str] = {}
    part = lambda m: order.setdefault(m[0], f"{m[1]}{1 + len(order)}")
    return re.sub(r"(\w+_bar\.)\d+", part, sentence)


@pytest.mark.parametrize("name", SENTENCES)
def test_what_is_said_of_a_well_known_function(name):
    f, args, expected = SENTENCES[name]
    shown = [renumbered(sentence) for sentence in sentences(f, args)]
    missing = [e for e in expected if not set(e.split(" | ")) & set(shown)]
    assert missing == [], shown


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_one_equation_with_its_name(name):
    f, args, call, derivative = CALLS[name]
    shown = sentences(f, args)
    assert any(s.startswith("Primal: v1") and call in s for s in shown)
    (adjoint,) = [s for s in shown if s.startswith("Adjoint")]
    function = call.partition("(")[0]
    assert call in adjoint
    assert f"= {function}.vjp(" in adjoint
    assert derivative in adjoint


@pytest.mark.parametrize("name", ["tanh", "gelu", "division", "max"])
def test_no_part_of_a_rule_is_called_the_local_derivative(name):
    f, args, _ = SENTENCES[name]
    view = ok.graph(f, *args, argnums="all")
    for step in view.model()["steps"]:
        if "a step of its rule" in step["words"] or "parts of one rule" in step["words"]:
            assert "local derivative" not in (step["product"] or {"words": []})["words"]


# what a line is called, and as whose function: the words are few, so that none of them is false
WRITTEN = {
    "a remainder": (lambda x: jax.lax.rem(x, 2.0), (-1.5,), "v1 = fmod(x, 2.0)"),
    "a quotient of integers": (lambda n: jax.lax.div(n, 2), (-7,), "v1 = trunc(n / 2)"),
    "a power of a negative number": (lambda x: jnp.power(-2.0, x), (2.0,), "v1 = (-2.0) ** x"),
    "a complex factor": (lambda z: (3 + 1j) * z, (1 + 2j,), "v1 = (3+1j) * z"),
    "an entry": (lambda x: x[1], (X,), "v2 = v1[0]"),
    "a padding that cuts": (
        lambda x: jax.lax.pad(x, 0.0, [(-1, 0, 0)]), (X,), "v1 = x[1:]",
    ),
    "a triangular solve": (
        lambda a, b: jax.lax.linalg.triangular_solve(
            a, b, left_side=True, lower=True, transpose_a=True
        ),
        (A, A),
        "v1 = solve_triangular(a, b, trans='T', lower=True)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_what_numpy_would_do(name):
    f, args, line = WRITTEN[name]
    lines = [s.strip() for s in ok.graph(f, *args, mode="primal").text().splitlines()]
    assert any(s.startswith("primal") and line in s for s in lines), lines


def softmax_thrice(x):
    for _ in range(3):
        x = jax.nn.softmax(x)
    return x


# what stands on a closed fold: one for each call, and of several operands no order
FOLDED = {
    "two calls on a line": (
        lambda a, b: jax.nn.softmax(a) * jax.nn.softmax(b), (X, X),
        ["v9 = softmax(a)", "v18 = softmax(b)"],
    ),
    "a loop of calls": (
        softmax_thrice, (X,), ["v9 = softmax(x)", "v18 = softmax(v9)", "v27 = softmax(v18)"],
    ),
    "several arguments": (
        lambda x, mu, s: jax.scipy.stats.norm.logpdf(x, mu, s), (0.3, 0.1, 2.0),
        ["v8 = logpdf of x, mu, s"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDED)
def test_a_closed_fold_says_what_is_true_of_its_call(name):
    f, args, lines = FOLDED[name]
    folds = [row for row in ok.graph(f, *args).model()["rows"] if row["fold"]]
    assert [row["primal"][0]["text"] for row in folds] == lines


@jax.custom_vjp
def clipped(x):
    return x * 1.0


clipped.defvjp(lambda x: (clipped(x), None), lambda _, u: (jnp.clip(u, -1, 1),))


def test_a_rule_that_somebody_wrote_calls_functions_and_not_their_derivatives():
    lines = [line.split("#")[0].strip() for line in ok.graph(clipped, 3.0).text().splitlines()]
    assert "primal           v1 = clipped(x)" in lines
    assert "adjoint          x_bar = clip(v1_bar, -1, 1)" in lines


def test_a_call_does_not_return_what_it_saves():
    text = ok.graph(jax.nn.log_softmax, X).text()
    assert "v1 = log_softmax(x)" in text
    assert "residual         t1 = [" in text


@pytest.mark.parametrize("name", ALL)
def test_what_is_not_used_is_not_said_to_be_needed(name):
    f, args = ALL[name]
    view = ok.graph(f, *args, argnums="all")
    program = view.program
    read = {o for equation in program.equations for o in equation.operands}
    read.update(map(program.variable, (*program.outputs, *program.derivatives)))
    for step, equation in zip(view.model()["steps"], program.equations, strict=True):
        if step["words"].startswith(("Needed", "A factor", "Local")):
            assert not read.isdisjoint(equation.results), step["words"]


def test_a_nan_that_somebody_wrote_for_another_case_is_not_the_first():
    assert not ok.graph(jnp.var, X).program.first_bad
    assert ok.graph(lambda x: jnp.where(x > 0, jnp.log(0.0), x), 1.0).program.first_bad


# what stands in a line beside Python's operators
NUMPY = {name: getattr(np, name) for name in dir(np) if not name.startswith("_")} | {
    "inf": np.inf,
    "nan": np.nan,
}


@pytest.mark.parametrize("name", ALL)
def test_a_line_that_numpy_can_run_gives_its_number(name):
    f, args = ALL[name]
    view = ok.graph(f, *args, argnums="all")
    program = with_short_names(view.program)
    names = {value.name: whole(value) for value in reversed(program.values)}
    names = {key: value for key, value in names.items() if value is not None}
    for equation in program.equations:
        left, _, right = statement(program, equation).partition(" = ")
        if equation.bodies or left not in names:
            continue
        try:
            value = eval(right, NUMPY | names)
        except (NameError, SyntaxError, TypeError, AttributeError):
            continue  # a function that NumPy has not
        np.testing.assert_allclose(value, names[left], rtol=1e-5, atol=1e-6, err_msg=right)


CHAIN = re.compile(
    r"^Adjoint: .*; adjoint of (?P<target>.+?) (?P<how>\+?=) .* · adjoint of (?P<source>.+?); "
    r"in numbers (?P<left>.*) · (?P<right>.*) = (?P<result>.*)\.$"
)
MORE_THAN_ONCE = re.compile(
    r"Adjoint: (?P<value>.+?) is used more than once \((?P<count>\d+) times\)"
)


@pytest.mark.parametrize("name", ALL)
def test_every_sentence_is_true(name):
    """What is claimed is checked against the program's links, which other laws compare with jax."""
    f, args = ALL[name]
    view = ok.graph(f, *args, argnums="all")
    program = with_short_names(view.program)
    named = {value.name: value.id for value in reversed(program.values)}  # outer names come first
    rows = {row.path: row for row in program.rows}
    for step, equation in zip(view.model()["steps"], program.equations, strict=True):
        if match := CHAIN.match(step["words"]):
            check_chain_rule(program, rows[equation.primal], equation, match, named)
        else:
            assert "· adjoint of" not in step["words"]
        if match := MORE_THAN_ONCE.match(step["words"]):
            assert len(uses(program, named[match["value"]])) == int(match["count"]) > 1
        else:
            assert "more than once" not in step["words"]
    assert JARGON.findall(view.text()) == []


def check_chain_rule(program, row, equation, match, named):
    source = named[match["source"]]
    assert source in row.results
    carrier = program.variable(program.adjoints[source])
    assert carrier in equation.operands
    targets = [
        operand
        for j, operand in enumerate(row.operands)
        if (row.path, j) in program.contributions
        and program.variable(program.contributions[row.path, j]) == equation.results[0]
    ]
    assert named[match["target"]] in targets
    assert match["how"] == ("+=" if len(uses(program, targets[0])) > 1 else "=")
    factor = numbers(match["left"])
    values = [entries(program.values[v]) for v in (carrier, equation.results[0])]
    if factor is not None and all(value is not None for value in values):
        np.testing.assert_allclose(factor * values[0], values[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", corpus.CORPUS)
def test_forward_mode_is_written_as_numpy_has_it(name):
    f, args = corpus.CORPUS[name]
    view = ok.graph(f, *args, argnums="all", mode="forward")
    assert JARGON.findall(view.text()) == []


DERIVATIVES = {
    "sin": (jnp.sin, np.cos),
    "cos": (jnp.cos, lambda x: -np.sin(x)),
    "exp": (jnp.exp, np.exp),
    "log": (jnp.log, lambda x: 1 / x),
    "sqrt": (jnp.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "arctan": (jnp.arctan, lambda x: 1 / (1 + x * x)),
    "cube": (lambda x: x**3, lambda x: 3 * x * x),
    "half": (lambda x: x / 4.0, lambda x: 0.25 + 0 * x),
    "inverse": (lambda x: 2.0 / x, lambda x: -2 / x**2),
    "tanh": (jnp.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "log1p": (jnp.log1p, lambda x: 1 / (1 + x)),
    "power": (lambda x: 2.0**x, lambda x: np.log(2) * 2**x),
}


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("name", DERIVATIVES)
def test_what_is_called_the_local_derivative_is_the_textbook_s(name, mode):
    f, derivative = DERIVATIVES[name]
    for x in (0.3, 1.7):
        view = ok.graph(f, x, mode=mode)
        claims = 0
        for step in view.model()["steps"]:
            product = step["product"]
            if product is not None and "local derivative" in product["words"]:
                claims += 1
                assert float(product["left"][1]) == pytest.approx(derivative(x), rel=1e-5)
            if step["words"].startswith("Local derivative of"):
                value = step["words"].rpartition("which is ")[2].removesuffix(".")
                assert float(value) == pytest.approx(derivative(x), rel=1e-5)
        assert claims <= 1
        if name in ("sin", "exp", "log", "sqrt", "cube", "half"):  # jax has it as one factor
            assert claims == 1


def uses(program, value):
    """Return where a value is used and gets a contribution to its adjoint from."""
    operands = {row.path: row.operands for row in program.rows} | {"out": program.outputs}
    return [(p, k) for p, k in program.contributions if operands[p][k] == value]


def whole(value):
    """Return a value as an array of its own type, where all of it is stored."""
    summary = value.summary
    if summary is None or not summary.whole or value.dtype not in NUMPY:
        return None
    if summary.iterations is not None:
        return None
    return np.array(summary.entries, value.dtype).reshape(value.shape)


def entries(value):
    """Return a real value that is stored whole, otherwise None."""
    summary = value.summary
    if summary is None or not summary.whole or value.dtype.startswith("complex"):
        return None
    return np.asarray(summary.entries, float)


def numbers(text):
    """Read what is shown of a value; None where it is only described."""
    if not re.fullmatch(r"[-+\d.einfa\[\] ]+", text):
        return None
    tokens = re.sub(r"[^\[\] ]+", lambda match: f'"{match[0]}"', text)
    return np.array(json.loads(tokens.replace(" ", ","))).astype(float)
