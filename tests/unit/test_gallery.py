"""The gallery, and functions that are typed: what is shown is what jax computes."""

import jax
import jax.numpy as jnp
import pytest
from packed import frame_model

import olympus_kit as ok
from olympus_kit.views import _gallery

pytestmark = pytest.mark.usefixtures("x64")


@pytest.fixture(scope="module")
def gallery():
    with jax.enable_x64(True):
        return ok.gallery()


def test_all_twelve_ladders_show_the_numbers_of_jax(gallery):
    data = gallery.model()
    assert len(data["frames"]) == len(_gallery.GALLERY) == 12
    for number, (name, (f, args)) in enumerate(_gallery.GALLERY.items()):
        arrays = [jnp.asarray(x) for x in args]
        model = frame_model(data, number)
        assert float(model["outputs"][0]["value"]) == pytest.approx(float(f(*arrays)), rel=1e-6)
        slopes = jnp.ravel(jax.grad(f)(*arrays))
        shown = model["inputs"][0]["derivative"].strip("[]").split()
        numbers = [float(text.strip(",")) for text in shown]
        assert numbers == pytest.approx(slopes.tolist(), rel=1e-6, nan_ok=True), name


def test_the_gallery_says_where_nan_is(gallery):
    bad = [frame["bad"] for frame in gallery.model()["frames"]]
    assert [name for name, one in zip(_gallery.GALLERY, bad, strict=True) if one] == [
        "where, with a NaN"
    ]
    assert "where, with a NaN: NaN or inf" in gallery.text()
    assert " =  " not in gallery.text().replace("\n", " ")  # nothing without its name or value
    assert ",  =" not in gallery.text()
    (axis,) = gallery.model()["axes"]
    assert list(axis["labels"]) == list(_gallery.GALLERY)
    assert gallery.title == "A gallery of 12 functions"
    assert gallery.size < 60_000


def test_four_ways_to_write_softplus_agree():
    ways = [f for name, (f, _) in _gallery.GALLERY.items() if name.startswith("softplus")]
    assert len(ways) == 4
    for x in (-1.5, 0.7):
        assert [float(f(x)) for f in ways] == pytest.approx([float(jnp.log(1 + jnp.exp(x)))] * 4)


def test_a_mode_that_there_is_not():
    with pytest.raises(ValueError, match="mode must be one of reverse, forward; got 'backward'"):
        ok.gallery("backward")
    with pytest.raises(ValueError, match="show must be one of ladder, jacobian, cost; got 'x'"):
        ok.gallery(show="x")


def test_jacobians_of_the_gallery_are_those_of_jax():
    data = ok.gallery(show="jacobian").model()
    assert data["title"] == "A gallery of 12 functions"
    for number, (f, args) in enumerate(_gallery.GALLERY.values()):
        arrays = [jnp.asarray(x) for x in args]
        (_, *cells), *_ = frame_model(data, number)["tables"][0]["rows"]
        slopes = jnp.ravel(jax.grad(f)(*arrays)).tolist()
        assert [float(cell) for cell in cells] == pytest.approx(slopes, rel=1e-6, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "names"),
    [("x * jnp.sin(y)", ["x", "y"]), ("b + a", ["b", "a"]), ("lax.exp(t)", ["t"])],
)
def test_names_that_are_not_of_a_module_are_parameters(text, names):
    f, parameters = _gallery.typed_function(text)
    assert parameters == names
    point = [0.5, 1.5][: len(names)]
    assert float(f(*point)) == float(
        eval(text, {"jnp": jnp, "lax": jax.lax, **dict(zip(names, point, strict=True))})
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x +", "Type one expression, such as"),
        ("x = 3", "Type one expression, such as"),
        ("jnp.sin(2.0)", "There is no parameter"),
    ],
)
def test_what_is_no_function_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        _gallery.typed_function(text)


def test_python_s_own_functions_are_not_there():
    f, names = _gallery.typed_function("open(x)")
    assert names == ["open", "x"]
    with pytest.raises(TypeError):
        f(1.0, 2.0)


@pytest.mark.parametrize("text", ["one", "0.5 0.7", "{}", "'a'"])
def test_what_is_no_point_is_refused(text):
    with pytest.raises(ValueError, match="Type a number, or a list of them, for each parameter"):
        _gallery.typed_point(text, ["x"])


def test_a_point_has_an_entry_for_each_parameter():
    message = r"f has 2 parameters \(x, y\), and the point has 1 value\."
    with pytest.raises(ValueError, match=message):
        _gallery.typed_point("0.5", ["x", "y"])
    assert [a.shape for a in _gallery.typed_point("0.5, [1.0, 2.0]", ["x", "y"])] == [(), (2,)]


def test_ladder_jacobian_and_cost_follow_what_is_typed():
    box = ok.explore("x * jnp.sin(y)", "0.5, 0.75")
    fields, message, *places = box.children
    text, point, mode = fields.children
    titles = lambda: [place.children[0].view["title"] for place in places]
    assert "reverse mode" in titles()[0]
    before = titles()
    text.value = "x *"
    assert "Type one expression" in message.value
    assert titles() == before
    text.value = "jnp.tanh(x)"
    assert "f has 1 parameter (x), and the point has 2 values." in message.value
    point.value = "[0.5, 0.7]"
    assert message.value == ""
    assert "2 × 2" in titles()[1]
    mode.value = "forward"
    assert "forward mode" in titles()[0]
    shown = [row[1:] for row in places[1].children[0].view["tables"][0]["rows"]]
    J = jax.jacobian(jnp.tanh)(jnp.array([0.5, 0.7]))
    assert [[float(x) for x in row] for row in shown] == [pytest.approx(row) for row in J.tolist()]
