"""The index of functions says where the book teaches each of them."""

import sys
from pathlib import Path

import pytest

import olympus

REPO = Path(__file__).parents[2]
sys.path.insert(0, str(REPO / "theme"))
import taught  # noqa: E402

INDEX = taught.index(REPO / "book")
TEXT = {path: path.read_text(encoding="utf-8") for path in REPO.glob("book/*.md")}


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("olympus.jvp", "forward-directional"),
        ("olympus.vmap", "vmap-one"),
        ("olympus.vjp", "reverse-vjp"),
        ("olympus.lax.custom_linear_solve", "matrix-iterative"),
        ("olympus.lax.psum", "frontier-devices"),
        ("ok.sparsity", "frontier-sparse"),
    ],
)
def test_a_function_is_found_where_it_is_taught(name, label):
    assert label in [section.label for section in INDEX[name]], INDEX.get(name)


def test_every_section_of_the_index_is_a_label_of_one_page():
    for sections in INDEX.values():
        for section in sections:
            pages = [path.name for path, text in TEXT.items() if f"\n({section.label})=\n" in text]
            assert len(pages) == 1, f"{section.label}: {pages}"


def test_the_index_names_no_function_that_is_not_there():
    names = [name.removeprefix("olympus.") for name in INDEX if name.startswith("olympus.")]
    assert len(names) > 20
    for name in names:
        thing = olympus
        for part in name.split("."):
            thing = getattr(thing, part)


def test_a_name_in_a_comment_of_the_text_is_no_use(tmp_path):
    page = "# Page\n\n(one)=\n\n## One\n\nolympus.jvp is mentioned.\n"
    (tmp_path / "01_page.md").write_text(page, encoding="utf-8")
    assert taught.index(tmp_path) == {}


def test_a_section_that_teaches_goes_before_one_that_uses(tmp_path):
    page = (
        "# Page\n\n(one)=\n\n## 1. One\n\n```{code-cell} python\nolympus.jvp(f, x, v)\n```\n\n"
        "(two)=\n\n## 2. Two\n\nNow {func}`olympus.jvp`.\n"
    )
    (tmp_path / "01_page.md").write_text(page, encoding="utf-8")
    [section] = taught.index(tmp_path)["olympus.jvp"]
    assert (section.label, section.title) == ("two", "Two")


def test_exercises_stand_beside_the_chapter_that_teaches(tmp_path):
    page = "# Page\n\n(one)=\n\n## Question 1: one\n\nNow {func}`olympus.jvp`.\n"
    (tmp_path / "exercises_06b_page.md").write_text(page, encoding="utf-8")
    places = taught.index(REPO / "book", tmp_path)["olympus.jvp"]
    assert [section.page for section in places][-1] == "exercises 6b"
    assert "[exercises 6b: Question 1: one](#one)" in taught.links("olympus.jvp", places)


def test_the_page_links_each_section_and_each_name_that_the_api_knows(tmp_path):
    taught.write(tmp_path, {"olympus.jvp"}, INDEX)
    text = (tmp_path / "taught.md").read_text(encoding="utf-8")
    assert "{func}`olympus.jvp`\n: *[2: " in text or "{func}`olympus.jvp`\n: [2: " in text
    assert "(#forward-directional)" in text
    assert "\n`olympus.vmap`\n: " in text
