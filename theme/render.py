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
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from beside import MISSING, base_url, citation, offer_page
from course import PAGES, facts, number_of, origin_of, read
from execute import tags, walk
from jinja2 import Environment, FileSystemLoader, Template
from launch import problems as option_problems
from launch import repository, services
from markdown_it import MarkdownIt
from markupsafe import Markup
from mathml import mathml
from printable import WHOLE, write_whole
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound
from terms import Terms, link_terms, read_terms, words

Node = dict[str, Any]

THEME = Path(__file__).resolve().parent
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
# of a card that a cell of a page shows: 04_reverse.md#cell-id=reverse-shape
PAGE_LINK = re.compile(r'href="(?P<source>\w+\.md)(?:#cell-id=(?P<label>[\w-]+))?"')
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


def file_of(url: str) -> str:
    """Return the file of a page's address: /start is start.html, / is index.html."""
    return (url.strip("/").replace("/", "-") or "index") + ".html"


@dataclass
class Page:
    """One page while it is being rendered."""

    source: str
    macros: Any
    public: Path = Path()
    files: dict[str, str] = field(default_factory=dict)  # of exercises/04_reverse.md and the like
    chapters: dict[str, Node] = field(default_factory=dict)  # on the page of contents: by file
    beside: dict[str, str] = field(default_factory=dict)  # the files of 04_reverse.md and the like
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

    def page_link(self, link: re.Match[str]) -> str:
        """Return the address, here, of a link from a card: it names a page's source and a label."""
        file = self.beside.get(link["source"])
        if file is None:
            return link[0]
        place = f"#{link['label']}" if link["label"] else ""
        return f'href="{file}{place}"'

    def chapter(self, item: Node) -> Node | None:
        """Return the chapter that an item of the page of contents is about."""
        links = (n for n in walk(item) if n["type"] in ("link", "crossReference"))
        return next((self.chapters[f] for f in map(self.href, links) if f in self.chapters), None)

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
                content = PAGE_LINK.sub(self.page_link, SCRIPT.sub(self.shared, content))
            rich = mime in ("text/html", "image/svg+xml", "text/markdown")
            return ("html", Markup(content)) if rich else ("text", content)
        return "nothing", ""


def headings(tree: Node) -> list[Node]:
    """Return what `on this page` lists."""
    found = [n for n in walk(tree) if n["type"] == "heading" and n.get("html_id")]
    return [
        {"text": words(n), "id": n["html_id"], "depth": n["depth"]} for n in found if n["depth"] < 4
    ]


def contents(site: Node, content: Path, project: Path) -> list[Node]:
    """Return the book's table of contents; an entry without a file is the title of a part.

    Each page knows its source, its number, level and minutes, and the group that it belongs to:
    a chapter with its exercises.
    """
    first = {"title": site["projects"][0]["title"], "slug": "index", "level": 1}
    entries, group = [], ""
    for entry in [first, *site["projects"][0]["pages"]]:
        if not entry.get("slug"):
            entries.append({**entry, "file": None})
            continue
        data = json.loads((content / f"{entry['slug']}.json").read_text("utf-8"))
        source = data["location"].lstrip("/")
        origin = origin_of(source)
        exercises = Path(source).parent == PAGES
        group = group if exercises else entry["slug"]
        own = {
            "file": file_of(entry["slug"]),
            "source": source,
            "data": data,
            "number": "" if exercises else number_of(source),
            "group": group,
            "exercises": exercises,
        }
        told = read(project / origin, facts) if (project / origin).exists() else {}
        entries.append({**entry, **own, **told})
    return entries


def with_quizzes(entries: list[Node], folder: Path) -> list[Node]:
    """Return the contents; a chapter that asks questions says where its answers are kept.

    The questions of the chapter `04_reverse.md`, whose page is `reverse`, are `04_reverse.toml`.
    """
    quizzes = {}
    for path in folder.glob("*.toml"):
        data = read(path, tomllib.loads)
        count = sum(len(quiz["question"]) for quiz in data["quiz"])
        quizzes[path.stem] = {"quiz": path.stem, "questions": count}
    return [{**entry, **quizzes.get(Path(entry.get("source", "")).stem, {})} for entry in entries]


def with_neighbours(entries: list[Node]) -> None:
    """Tell every page which one is before and which after it."""
    pages = [entry for entry in entries if entry["file"]]
    for before, after in pairwise(pages):
        before["after"], after["before"] = after, before


