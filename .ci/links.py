"""Check links without a network: `make lint` runs this.

    python .ci/links.py          look at book/, solutions/, README.md and the other pages

A link to a page or to a place of one must lead somewhere, and so must a role such as {ref}`...`.
A path that is named in `code`, such as `exercises/04_reverse.md`, must be that of a file.
Addresses on the web are not asked for. The book's build looks at what this cannot see: the pages
about the library, and links that the theme makes.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["*.md", "book/*.md", "solutions/*.md"]
LABEL = re.compile(r"^\(([\w-]+)\)=|^\$\$ \(([\w-]+)\)|^:(?:label|name): ([\w-]+)", re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ROLE = re.compile(r"\{(doc|eq|numref|ref|term)\}$")
TITLED = re.compile(r".*<(.+)>$", re.DOTALL)  # the target in {ref}`words <target>`
FOLDERS = "benchmarks|book|exercises|olympus|olympus_kit|solutions|tests|theme"
NAMED = re.compile(rf"(?:{FOLDERS})/(?!.*NN_)[\w./-]+\.(?:bib|md|py|toml)")
MADE = frozenset({"where-is-it-taught"})  # labels of pages that the build makes


def slug(heading: str) -> str:
    """Return the place that a page has for a heading, as GitHub and MyST make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


@cache
def labels(page: Path) -> frozenset[str]:
    """Return the labels that a page sets."""
    matches = LABEL.findall(page.read_text(encoding="utf-8"))
    return frozenset(name for groups in matches for name in groups if name)


@cache
def places(page: Path) -> frozenset[str]:
    """Return all that a link to this page may name: its labels and its headings."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return labels(page) | {slug(heading) for heading in headings}


def leaves(text: str) -> Iterator[Token]:
    """Yield links, words and code of a page, those inside its directives, too."""
    for token in MarkdownIt().use(dollarmath_plugin).parse(text):
        directive = token.type == "fence" and token.info.startswith("{")
        if directive and not token.info.startswith(("{code-cell}", "{math}")):
            yield from leaves(token.content)
        yield from token.children or []


def link_problem(page: Path, link: str, everywhere: frozenset[str]) -> str:
    """Return what is wrong with a link, or nothing."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    if not parts.path:
        if parts.fragment in places(page) | everywhere:
            return ""
        return f"no page has the label {parts.fragment!r}"
    target = (page.parent / unquote(parts.path)).resolve()
    if not target.exists():
        return f"there is no {parts.path}"
    if parts.fragment and target.suffix == ".md" and parts.fragment not in places(target):
        return f"{parts.path} has no place {parts.fragment!r}"
    return ""


def role_problem(page: Path, role: str, content: str, everywhere: frozenset[str]) -> str:
    """Return what is wrong with a role that names a place, or nothing."""
    titled = TITLED.match(content)
    name = titled[1] if titled else content
    if role != "doc":
        return "" if name in everywhere else f"no page has the label {name!r}"
    files = [page.parent / name, page.parent / f"{name}.md"]
    return "" if any(file.exists() for file in files) else f"there is no page {name!r}"


def problems(page: Path, root: Path, everywhere: frozenset[str]) -> list[str]:
    """Return a sentence for each link, role and path of a page that leads nowhere."""
    sentences = []
    before = ""  # the words before a token: a role's name stands there
    for token in leaves(page.read_text(encoding="utf-8")):
        role = ROLE.search(before)
        problem = ""
        if token.type == "link_open":
            problem = link_problem(page, str(token.attrs["href"]), everywhere)
        elif token.type == "code_inline" and role:
            problem = role_problem(page, role[1], token.content, everywhere)
        elif token.type == "code_inline" and NAMED.fullmatch(token.content):
            exists = (root / token.content).exists()
            problem = "" if exists else f"there is no {token.content}"
        if problem:
            sentences.append(f"{page.relative_to(root)}: {problem}.")
        before = token.content if token.type == "text" else ""
    return sentences


def check(root: Path) -> list[str]:
    """Return what has to be repaired in the pages below a folder."""
    pages = sorted(page for pattern in PAGES for page in root.glob(pattern))
    everywhere = MADE | {name for page in pages for name in labels(page)}
    return [sentence for page in pages for sentence in problems(page, root, everywhere)]


if __name__ == "__main__":
    found = check(ROOT)
    print("\n".join(found), file=sys.stderr)
    sys.exit(bool(found))
