"""What the site adds to its pages: numbers, exercises, services, a citation, all in one file."""

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
THEME = REPOSITORY / "theme"
sys.path.insert(0, str(THEME))

import beside  # noqa: E402
import card  # noqa: E402
import course  # noqa: E402
import exercise_pages  # noqa: E402
import launch  # noqa: E402
import printable  # noqa: E402
import render  # noqa: E402
import terms  # noqa: E402

CHAPTERS = sorted((REPOSITORY / "book").glob("[0-9]*.md"))
EXERCISES = sorted((REPOSITORY / "exercises").glob("*.md"))
CONFIG = yaml.safe_load((REPOSITORY / "myst.yml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("book/00_start.md", "0"),
        ("book/04_reverse.md", "4"),
        ("exercises/10_rules.md", "10"),
        ("book/14b_tinyjax.md", "14b"),
        ("exercises/00b_jax.md", "0b"),
        ("book/glossary.md", ""),
    ],
)
def test_a_chapter_is_numbered_by_its_file(source, number):
    assert course.number_of(source) == number


@pytest.mark.parametrize(
    "path", [*CHAPTERS, *EXERCISES], ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_chapters_and_exercises_tell_level_and_minutes(path):
    told = course.facts(path.read_text("utf-8"))
    assert told["level"] in ("beginner", "intermediate", "advanced")
    assert 5 <= int(told["minutes"]) <= 180


def test_the_contents_hold_every_chapter_with_its_exercises_below():
    groups = {
        Path(entry["file"]).name: [Path(child["file"]).name for child in entry["children"]]
        for entry in CONFIG["project"]["toc"]
        if "file" in entry and "children" in entry
    }
    assert list(groups) == [path.name for path in CHAPTERS]
    below = [name.removeprefix(course.PREFIX) for names in groups.values() for name in names]
    assert below == [path.name for path in EXERCISES]
    for chapter, names in groups.items():
        for name in names:
            number = course.number_of(name.removeprefix(course.PREFIX))
            assert number.rstrip("abc") == course.number_of(chapter).rstrip("abc")


def test_the_page_of_contents_names_every_chapter():
    welcome = (REPOSITORY / "book" / "index.md").read_text("utf-8")
    items = re.findall(r"^(\d+)\. \[.*?\]\((.*?)\)", welcome, re.MULTILINE)
    numbered = [path.name for path in CHAPTERS if course.number_of(path.name).isdigit()]
    assert items == [(course.number_of(name), name) for name in numbered]
    assert all(f"({path.name})" in welcome for path in CHAPTERS)


@pytest.mark.parametrize(
    ("parse", "data", "said"),
    [
        (course.facts, b"---\nolympus: [\n---\n", "while parsing a flow node"),
        (tomllib.loads, b"[[quiz]\n", "Expected"),
        (str, b"\xe9t\xe9", "can't decode byte 0xe9"),
    ],
)
def test_a_file_that_says_nothing_is_named_with_the_reason(tmp_path, parse, data, said):
    import build

    path = tmp_path / "04_reverse.md"
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"04_reverse\.md") as raised:
        course.read(path, parse)
    message = build.told(raised.value)
    assert message.startswith(f"{path}: ")
    assert said in message
    assert message.endswith(build.UNTOUCHED)


LESSON = """\
---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
olympus:
  goals: [see a slope, say what it is]
  level: beginner
  minutes: 5
  prerequisites: ['chapter 4: Reverse mode', a little Python]
title: 'Exercises: slopes'
---

# Exercises: slopes

About [chapter 4](../book/04_reverse.md#reverse-tape).

## Question 1: a slope

Use `olympus.grad` or `olympus.nothing`.

```python
`olympus.grad`
```

```{code-cell} ipython3
:tags: [answer]
:name: slope

def slope(f, x):
    raise Unsolved("slope")
```

```{code-cell} ipython3
:tags: [check]
:name: slope-check

check("slope")
```

<details>
<summary>Hint 1 (click to open)</summary>

Look at $f'$.

</details>
"""