def chapters_of(entries: list[Node]) -> dict[str, Node]:
    """Return the chapters by their files, each with the pages of its exercises."""
    chapters = {entry["file"]: entry for entry in entries if entry.get("number")}
    for entry in chapters.values():
        of_group = [e for e in entries if e.get("exercises") and e["group"] == entry["slug"]]
        entry["practice"] = of_group
    return chapters


def render_page(entry: Node, layout: Template, page: Page, **book: Any) -> str:
    """Return one page as a whole HTML document."""
    data = entry["data"]
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


def glossary_terms(entries: list[Node]) -> Terms:
    """Return the terms of the glossary, where the book has one."""
    found = [e["data"]["mdast"] for e in entries if e.get("slug") == "glossary"]
    return read_terms(found[0]) if found else Terms()


def links_of(entry: Node, options: Node, runnable: bool) -> Node:
    """Return where a page can be run, and its places in the repository."""
    source, front = entry["source"], entry["data"]["frontmatter"]
    origin = origin_of(source)
    return {
        "services": services(options, front, origin) if runnable else {},
        "repository": repository(front, source),
        "origin": origin,
    }


@dataclass
class Book:
    """What every page needs to know of the others, and of myst.yml."""

    project: Path
    options: Node
    entries: list[Node]
    layouts: Environment
    chapters: dict[str, Node]
    terms: Terms
    whole: dict[str, Any]

    def pages(self) -> list[Node]:
        """Return the entries that are pages."""
        return [entry for entry in self.entries if entry["file"]]

    def exercises(self) -> dict[str, str]:
        """Return the page of each file of exercises."""
        return {origin_of(e["source"]): e["file"] for e in self.pages() if e["exercises"]}

    def chapter_files(self) -> dict[str, str]:
        """Return the page of each other source, by its name alone."""
        return {Path(e["source"]).name: e["file"] for e in self.pages() if not e["exercises"]}


def open_book(project: Path) -> Book:
    """Read what mystmd has resolved."""
    site = project / "_build" / "site"
    config = json.loads((site / "config.json").read_text("utf-8"))
    entries = contents(config, site / "content", project)
    entries = with_quizzes(entries, project / "book" / "quiz")
    with_neighbours(entries)
    whole = {"contents": entries, "base": base_url(), "cite": citation(project), "whole": WHOLE}
    options, chapters, terms = config["options"], chapters_of(entries), glossary_terms(entries)
    return Book(project, options, entries, templates(), chapters, terms, whole)


def write_page(book: Book, entry: Node, out: Path) -> list[str]:
    """Write one page and what it shows into `out`, unless something is wrong with it."""
    public = book.project / "_build" / "site" / "public"
    page = Page(entry["source"], book.layouts.get_template("nodes.html").module, public)
    page.files = book.exercises()
    page.beside = book.chapter_files()
    page.chapters = book.chapters if entry["slug"] == "index" else {}
    if entry["slug"] not in ("index", "glossary"):
        link_terms(entry["data"]["mdast"], book.terms)
    downloads = offer_page(book.project, origin_of(entry["source"]), out, book.options)
    links = links_of(entry, book.options, bool(downloads))
    layout = book.layouts.get_template("page.html")
    text = render_page(entry, layout, page, downloads=downloads, **links, **book.whole)
    if page.problems:
        return page.problems
    for asset in page.assets:
        shutil.copy(public / asset, out / "assets")
    for name, code in page.scripts.items():
        (out / name).write_text(code, encoding="utf-8")
    (out / entry["file"]).write_text(text, encoding="utf-8")
    return []


def render_site(project: Path, out: Path) -> list[str]:
    """Write every page that mystmd has resolved into `out`; return the list of problems."""
    book = open_book(project)
    (out / "assets").mkdir(parents=True, exist_ok=True)
    problems = option_problems(book.options)
    for entry in book.pages():
        problems += write_page(book, entry, out)
    if problems:
        return problems
    (out / MISSING).write_text(
        book.layouts.get_template("missing.html").render(book.whole), encoding="utf-8"
    )
    for name in ("book.css", "book.js"):
        shutil.copy(THEME / name, out)
    write_whole(book.pages(), book.layouts.get_template("whole.html"), out)
    return []
