"""Lead from the first use of a word on a page to its line in the glossary.

A word counts where the text means the term and nothing else: where it is emphasised, as words are
that a page introduces, or where the term has a capital or more than one word. So "live" and
"carry" in a plain sentence stay what they are.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from execute import walk

Node = dict[str, Any]
WITH_SHORT = re.compile(r"(.+) \((\w+)\)")
CLOSED = {  # what holds no link, or is not running text
    "admonitionTitle", "caption", "captionNumber", "cite", "code", "crossReference",
    "definitionTerm", "heading", "html", "inlineCode", "inlineMath", "link", "math", "output",
    "summary", "tableRow",
}  # fmt: skip


def words(node: Node) -> str:
    """Return the text of a node without its marks."""
    return "".join(part.get("value", "") for part in walk(node) if part["type"] != "html")


def spellings(entry: str) -> list[str]:
    """Return how a term of the glossary is written: "JVP" as well as "Jacobian–vector product"."""
    short = WITH_SHORT.fullmatch(entry)
    names = list(short.groups()) if short else entry.split(", ")
    return [name for name in names if "(" not in name]


def is_everyday(term: str) -> bool:
    """Return whether a term is one small word, which may mean something else."""
    return term.isalpha() and term.islower()


@dataclass
class Terms:
    """The glossary: each spelling in small letters, its place, and which are everyday words."""

    places: dict[str, str] = field(default_factory=dict)
    everyday: set[str] = field(default_factory=set)

    def pattern(self) -> re.Pattern[str]:
        """Return what finds a term in a text, in the plural too, the longest first."""
        longest_first = sorted(self.places, key=len, reverse=True)
        any_term = "|".join(re.escape(name) for name in longest_first)
        return re.compile(rf"(?<![\w–-])({any_term})s?(?![\w–-])", re.IGNORECASE)


def read_terms(glossary: Node) -> Terms:
    """Return the terms of the glossary's tree."""
    terms = Terms()
    for node in walk(glossary):
        if node["type"] != "definitionTerm" or not node.get("html_id"):
            continue
        for name in spellings(words(node)):
            terms.places[name.lower()] = node["html_id"]
            if is_everyday(name):
                terms.everyday.add(name)
    return terms


def link_terms(tree: Node, terms: Terms) -> None:
    """Turn the first use of each term in a page's tree into a link."""
    if not terms.places:
        return
    pattern, seen = terms.pattern(), set[str]()

    def split(node: Node, emphasised: bool) -> list[Node]:
        text, parts, start = node["value"], [], 0
        if emphasised and not pattern.fullmatch(text):  # as the title of a book
            return [node]
        for found in pattern.finditer(text):
            name = found.group(1).lower()
            place = terms.places[name]
            if place in seen or (name in terms.everyday and not emphasised):
                continue
            seen.add(place)
            before = {"type": "text", "value": text[start : found.start()]}
            link = {"type": "link", "url": "/glossary", "internal": True, "html_id": place}
            word = {"type": "text", "value": found.group(0)}
            parts += [before, {**link, "class": "bk-term", "children": [word]}]
            start = found.end()
        return [*parts, {**node, "value": text[start:]}]

    def visit(node: Node) -> None:
        children = []
        for child in node.get("children", []):
            if child["type"] == "text":
                children += split(child, node["type"] == "emphasis")
            else:
                if child["type"] not in CLOSED:
                    visit(child)
                children.append(child)
        if "children" in node:
            node["children"] = children

    visit(tree)