def test_exercises_become_a_page_with_stub_and_folded_hints(tmp_path):
    for folder in ("exercises", "book"):
        (tmp_path / folder).mkdir()
    (tmp_path / "exercises" / "04_reverse.md").write_text(LESSON, encoding="utf-8")
    (tmp_path / "book" / "04_reverse.md").touch()
    out = tmp_path / course.PAGES
    exercise_pages.write(tmp_path, out, {"olympus.grad"})
    page = (out / "exercises_04_reverse.md").read_text("utf-8")
    assert page.startswith("# Exercises: slopes\n")
    assert page.count("# Exercises") == 1
    assert "- see a slope;\n- say what it is.\n" in page
    assert "[chapter 4: Reverse mode](../../book/04_reverse.md), a little Python" in page
    assert "[chapter 4](../../book/04_reverse.md#reverse-tape)" in page
    assert "(exercises-04-reverse-1)=\n\n## Question 1: a slope\n" in page
    assert "Use {func}`olympus.grad` or `olympus.nothing`." in page
    assert "```python\n`olympus.grad`\n```" in page
    assert 'raise Unsolved("slope")' in page
    assert "check(" not in page
    assert "::::{dropdown} Hint 1\nLook at $f'$.\n::::" in page
    assert course.origin_of("_build/exercises/exercises_04_reverse.md") == "exercises/04_reverse.md"
    before = (out / "exercises_04_reverse.md").stat().st_mtime_ns
    exercise_pages.write(tmp_path, out, {"olympus.grad"})
    assert (out / "exercises_04_reverse.md").stat().st_mtime_ns == before


@pytest.mark.parametrize("source", EXERCISES, ids=lambda path: path.stem)
def test_a_page_of_exercises_has_every_stub_and_hint_and_no_solution(source):
    files = exercise_pages.chapters(REPOSITORY / "book")
    page = exercise_pages.page(source, files, set())
    asked = source.read_text("utf-8")
    assert page.count("{dropdown} Hint") == asked.count("<summary>Hint") > 0
    assert "<details>" not in page
    solved = (REPOSITORY / "solutions" / source.name).read_text("utf-8")
    answers = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", solved, re.DOTALL)
    assert len(answers) > 0
    assert not [answer for answer in answers if answer.strip() and answer in page]
    assert "### BEGIN" not in page
    for target in re.findall(r"\]\(\.\./\.\./book/([\w.]+)", page):
        assert (REPOSITORY / "book" / target).exists()


GITHUB = "https://github.com/OWNER/NAME"
HUB = f"https://hub.example/hub/user-redirect/git-pull?repo={GITHUB}.git&branch=main"


def test_a_page_leads_to_the_services_that_are_configured():
    options = {"jupyterhub": HUB, "colab": "https://colab.example/github/OWNER/NAME/blob/pages/"}
    front = {"binder": "https://binder.example/v2/gh/OWNER/NAME/main"}
    assert launch.services(options, front, "book/04_reverse.md") == {
        "Binder": f"{front['binder']}?urlpath=lab%2Ftree%2Fbook%2F04_reverse.md",
        "JupyterHub": f"{HUB}&urlpath=lab%2Ftree%2FNAME%2Fbook%2F04_reverse.md",
        "Colab": "https://colab.example/github/OWNER/NAME/blob/pages"
        "/downloads/colab/book/04_reverse.ipynb",
    }
    assert launch.services({}, {}, "book/04_reverse.md") == {}
    assert launch.problems(options) == []


def test_a_page_leads_to_its_place_in_the_repository():
    front = {"github": GITHUB, "edit_url": f"{GITHUB}/edit/main/book/x.md"}
    links = launch.repository(front, "book/x.md")
    assert links["Edit this page"] == front["edit_url"]
    assert links["Report a mistake"] == f"{GITHUB}/issues/new?title=book/x.md%3A%20"
    made = launch.repository(front, "_build/exercises/exercises_04_reverse.md")
    assert "Edit this page" not in made
    assert made["Report a mistake"].endswith("title=exercises/04_reverse.md%3A%20")
    assert launch.repository({}, "book/x.md") == {}


def test_a_wrong_option_is_named_with_what_to_write():
    (said,) = launch.problems({"colab": "colab.example"})
    assert said.startswith("myst.yml: site.options.colab is 'colab.example'; write an address")
    (said,) = launch.problems({"jupyterhub": "https://hub.example"})
    assert "names no repository" in said


def test_a_notebook_for_colab_begins_by_installing_the_kit(tmp_path):
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "01_slopes.md").write_text(LESSON, encoding="utf-8")
    out = tmp_path / "out"
    options = {"colab": "https://colab.example", "kit": "olympus-kit[lab]"}
    downloads = beside.offer_page(tmp_path, "exercises/01_slopes.md", out, options)
    assert downloads == {
        "notebook (.ipynb)": "downloads/exercises/01_slopes.ipynb",
        "text (.md)": "downloads/exercises/01_slopes.md",
    }
    plain = json.loads((out / downloads["notebook (.ipynb)"]).read_text("utf-8"))
    colab = json.loads((out / launch.notebook_path("exercises/01_slopes.md")).read_text("utf-8"))
    first, *rest = colab["cells"]
    assert [cell["source"] for cell in rest] == [cell["source"] for cell in plain["cells"]]
    installed = "".join(first["source"])
    assert '%pip install --quiet "olympus-kit[lab]"' in installed
    assert "-m olympus_kit.course.cli start course" in installed
    assert installed.endswith("%cd -q course/exercises")
    assert beside.offer_page(tmp_path, "_build/api/olympus.md", out, options) == {}


