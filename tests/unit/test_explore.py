"""Explorers: every frame's numbers are jax's at that point; bad input; Python behind the slider."""

import json
import pickle

import corpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from packed import frame_model

import olympus_kit as ok
from olympus_kit.views import _frames
from olympus_kit.views._frames import Shot, frame_data

pytestmark = pytest.mark.usefixtures("x64")


def pair(v):
    return jnp.stack([v[0] * v[1], jnp.sin(v[2])])


def branching(x):
    return jax.lax.cond(x > 0.5, jnp.sin, lambda u: u * u, x)


def net(params, x):
    return jnp.sum(jnp.tanh(params["W"] @ x))


def ends(model):
    """The derivative of each input and the value of each output, as the page shows them."""
    both = [(end["name"], end.get("derivative")) for end in model["inputs"]]
    return dict(both), [float(end["value"]) for end in model["outputs"]]


@pytest.mark.parametrize("f", [corpus.logistic, jnp.sin, branching])
def test_every_frame_of_a_ladder_has_the_numbers_of_jax(f):
    explorer = ok.graph(f, 0.2).explore(
        {"x": (0.0, 1.0)} if f is not jnp.sin else {"x": (0.0, 3.0)}
    )
    data = explorer.model()
    assert len(data["frames"]) == 21
    for number, (x,) in enumerate(explorer.points):
        derivatives, (value,) = ends(frame_model(data, number))
        assert value == pytest.approx(float(f(x)), rel=1e-6, abs=1e-12)
        assert float(derivatives["x"]) == pytest.approx(float(jax.grad(f)(x)), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("entry", [0, 2])
def test_every_frame_of_a_jacobian_has_the_numbers_of_jax(entry):
    at = jnp.array([1.0, 2.0, 3.0])
    explorer = ok.jacobian_shapes(pair, at).explore({f"v[{entry}]": (0.5, 4.0)}, frames=5)
    data = explorer.model()
    for number, (x,) in enumerate(explorer.points):
        J = jax.jacobian(pair)(at.at[entry].set(x))
        rows = frame_model(data, number)["tables"][0]["rows"]
        shown = np.array([[float(cell) for cell in cells] for _, *cells in rows])
        assert np.allclose(shown, J, rtol=1e-6)


VIEWS = {
    "ladder": lambda x: ok.graph(corpus.logistic, x),
    "listing": lambda x: ok.graph(corpus.logistic, x, layout="listing"),
    "nodes": lambda x: ok.graph(corpus.logistic, x, layout="dag"),
    "jacobian": lambda x: ok.jacobian_shapes(corpus.logistic, x),
    "memory": lambda x: ok.memory(corpus.logistic, x),
    "push_pull": lambda x: ok.push_pull(corpus.logistic, x),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_frame_is_what_the_view_itself_shows(name):
    explorer = VIEWS[name](0.2).explore(x=(0.1, 0.9), frames=3)
    data = explorer.model()
    assert [x for (x,) in explorer.points] == [0.1, 0.5, 0.9]
    for number, (x,) in enumerate(explorer.points):
        whole = json.loads(json.dumps(VIEWS[name](x).point_model()))
        assert json.loads(json.dumps(frame_model(data, number))) == whole
    assert data["forms"][0]["view"] is not None
    assert len(data["forms"]) <= 2


def test_only_what_differs_is_stored_of_a_point():
    many = ok.graph(corpus.logistic, 0.2).explore(x=(0.0, 1.0), frames=11)
    few = ok.graph(corpus.logistic, 0.2).explore(x=(0.0, 1.0), frames=3)
    alone = len(ok.graph(corpus.logistic, 0.2).html())
    assert (many.size - few.size) / 8 < 0.25 * many.size
    assert len(many.html()) < 2 * alone


def test_points_are_left_out_until_they_fit_into_the_budget():
    full = ok.graph(corpus.logistic, 0.2).explore(x=(0.0, 1.0))
    small = ok.graph(corpus.logistic, 0.2).explore(x=(0.0, 1.0), budget=full.size - 1)
    assert len(full.points) == 21
    assert len(small.points) == 11
    assert small.size < full.size
    assert small.points[0] == (0.0,)
    assert small.points[-1] == (1.0,)
    assert "11 points" in small.notes[0]
    tiny = ok.graph(corpus.logistic, 0.2).explore(x=(0.0, 1.0), budget=1)
    assert len(tiny.points) == 3


def test_two_sliders_go_over_all_pairs():
    f = lambda x, y: x * jnp.sin(y)
    view = ok.graph(f, 0.5, 1.0, argnums="all")
    explorer = view.explore(x=(0.0, 1.0), y=(1.0, 2.0), frames=3)
    data = explorer.model()
    assert len(explorer.points) == 9
    for number, point in enumerate(explorer.points):
        derivatives, (value,) = ends(frame_model(data, number))
        gradient = jax.grad(f, (0, 1))(*point)
        assert value == pytest.approx(float(f(*point)), rel=1e-6)
        assert [float(derivatives[n]) for n in "xy"] == pytest.approx(
            list(map(float, gradient)), rel=1e-6
        )


def test_a_range_has_its_points_and_whole_ones_where_the_number_is_whole():
    view = ok.graph(lambda x, n: x * n, 0.5, 2)
    assert view.explore(x=(0, 1), frames=3).points == [(0.0,), (0.5,), (1.0,)]
    assert view.explore(n=(0, 2)).points == [(0,), (1,), (2,)]
    entries = ok.memory(jnp.sum, jnp.ones(3)).explore(arguments=jnp.ones, shape=(1, 4)).points
    assert entries == [(1,), (2,), (3,), (4,)]


def test_an_entry_of_a_dict_is_changed_and_nothing_else():
    params, x = {"W": jnp.ones((2, 3)), "b": jnp.ones(2)}, jnp.array([0.1, 0.2, 0.3])
    explorer = ok.graph(net, params, x).explore({"params['W'][0, 1]": (-1.0, 1.0)}, frames=3)
    for (w,), line in explorer._lines():
        value = float(net({"W": params["W"].at[0, 1].set(w)}, x))
        assert f"= {value:.7g}" in line
    assert params["W"][0, 1] == 1.0


def test_sizes_are_changed_through_a_function():
    f = lambda x: jnp.sum(jnp.sin(x))
    explorer = ok.memory(f, jnp.ones(3)).explore(arguments=jnp.ones, shape=[2, 8, 32])
    data = explorer.model()
    for number, (n,) in enumerate(explorer.points):
        whole = ok.memory(f, jnp.ones(n))
        assert frame_model(data, number)["finding"] == whole.finding
    assert explorer.notes == [explorer.notes[0]]


def test_costs_of_several_functions_are_explored_together():
    tall = lambda x: jnp.tanh(x[0] * jnp.arange(6.0))
    both = {"jacfwd": jax.jacfwd(tall), "jacrev": jax.jacrev(tall)}
    explorer = ok.cost(both, jnp.ones(2)).explore(arguments=jnp.ones, shape=[1, 4])
    findings = [frame_model(explorer.model(), k)["finding"] for k in range(2)]
    assert findings == [ok.cost(both, jnp.ones(n)).finding for n in (1, 4)]


def test_where_the_program_changes_is_said():
    explorer = ok.graph(branching, 0.2).explore(x=(0.0, 1.0), frames=11)
    assert "the program itself changes between x = 0.5 and x = 0.6" in explorer.notes
    assert explorer.model()["programs"] == 2
    assert {f["program"] for f in explorer.model()["frames"][:6]} == {0}
    assert {f["program"] for f in explorer.model()["frames"][6:]} == {1}
    assert len(ok.graph(jnp.sin, 0.2).explore(x=(0.0, 1.0), frames=3).notes) == 1


def test_each_line_says_the_values_and_what_derivatives_there_are():
    f = lambda x, y: x * jnp.sin(y)
    for layout in ("ladder", "dag"):
        lines = ok.graph(f, 0.5, 0.0, layout=layout).explore(x=(0.0, 1.0), frames=3).text()
        assert "x = 1.0: v2 = 0.0, v2_bar = 1.0, x = 1.0, x_bar = 0.0, y = 0.0\n" in lines
    lines = ok.graph(f, 0.5, 0.0, mode="primal").explore(x=(0.0, 1.0), frames=3).text()
    assert "x = 1.0: v2 = 0.0, x = 1.0, y = 0.0\n" in lines


def test_nan_is_shown_and_marked():
    explorer = ok.graph(jnp.log, 0.5).explore(x=(-1.0, 1.0), frames=5)
    assert [f["bad"] for f in explorer.model()["frames"]] == [True, True, True, False, False]
    assert "x = -1.0: NaN or inf; v1 = nan" in explorer.text()
    J = ok.jacobian_shapes(jnp.sqrt, jnp.array([0.5])).explore({"x[0]": [-1.0, 1.0]})
    assert [f["bad"] for f in J.model()["frames"]] == [True, False]


def test_a_function_that_raises_at_some_points_is_said_and_the_rest_stays():
    def arguments(n):
        if n == 2:
            raise ValueError("two is too few\nmore lines")
        return jnp.ones(n)

    explorer = ok.memory(lambda x: jnp.sum(x * x), jnp.ones(3)).explore(
        arguments=arguments, n=[1, 2, 3]
    )
    frames = explorer.model()["frames"]
    assert frames[1] == {"error": "ValueError: two is too few"}
    assert "form" in frames[0]
    assert "form" in frames[2]
    assert "n = 2: ValueError: two is too few" in explorer.notes
    with pytest.raises(ValueError, match=r"At none of 2 points is there anything to show. At the"):
        ok.memory(lambda x: jnp.sum(x), jnp.ones(3)).explore(
            arguments=lambda n: jnp.ones((2, 3)) @ jnp.ones(2), n=[1, 2]
        )


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        (
            {"x": (1.0, 0.0)},
            r"range of x must be a pair of numbers, from the smaller",
        ),
        ({"x": (1.0, 1.0)}, "range of x must be a pair of numbers"),
        ({"x": (0.0, float("inf"))}, "range of x must be a pair of numbers"),
        ({"x": 3.0}, "range of x must be a pair of numbers"),
        ({"x": [1.0]}, "values of x must be at least two different finite numbers"),
        ({"x": [1.0, 1.0]}, "values of x must be at least two different finite numbers"),
        ({"y": (0.0, 1.0)}, "'y' does not name a number to change. There are: x"),
        ({}, "An explorer has one slider or two; got 0"),
    ],
)
def test_a_range_that_is_none_is_refused(ranges, message):
    with pytest.raises(ValueError, match=message):
        ok.graph(corpus.logistic, 0.2).explore(ranges)


