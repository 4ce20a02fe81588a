"""One term for one thing, the field's own: what the repository no longer says."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# what stands for each term that the field has another word for
REPLACED = {
    r"(the|a|no|on|for) way back": "the backward pass",
    r"text[- ]twin": "text alternative",
    r"decides? with Python": "uses Python control flow on traced values",
    r"hand over the function": "pass the function and its arguments separately",
    r"value of an earlier trace": "a tracer leaked from an earlier trace",
    r"\bis no (number|text|array|function)\b": "is not a number",
    r"\bthat is none\b": "a non-numeric leaf or output",
    r"\bshall be\b": "should be, must be",
    r"\bso often\b": "that many times",
    r"\b(kept|keeps) for the backward pass\b": "saved for the backward pass",
    r"\bgradients? by [a-z]\b": "gradient with respect to x",
    r"not told apart": "not shown separately",
    r"\bdear(er|est)\b": "expensive",
    r"\b(iterations|loop)'s turns?\b": "iterations",
    r"\bturn by turn\b": "iteration by iteration",
}
# "is no name" where "is not a name" is meant; "there is no name" and a few set phrases are English
NOT_A = re.compile(
    r"(?<!there\s)\b(is|are|was|were) no[\s\"]+f?\"?"
    r"(?!longer|more|less|\w+er\sthan|secret|problem|help)[a-z]+",
    re.IGNORECASE,
)
SUFFIXES = {".py", ".md", ".js", ".css", ".html", ".toml", ".yml", ".txt", ".svg"}


def texts():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    own = Path(__file__).relative_to(ROOT)
    for name in listed.splitlines():
        path = Path(name)
        if path.suffix in SUFFIXES and path != own and (ROOT / path).is_file():
            yield path, (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("phrase", REPLACED)
def test_the_field_has_a_word_for_it(phrase):
    pattern = re.compile(phrase, re.IGNORECASE)
    places = []
    for path, text in texts():
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line):
                places.append(f"{path}:{number}: {line.strip()[:120]}")
    assert not places, f"say {REPLACED[phrase]!r}:\n" + "\n".join(places[:20])


@pytest.mark.parametrize("text", ["`x` is no name", "rows are no\nlist", '"it was no "\n f"label"'])
def test_a_thing_that_is_not_another_is_found_in_prose_and_in_messages(text):
    assert NOT_A.search(text)
    assert not NOT_A.search(re.sub("(is|are|was) no", r"there \1 no", text))


def test_what_is_something_else_is_not_a_thing():
    places = []
    for path, text in texts():
        in_text = path.suffix == ".md" and path.parts[0] in ("book", "README.md", "CONTRIBUTING.md")
        in_kit = path.parts[0] in ("olympus_kit", "olympus_server") or path.suffix == ".toml"
        if in_text or in_kit:
            for match in NOT_A.finditer(text):
                line = 1 + text.count("\n", 0, match.start())
                places.append(f"{path}:{line}: {match[0]}")
    assert not places, "say 'is not a':\n" + "\n".join(places[:20])
