"""Who copied is not who answered alike: long texts that are one are shown, short ones are not."""

import pytest

pytest.importorskip("copydetect")

from olympus_kit.course.grade.similarity import similar

STUB = """def newton(f, x, steps):
    raise Unsolved("newton")


import numpy as np
import olympus
"""
ANN = """
def newton(f, x, steps):
    slopes = []
    for number in range(steps):
        value = f(x)
        slope = olympus.grad(f)(x)
        if abs(slope) < 1e-12:
            raise ValueError("flat here")
        slopes.append(slope)
        x = x - value / slope
    total = 0.0
    for slope in slopes:
        total = total + slope * slope
    return x, total / max(len(slopes), 1)
"""
CLEO = """
def newton(f, x, steps):
    pair = olympus.value_and_grad(f)
    trail = np.zeros(steps)
    while steps > 0:
        steps -= 1
        y, dy = pair(x)
        if not abs(dy) >= 1e-12:
            break
        trail[steps] = dy ** 2
        x -= y / dy
    else:
        return x, np.mean(trail)
    raise ValueError(f"the tangent at {x} is flat, so it meets no axis")
"""
SHORT = "def newton(f, x, steps):\n    return olympus.grad(f)(x)\n"


def test_a_copy_with_other_names_is_found_and_another_way_is_not():
    copied = (
        ANN.replace("slope", "s").replace("value", "v").replace("    x =", "    # mine\n    x =")
    )
    texts = {"ann": STUB + ANN, "bob": STUB + copied.replace("# mine\n", ""), "cleo": STUB + CLEO}
    (pair,) = similar(texts, STUB)
    assert {pair["one"], pair["other"]} == {"ann", "bob"}
    assert pair["share"] > 0.8


def test_short_answers_and_the_released_page_are_nobodys_copy():
    assert similar({"ann": STUB + SHORT, "bob": STUB + SHORT}, STUB) == []
    assert similar({"ann": STUB, "bob": STUB}, STUB) == []