def test_a_view_from_a_file_says_that_it_knows_no_function():
    view = pickle.loads(pickle.dumps(ok.memory(corpus.logistic, 0.2)))
    with pytest.raises(RuntimeError, match="This Memory does not know its function"):
        view.explore(x=(0.0, 1.0))


def test_python_answers_at_any_point():
    live = ok.graph(corpus.logistic, 0.2).explore(x=(0.0, 1.0), frames=3).live()
    assert live.view["live"] is True
    for serial, x in enumerate([0.123, 0.77], start=1):
        live.point = {"serial": serial, "values": [x]}
        assert live.answer["serial"] == serial
        derivatives, (value,) = ends(live.answer["view"])
        assert value == pytest.approx(corpus.logistic(x), rel=1e-6)
        assert float(derivatives["x"]) == pytest.approx(
            float(jax.grad(corpus.logistic)(x)), rel=1e-6
        )
    live.point = {"serial": 9, "values": ["not a number"]}
    assert live.answer["serial"] == 9
    assert live.answer["error"]
    assert "view" not in live.answer


def test_stored_models_come_back_as_they_were():
    models = [
        {"a": 1, "b": [], "c": {"d": float("nan")}, "s": f"<p>{k}</p>" * 60, "k": k % 2 == 0}
        for k in range(3)
    ] + [{"a": 1, "b": [3]}, {"a": True, "b": [4]}]
    data = frame_data([Shot(model) for model in models])
    assert len(data["forms"]) == 2
    for number, model in enumerate(models):
        assert repr(frame_model(data, number)) == repr(model)
    assert ["a"] not in data["forms"][0]["paths"]
    assert ["a"] in data["forms"][1]["paths"]


def test_a_long_text_is_cut_where_its_parts_end():
    assert _frames.in_pieces("short") == "short"
    cut = _frames.in_pieces("<a>" * 50)
    assert cut["pieces"][:2] == ["<a>", "<a>"]