def text(value):
    return {"type": "text", "value": value}


def node(kind, /, *children, **fields):
    return {"type": kind, "children": list(children), **fields}


def test_the_first_use_of_a_term_leads_to_the_glossary():
    names = ["vector–Jacobian product (VJP)", "forward pass, backward pass", "live", "NaN"]
    places = [node("definitionTerm", text(name), html_id=f"t{k}") for k, name in enumerate(names)]
    known = terms.read_terms(node("glossary", *places))
    tree = node(
        "root",
        node("heading", text("NaN")),
        node("paragraph", node("emphasis", text("On a Forward Pass"))),
        node("paragraph", text("The live VJPs of a Backward pass, each VJP no NaNs; VJP-like.")),
        node("paragraph", node("emphasis", text("live")), text(" and a NaN, live.")),
    )
    terms.link_terms(tree, known)
    links = [n for n in terms.walk(tree) if n["type"] == "link"]
    assert [(terms.words(link), link["html_id"]) for link in links] == [
        ("VJPs", "t0"),
        ("Backward pass", "t1"),
        ("NaNs", "t3"),
        ("live", "t2"),
    ]
    assert terms.words(tree["children"][2]).startswith("The live VJPs of a Backward pass, each VJP")
    untouched = node("root", node("paragraph", text("VJP")))
    terms.link_terms(untouched, terms.Terms())
    assert untouched == node("root", node("paragraph", text("VJP")))


def test_the_citation_fits_the_kit_and_is_shown(tmp_path):
    told = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert told["version"] == project["version"]
    assert told["license"] == project["license"]
    assert told["title"] == CONFIG["project"]["title"]
    shown = beside.citation(REPOSITORY)
    assert f"version {project['version']}." in shown["words"]
    assert "author = {{The OLYMPUS kit authors}}," in shown["bibtex"]
    assert beside.citation(tmp_path) == {}
    people = {**told, "authors": [{"given-names": "A.", "family-names": "B"}, {"name": "C"}]}
    (tmp_path / "CITATION.cff").write_text(yaml.safe_dump(people), encoding="utf-8")
    assert "author = {{A. B} and {C}}," in beside.citation(tmp_path)["bibtex"]


def test_the_whole_book_is_one_file_whose_links_stay_within_it(tmp_path):
    style = "body { color: red }"
    (tmp_path / "book.css").write_text(style, encoding="utf-8")
    (tmp_path / "p.png").write_bytes(b"png")
    view = "<olympus-x-1 data-state='<b>' style='x'><img alt='A' src='data:,1'></olympus-x-1>"
    first = (
        f'<article><h2 id="s">S</h2><a href="b.html#t">t</a><a href="#s">s</a><img src="p.png">'
        f'<a href="d.zip">z</a><a href="https://e.org">e</a>{view}<script>1</script>'
        "<details><summary>H</summary></details></article>"
    )
    (tmp_path / "a.html").write_text(first, encoding="utf-8")
    (tmp_path / "b.html").write_text('<article><p id="t"></p></article>', encoding="utf-8")
    pages = [{"file": f"{name}.html", "slug": name} for name in "ab"]
    printable.write_whole(pages, render.templates().get_template("whole.html"), tmp_path)
    whole = (tmp_path / printable.WHOLE).read_text("utf-8")
    assert style in whole
    for part in ('id="a.s"', 'href="#b.t"', 'href="#a.s"', 'id="b.t"', 'id="a"', 'href="../d.zip"'):
        assert part in whole
    assert 'href="https://e.org"' in whole
    assert "src='data:,1'" in whole
    assert 'src="data:image/png;base64,' in whole
    assert "<details open>" in whole
    assert "olympus-x" not in whole
    assert "<script" not in whole


def test_the_card_has_the_size_that_is_asked_for(tmp_path):
    card.write_card(REPOSITORY / "myst.yml", tmp_path)
    head = (tmp_path / card.CARD).read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (1200, 630)


def test_the_new_site_takes_the_place_of_the_old_one_or_of_what_lies_there(tmp_path):
    import build

    final = tmp_path / "html"
    (tmp_path / "html.old").mkdir()
    final.write_text("a file in the way")
    for text in ("1", "2"):
        draft = tmp_path / "html.new"
        draft.mkdir()
        (draft / "index.html").write_text(text)
        build.swap(draft, final)
        assert (final / "index.html").read_text() == text
        assert sorted(path.name for path in tmp_path.iterdir()) == ["html"]
    shutil.rmtree(final)
