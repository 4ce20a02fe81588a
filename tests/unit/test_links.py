"""The check of links sees each kind of link that leads nowhere, and lets the right ones pass."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def links():
    """The script that `make lint` runs."""
    spec = importlib.util.spec_from_file_location("links", ROOT / ".ci" / "links.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RIGHT = """
(here)=

# A page, with a heading

[a label](#here), [a heading](#a-page-with-a-heading), [a file](../README.md), {ref}`here`,
{ref}`words <here>`, {doc}`page`, {eq}`sum`, `book/page.md`, `solutions/NN_topic.md`,
[the web](https://example.org/nowhere#x), [what the build makes](#where-is-it-taught).

$$
1 + 1
$$ (sum)

```{code-cell} ipython3
values[0](not_a_link)
```

```{note}
[inside a directive](#here)
```

The bracket $[u, v](x)$ is a formula, and so is

```{math}
[u, v](x) = v'(x) u - u'(x) v
```
"""


def check(links, folder: Path, text: str) -> list[str]:
    links.labels.cache_clear()
    links.places.cache_clear()
    (folder / "book").mkdir(exist_ok=True)
    (folder / "README.md").write_text("# Read me\n", encoding="utf-8")
    (folder / "book" / "page.md").write_text(text, encoding="utf-8")
    return links.check(folder)


def test_right_links_pass(links, tmp_path):
    assert check(links, tmp_path, RIGHT) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[x](other.md)", "there is no other.md"),
        ("[x](page.md#gone)", "page.md has no place 'gone'"),
        ("[x](../README.md#gone)", "../README.md has no place 'gone'"),
        ("[x](#gone)", "no page has the label 'gone'"),
        ("```{note}\n[x](other.md)\n```", "there is no other.md"),
        (":::{note}\n[x](other.md)\n:::", "there is no other.md"),
        ("{ref}`gone`", "no page has the label 'gone'"),
        ("{ref}`words <gone>`", "no page has the label 'gone'"),
        ("{doc}`gone`", "there is no page 'gone'"),
        ("see {eq}`gone`", "no page has the label 'gone'"),
        ("`exercises/gone.md`", "there is no exercises/gone.md"),
    ],
)
def test_a_link_to_nowhere_is_named(links, tmp_path, text, problem):
    assert check(links, tmp_path, text) == [f"book/page.md: {problem}."]
