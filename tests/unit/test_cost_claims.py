"""Verdicts on claims are computed from their cases."""

import json

import pytest

import olympus_kit as ok


@pytest.mark.parametrize(
    ("held", "verdict"),
    [([True, True], "holds"), ([True, False], "holds when"), ([False, False], "does not hold")],
)
def test_the_verdict_follows_from_the_cases(held, verdict):
    claims = ok.Claims()
    cases = {f"case {k}": (h, f"measured {k}") for k, h in enumerate(held)}
    assert claims.judge("it is so", cases) == verdict
    text = claims.text()
    for k, h in enumerate(held):
        assert f"  {'✓' if h else '✗'} case {k}: measured {k}" in text
    assert verdict in text
    assert verdict in claims.markdown()
    assert verdict in claims.svg()
    assert [r["verdict"] for r in json.loads(claims.json())["records"]] == [verdict] * 2


def test_a_claim_needs_a_case():
    with pytest.raises(ValueError, match="give at least one"):
        ok.Claims().judge("it is so", {})


def test_a_claim_tried_again_is_judged_again():
    claims = ok.Claims()
    claims.judge("it is so", {"once": (True, "1")})
    assert claims.judge("it is so", {"again": (False, "0")}) == "does not hold"
    assert claims.title == "1 claim about cost, measured"
    assert len(claims.records()) == 1


def test_a_claim_that_is_added_is_shown():
    claims = ok.Claims()
    before = claims.html()
    claims.judge("|x| >= 0", {"x = 2": (True, "a | b")})
    assert claims.html() != before
    assert r"\|x\| >= 0" in claims.markdown()
    assert claims.finding == "True in all cases: 1; in some: 0; in none: 0."
    assert claims.words("|x| >= 0").splitlines() == ["|x| >= 0", "  holds", "  ✓ x = 2: a | b"]
