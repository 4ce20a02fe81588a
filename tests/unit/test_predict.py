"""What figures ask: the right answer is right, each wrong one is wrong for the reason given."""

import re

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import olympus_kit as ok

pytestmark = pytest.mark.usefixtures("x64")


def wave(x, y):
    return x * x * jnp.sin(y) - jnp.cos(x)


def net(p, x):
    return jnp.sum(jnp.tanh(p["W"] @ x + p["b"]) ** 2)


def values_of(view):
    """The value of each name of a program, as Python can compute with it."""
    values = {}
    for value in view.program.values:
        if value.summary is not None and value.summary.entries is not None:
            name = value.name.replace(".", "_")
            values[name] = np.asarray(value.summary.entries)
    return values


def computed(line, values):
    """What a line like "v8_bar = v7 * v9_bar" would compute."""
    right = line.partition(" = ")[2]
    return eval(re.sub(r"(?<=[a-z])\.(?=\d)", "_", right), {"np": np, **values})


PROGRAMS = {
    "logistic, reverse": lambda x: ok.graph(corpus.logistic, x, ask=True),
    "logistic, forward": lambda x: ok.graph(corpus.logistic, x, mode="forward", ask=True),
    "wave, reverse": lambda x: ok.graph(wave, x, 0.7, argnums="all", ask=True),
    "wave, forward": lambda x: ok.graph(wave, x, 0.7, argnums="all", mode="forward", ask=True),
}


@pytest.mark.parametrize("x", [0.2, 0.9])
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_wrong_line_gives_another_number_or_comes_too_early(name, x):
    view = PROGRAMS[name](x)
    values = values_of(view)
    steps = view._ladder.steps
    assert 2 <= len(view.questions) <= 5
    for question in view.questions:
        assert question.right.why == steps[question.step].words
        left = question.right.text.partition(" = ")[0].replace(".", "_")
        assert np.allclose(computed(question.right.text, values), values[left])
        for choice in question.choices:
            if choice.right:
                continue
            if "comes later" in choice.why:
                waits = re.search(r"reads `(\S+)`", choice.why)[1]
                made = [line.text for row in view._ladder.rows for line in row.lines]
                assert any(text.startswith(f"{waits} = ") for text in made)
                assert waits in choice.text.partition(" = ")[2]
            else:
                assert not np.allclose(computed(choice.text, values), values[left]), choice.text


def test_what_comes_later_waits_for_a_line_that_is_not_shown_yet():
    view = ok.graph(corpus.logistic, 0.2, ask=True)
    lines = {}
    for row in view._ladder.rows:
        for line in row.lines:
            lines[line.text.partition(" = ")[0]] = line.step
    for question in view.questions:
        for choice in question.choices:
            if "comes later" in choice.why:
                waits = re.search(r"reads `(\S+)`", choice.why)[1]
                assert lines[waits] >= question.step


def test_sums_and_products_are_both_asked_for():
    asked = " ".join(q.right.text for q in ok.graph(corpus.logistic, 0.2, ask=True).questions)
    assert " + " in asked
    assert " * " in asked


def test_a_ladder_that_asks_keeps_its_answers_from_other_figures():
    view = ok.graph(corpus.logistic, 0.2, ask=True)
    model = view.model()
    assert model["group"] == ""
    assert [q["step"] for q in model["questions"]] == sorted(q["step"] for q in model["questions"])
    assert ok.graph(corpus.logistic, 0.2).model()["questions"] == []


def test_a_ladder_with_nothing_to_ask_says_so():
    with pytest.raises(ValueError, match="There is no line to ask for in"):
        ok.graph(lambda x: x + 1.0, 0.2, ask=True)
    for options in ({"layout": "dag"}, {"mode": "primal"}):
        with pytest.raises(ValueError, match="A ladder or a listing asks"):
            ok.graph(corpus.logistic, 0.2, ask=True, **options)


