"""Turn the pages that mystmd has resolved (`_build/site`) into plain HTML files.

Each kind of node has one macro of its name in templates/nodes.html, so the look is read there.
Here is what a template cannot do: addresses, highlighting, choosing an output's best form. All
pages lie in one folder and link by file name, so the site works from any sub-path and from a
disk.
"""

import hashlib
import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beside import MISSING, base_url, offer_page
from execute import tags, walk
from jinja2 import Environment, FileSystemLoader, Template
from markdown_it import MarkdownIt
from markupsafe import Markup
from mathml import mathml
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

Node = dict[str, Any]

THEME = Path(__file__).resolve().parent
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# of a card that a cell of a page shows: 04_reverse.md#cell-id=reverse-shape
PAGE_LINK = re.compile(r'href="(?:\w+?_)?(?P<page>\w+)\.md(?:#cell-id=(?P<label>[\w-]+))?"')
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
BEST_FIRST = (
    "text/html",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/markdown",
    "text/latex",
    "text/plain",
)


def templates() -> Environment:
    """Return the templates; whatever they print is escaped."""
    return Environment(
        loader=FileSystemLoader(THEME / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def words(node: Node) -> str:
    """Return the text of a node without its marks."""
    return "".join(n.get("value", "") for n in walk(node) if n["type"] != "html")


def file_of(url: str) -> str:
    """Return the file of a page's address: /start is start.html, / is index.html."""
    return (url.strip("/").replace("/", "-") or "index") + ".html"


def page_link(link: re.Match[str]) -> str:
    """Return the address, here, of a link from a card: it names a page's source and a label."""
    place = f"#{link['label']}" if link["label"] else ""
    return f'href="{file_of(link["page"])}{place}"'


@dataclass
class Page:
    """One page while it is being rendered."""

    source: str
    macros: Any
    public: Path = Path()
    footnotes: list[Node] = field(default_factory=list)
    assets: set[str] = field(default_factory=set)
    scripts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    cells: int = 0

    def html(self, node: Node) -> Markup:
        """Return a node as HTML; an unknown kind is a problem, never a silent gap."""
        macro = getattr(self.macros, node["type"], None)
        if macro is None:
            said = f"the theme has no way to show {node['type']!r} ({words(node)[:60]!r})"
            self.problems.append(f"{self.source}: {said}.")
            return Markup()
        return Markup(macro(node, self))

    def inside(self, node: Node, without: str = "") -> Markup:
        """Return a node's children, except those of one kind."""
        children = [c for c in node.get("children", []) if c["type"] != without]
        return Markup().join(self.html(child) for child in children)

    def only(self, node: Node, kind: str) -> Markup:
        """Return the insides of the first child of a kind, or nothing."""
        found = [c for c in node.get("children", []) if c["type"] == kind]
        return self.inside(found[0]) if found else Markup()

    def href(self, node: Node) -> str:
        """Return where a link leads: another page, a place in this one, a file, the web."""
        url, place = node.get("url", ""), node.get("html_id") or ""
        if node.get("static"):
            return self.asset(url)
        if node["type"] == "crossReference" or node.get("internal"):
            anchor = f"#{place}" if place else ""
            return (file_of(url) if url else "") + anchor or "#"
        return str(url)

    def asset(self, url: str) -> str:
        """Return the address of a picture or file, which is then copied beside the pages."""
        if not url.startswith("/"):
            return url
        self.assets.add(url.lstrip("/"))
        return f"assets{url}"

    def math(self, node: Node) -> Markup:
        """Return a formula as MathML."""
        try:
            return Markup(mathml(node.get("html", "")))
        except ValueError as error:
            self.problems.append(f"{self.source}: {error}: {node.get('value')}")
            return Markup()

    def code(self, node: Node) -> Markup:
        """Return highlighted code."""
        lang = node.get("lang") or ("ipython3" if node.get("executable") else "text")
        try:
            lexer = get_lexer_by_name(lang, stripnl=False)
        except ClassNotFound:
            lexer = get_lexer_by_name("text", stripnl=False)
        formatter = HtmlFormatter(
            cssclass="hl",
            wrapcode=True,
            linenos="inline" if node.get("showLineNumbers") else False,
            hl_lines=node.get("emphasizeLines") or [],
        )
        return Markup(highlight(node["value"], lexer, formatter))

    def note(self, node: Node) -> str:
        """Keep a footnote for the end of the page."""
        self.footnotes.append(node)
        return ""

    def cell(self, node: Node) -> str:
        """Count a code cell and report one that failed without being meant to."""
        self.cells += 1
        for output in (n.get("jupyter_data") or {} for n in walk(node) if n["type"] == "output"):
            if output.get("output_type") == "error" and "raises-exception" not in tags(node):
                trace = self.text(output, "traceback")
                self.problems.append(f"{self.source}: code cell {self.cells} failed.\n{trace}")
        return ""

    def text(self, data: Node, key: str) -> str:
        """Return an output's text; mystmd puts a long one into a file."""
        whole = (
            (self.public / data["path"].lstrip("/")).read_text() if "path" in data else data[key]
        )
        return ANSI.sub("", whole if isinstance(whole, str) else "".join(whole))

    def shared(self, script: re.Match[str]) -> str:
        """Return a link to a script's file instead of the script, and nothing the second time.

        Views carry their whole front-end, so that a notebook needs nothing beside it; in the
        book one file serves every view.
        """
        code = script.group(1)
        name = f"assets/{hashlib.sha256(code.encode()).hexdigest()[:12]}.js"
        known = name in self.scripts
        self.scripts[name] = code
        return "" if known else f'<script src="{name}" defer></script>'

    def best(self, data: Node) -> tuple[str, Markup | str]:
        """Return an output's kind and content in the best form that needs no kernel."""
        for mime in BEST_FIRST:
            if mime not in data:
                continue
            form = data[mime]
            if mime in ("image/png", "image/jpeg"):
                return "image", self.asset(form["path"])
            content = self.text(form, "content")
            if mime == "text/markdown":
                content = MarkdownIt("commonmark").enable("table").render(content)
            if mime == "text/html":
                content = PAGE_LINK.sub(page_link, SCRIPT.sub(self.shared, content))
            rich = mime in ("text/html", "image/svg+xml", "text/markdown")
            return ("html", Markup(content)) if rich else ("text", content)
        return "nothing", ""


def headings(tree: Node) -> list[Node]:
    """Return what `on this page` lists."""
    found = [n for n in walk(tree) if n["type"] == "heading" and n.get("html_id")]
    return [
        {"text": words(n), "id": n["html_id"], "depth": n["depth"]} for n in found if n["depth"] < 4
    ]


def contents(site: Node) -> list[Node]:
    """Return the book's table of contents; an entry without a file is the title of a part."""
    project = site["projects"][0]
    entries = [{"title": project["title"], "slug": "index", "level": 1}, *project["pages"]]
    return [
        {**entry, "file": file_of(entry["slug"]) if entry.get("slug") else None}
        for entry in entries
    ]


def with_quizzes(entries: list[Node], folder: Path) -> list[Node]:
    """Return the contents; a chapter that asks questions says where its answers are kept.

    The questions of the chapter `04_reverse.md`, whose page is `reverse`, are `04_reverse.toml`.
    """
    quizzes = {}
    for path in folder.glob("*.toml"):
        data = tomllib.loads(path.read_text("utf-8"))
        count = sum(len(quiz["question"]) for quiz in data["quiz"])
        quizzes[path.stem.partition("_")[2]] = {"quiz": path.stem, "questions": count}
    return [{**entry, **quizzes.get(entry.get("slug"), {})} for entry in entries]


def with_neighbours(entries: list[Node]) -> Iterator[tuple[Node, Node | None, Node | None]]:
    """Yield every page with the one before and the one after it."""
    pages = [entry for entry in entries if entry["file"]]
    yield from zip(pages, [None, *pages[:-1]], [*pages[1:], None], strict=True)


def render_page(entry: Node, layout: Template, page: Page, data: Node, **book: Any) -> str:
    """Return one page as a whole HTML document."""
    return layout.render(
        title=data["frontmatter"].get("title") or entry["title"],
        description=data["frontmatter"].get("description", ""),
        body=page.html(data["mdast"]),  # before the page is asked for its footnotes
        page=page,
        entry=entry,
        headings=headings(data["mdast"]),
        references=data.get("references", {}).get("cite", {}),
        **book,
    )


def render_site(project: Path, out: Path) -> list[str]:
    """Write every page that mystmd has resolved into `out`; return the list of problems."""
    site = project / "_build" / "site"
    environment, public, problems = templates(), site / "public", []
    macros = environment.get_template("nodes.html").module
    layout = environment.get_template("page.html")
    entries = contents(json.loads((site / "config.json").read_text("utf-8")))
    entries = with_quizzes(entries, project / "book" / "quiz")
    (out / "assets").mkdir(parents=True, exist_ok=True)
    for entry, before, after in with_neighbours(entries):
        data = json.loads((site / "content" / f"{entry['slug']}.json").read_text("utf-8"))
        page = Page(data["location"].lstrip("/"), macros, public)
        downloads = offer_page(project / page.source, out)
        around = {
            "contents": entries,
            "before": before,
            "after": after,
            "downloads": downloads,
            "base": base_url(),
        }
        text = render_page(entry, layout, page, data, **around)
        (out / entry["file"]).write_text(text, encoding="utf-8")
        for asset in page.assets:
            shutil.copy(public / asset, out / "assets")
        for name, code in page.scripts.items():
            (out / name).write_text(code, encoding="utf-8")
        problems += page.problems
    missing = environment.get_template("missing.html").render(contents=entries, base=base_url())
    (out / MISSING).write_text(missing, encoding="utf-8")
    for name in ("book.css", "book.js"):
        shutil.copy(THEME / name, out)
    return problems
