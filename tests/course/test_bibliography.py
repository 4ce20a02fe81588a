"""The bibliography is one file: whatever a page cites stands in it, and nothing else does."""

import re
from pathlib import Path

BOOK = Path(__file__).parents[2] / "book"
BIBLIOGRAPHY = (BOOK / "references.bib").read_text(encoding="utf-8")
ENTRY = re.compile(r"^@(\w+)\{(\w+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
CITATION = re.compile(r"\{cite(?::[tp])?\}`([^`]+)`")


def citations() -> set[str]:
    pages = [page.read_text(encoding="utf-8") for page in BOOK.glob("*.md")]
    lists = [keys.split(",") for page in pages for keys in CITATION.findall(page)]
    return {key.strip() for keys in lists for key in keys}


def test_the_pages_cite_what_the_bibliography_holds():
    keys = [key for _, key, _ in ENTRY.findall(BIBLIOGRAPHY)]
    assert len(keys) == len(set(keys)) == BIBLIOGRAPHY.count("@")
    assert citations() == set(keys)


def test_an_entry_names_author_title_and_year():
    for _, key, fields in ENTRY.findall(BIBLIOGRAPHY):
        for name in ("author", "title", "year"):
            assert re.search(rf"^  {name} = \{{.+\}},?$", fields, re.MULTILINE), f"{key}: {name}"
        year = re.search(r"year = \{(\d{4})\}", fields)
        assert year, key
        assert key.endswith(year[1]), f"{key} ends with its year, {year[1]}"
