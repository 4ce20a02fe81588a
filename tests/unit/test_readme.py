"""The README's snippets run, and give what they say."""

import re
from pathlib import Path

import jax
import pytest

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.S)


def test_there_are_five_and_the_first_four_run(tmp_path, monkeypatch, capsys):
    assert len(SNIPPETS) == 5
    monkeypatch.chdir(tmp_path)
    with jax.enable_x64(False):
        namespace: dict[str, object] = {}
        for snippet in SNIPPETS[:4]:
            exec(snippet, namespace)
            for line in snippet.splitlines():
                code, _, said = line.partition("  # ")
                if re.match(r"[\d.]+$|True$", said):
                    assert float(eval(code, namespace)) == pytest.approx(float(eval(said)))
    printed = capsys.readouterr().out
    counted = "9 primal equations; 15 adjoint equations; saved for the backward pass: 6 values"
    assert counted in " ".join(printed.split())  # lines are wrapped
    assert "reverse mode is cheaper" in printed
    assert all(f"\n{name}" in printed for name in ("f", "jvp", "vjp", "jacfwd", "jacrev"))
    assert {p.name for p in tmp_path.iterdir()} == {"ladder.svg", "ladder.html"}


def test_its_picture_and_its_commands_exist():
    root = Path(__file__).parents[2]
    for target in re.findall(r"!?\[.*?\]\(([^)]+)\)", README):
        assert target.startswith("https:") or (root / target).exists()
    makefile = (root / "Makefile").read_text("utf-8")
    for command in re.findall(r"`?make (\w+)`?", README):
        assert re.search(rf"^{command}:", makefile, re.M), command