@pytest.mark.parametrize("shapes", [((2, 3), (3,)), ((4, 2), (2,))])
def test_the_shapes_of_blocks_are_those_of_jax(shapes):
    W, x = (jnp.ones(shape) for shape in shapes)
    f = lambda W, x: {"y": W @ x, "size": jnp.sum(x)}
    view = ok.jacobian_shapes(f, W, x, argnums=(0, 1), ask="shape")
    blocks = jax.jacobian(f, argnums=(0, 1))(W, x)
    shown = {
        f"shape of ∂y['{y}']/∂{n}": blocks[y][k].shape for y in f(W, x) for k, n in enumerate("Wx")
    }
    assert len(view.questions) == 3
    for question in view.questions:
        assert question.right.text == str(shown[question.name])
        assert all(c.text != question.right.text for c in question.choices if not c.right)


@pytest.mark.parametrize(("x", "right"), [(1.0, "()"), (jnp.ones(3), "(3, 3)")])
def test_numbers_and_squares_have_a_shape_to_ask_for(x, right):
    (question,) = ok.jacobian_shapes(jnp.sin, x, ask="shape").questions
    assert question.right.text == right
    with pytest.raises(ValueError, match='ask is "shape" or None; got True'):
        ok.jacobian_shapes(jnp.sin, jnp.ones(2), ask=True)


@pytest.mark.parametrize("n", [8, 64])
def test_the_ratio_is_the_one_that_was_counted(n):
    view = ok.cost(lambda x: jnp.sum(jnp.tanh(x) ** 2), jnp.ones(n), ask=True)
    (question,) = view.questions
    ratio = view["grad"]["flops"] / view["f"]["flops"]
    assert question.right.text == f"{ratio:.2f}×"
    others = [float(c.text.rstrip("×")) for c in question.choices if not c.right]
    assert all(abs(other - ratio) > 0.05 * ratio for other in others)
    assert n in others


def test_the_cheapest_of_named_functions_is_asked_for():
    f, J = jnp.tanh, {"jacfwd": jax.jacfwd, "jacrev": jax.jacrev}
    tall = lambda x: f(x[0] * jnp.arange(9.0))
    both = {name: make(tall) for name, make in J.items()}
    view = ok.cost(both, jnp.ones(1), ask=True)
    assert view.questions[0].right.text == min(both, key=lambda name: view[name]["flops"])
    with pytest.raises(ValueError, match="nothing to ask for: too few FLOPs"):
        ok.cost({"one": jnp.tanh}, jnp.ones(2), ask=True)


@pytest.mark.parametrize("x", [0.2, 0.9])
def test_the_residuals_are_those_that_the_backward_pass_reads(x):
    view = ok.memory(corpus.logistic, x, ask=True)
    (question,) = view.questions
    program = view.program
    names = {v.id: v.name for v in program.values}
    adjoints = [e for e in program.equations if "adjoint" in e.roles]
    read = {names[o] for e in adjoints for o in e.operands}
    right = set(question.right.text.split(", "))
    assert right <= read
    for choice in question.choices:
        for name in re.findall(r"Nothing in the backward pass reads `(\S+)`", choice.why):
            assert name not in read
        assert choice.right == (set(choice.text.split(", ")) == right)


def test_too_much_that_is_saved_is_not_asked_for():
    def deep(x):
        for _ in range(20):
            x = jnp.sin(x)
        return x

    with pytest.raises(ValueError, match="20 values are saved for the backward pass, and asking"):
        ok.memory(deep, 1.0, ask=True)


def test_the_text_holds_what_is_asked():
    text = ok.memory(corpus.logistic, 0.2, ask=True).text()
    assert "3) v1, v2, v4, v5, v7, v8\n" in text.partition("The peak is")[0]
    assert "1. v1, v2, v4, v5, v7, v8: v7 is read by" in text.partition("Answers")[2]
    assert "Which line comes next?" in ok.graph(corpus.logistic, 0.2, ask=True).text()
