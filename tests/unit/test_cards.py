"""Cards of checks: what they say as HTML and as text, where they link, what comes next."""

import json
import shutil
from pathlib import Path

import pytest

import olympus_kit as ok
from olympus_kit.checks import api, find, outcome_of, places, record
from olympus_kit.checks.card import Card, literal
from olympus_kit.checks.outcome import Outcome

REPO = Path(__file__).parents[2]


@pytest.fixture
def student(tmp_path, monkeypatch):
    """A student's course of two exercises; the folder of exercises is the working folder."""
    for part in ("book", "exercises"):
        (tmp_path / part).mkdir()
    for stem in ("00_start", "06c_moons"):
        for end in (".md", ".answers", ".spec.py"):
            shutil.copy(REPO / "exercises" / (stem + end), tmp_path / "exercises")
    shutil.copy(REPO / "book" / "00_start.md", tmp_path / "book")
    monkeypatch.chdir(tmp_path / "exercises")
    return tmp_path


def failed(name, answer=None):
    names = {name: answer} if answer else {}
    return outcome_of(find(name).question, names)


def test_a_card_says_what_the_text_says_with_code_and_a_link(student):
    outcome = failed("slope", lambda f, x: f(x))
    text, markup = outcome.text(), outcome.card().html()
    assert "△ slope: not yet · " in text
    assert f"<strong>{outcome.head()}</strong>" in markup
    assert 'href="../book/00_start.md' in markup
    assert "</a> in <code>book/00_start.md</code>" in markup
    assert "<code>hint(&quot;slope&quot;)</code>" in markup
    assert "`" not in markup


def test_a_link_names_the_cell_that_holds_the_label(student):
    link = places.link_to_read("book/00_start.md#start-check")
    assert link.startswith("[")
    assert link.endswith("](../book/00_start.md#cell-id=start-check) in `book/00_start.md`")
    shutil.rmtree(student / "book")  # exercises handed out alone
    assert places.link_to_read("book/00_start.md#start-check") == "book/00_start.md#start-check"


def test_every_place_that_messages_name_has_a_cell_of_that_id(monkeypatch):
    """As JupyterLab opens the book: the id that a link names is the id of a cell."""
    import jupytext

    import olympus_server

    monkeypatch.chdir(REPO / "exercises")
    for page in sorted((REPO / "book").glob("[0-9]*.md")):
        text = page.read_text("utf-8")
        cells = json.loads(jupytext.writes(jupytext.reads(text, "md:myst"), "ipynb"))["cells"]
        for cell in cells:
            cell["source"] = "".join(cell["source"])
        model = {"type": "notebook", "content": {"cells": cells, "metadata": {}}}
        ids = {cell["id"] for cell in olympus_server.completed(model)["content"]["cells"]}
        for match in olympus_server.LABEL.finditer(text):
            link = places.link_to_read(f"book/{page.name}#{match['label']}")
            assert link.partition("#cell-id=")[2].partition(")")[0] in ids, link


@pytest.mark.parametrize(
    "text", ["a*b*c and x_bar_1", "<b> & [x](y)", "`a*b` is 2*3*4", "one ` alone", "$x$ # ~"]
)
def test_a_message_is_shown_as_it_is(text):
    markup = Card("t", literal(text)).html()
    assert "<em>" not in markup
    assert "<b>" not in markup
    assert "<a" not in markup


def test_the_three_states_differ_in_sign_and_word_not_in_colour_alone():
    cards = [Outcome("q", state).card() for state in ("not attempted", "not yet", "correct")]
    assert [card.title for card in cards] == ["○ q: not attempted", "△ q: not yet", "✓ q: correct"]
    assert len({card.tone for card in cards}) == 3


def test_after_correct_come_other_ways_the_next_question_and_the_strip(student, capsys):
    namespace = {"check": ok.check, "slope": lambda f, x: ok.grad(f)(x)}
    exec("check('slope')", namespace)
    said = capsys.readouterr().out
    words, code = find("slope").alternatives[0]
    assert "Another way. " + words in said
    assert code in said
    assert "Next: moons_loss" in said
    assert "(1 of 1 solved): ✓ slope" in said


def test_progress_reads_the_one_state_on_disk(student, capsys):
    record(Path.cwd(), "moons_train", "correct")
    ok.progress()
    said = capsys.readouterr().out
    assert said.startswith("Your progress: 1 of 5 questions solved")
    assert "○ moons_loss  ○ moons_gradient  ✓ moons_train  ○ largest_gap" in said
    markup = Card("t", strips=tuple(places.strips(Path.cwd()))).html()
    assert 'href="06c_moons.md#cell-id=moons_train-question"' in markup
    assert 'title="solved">✓ moons_train</a>' in markup


def test_the_next_question_is_the_first_after_it_that_is_not_solved(student):
    folder = Path.cwd()
    record(folder, "moons_loss", "correct")
    every = list(places.strips(folder))
    assert places.next_question(every, "slope").startswith("Next: [moons_gradient](06c_moons.md#")
    assert places.next_question(every, "largest_gap").startswith("Next: [slope](00_start.md#")
    for name in ("slope", "moons_gradient", "moons_train", "largest_gap"):
        record(folder, name, "correct")
    every = list(places.strips(folder))
    assert places.next_question(every, "slope") == (
        "That was the last: all 5 questions are solved."
    )


def test_the_book_names_no_next_question(monkeypatch, capsys):
    monkeypatch.chdir(REPO / "book")
    exec("check('slope')", {"check": ok.check, "slope": lambda f, x: ok.grad(f)(x)})
    assert "Next:" not in capsys.readouterr().out


def test_a_folder_without_exercises_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(api.store, "folders", lambda: iter(()))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LookupError, match="No exercises found in"):
        ok.progress()


def test_every_question_has_another_way_that_says_what_is_different():
    names = [name for strip in places.strips(REPO / "exercises") for name, _, _ in strip.questions]
    for name in names:
        ways = find(name, REPO / "exercises").alternatives
        assert 1 <= len(ways) <= 2, name
        for words, code in ways:
            assert words.endswith("."), name
            assert "```" not in words + code
            assert len(words) > 30, name
