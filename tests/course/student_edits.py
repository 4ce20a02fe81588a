"""A helper that edits a page as a student does."""

from pathlib import Path


def answer(page: Path, name: str, code: str) -> None:
    """Write `code` over the stub of the question `name`, as a student does in an editor."""
    text = page.read_text(encoding="utf-8")
    head, option, tail = text.partition(f":name: {name}\n")
    assert option, f"no cell named {name}"
    _, fence, rest = tail.partition("\n```\n")
    page.write_text(f"{head}{option}\n{code.rstrip()}{fence}{rest}", encoding="utf-8")
