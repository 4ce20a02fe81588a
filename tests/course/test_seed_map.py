"""Every item of the source texts has its place in the course: `seed_map.toml` says where."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from olympus_kit.course import _notebook

REPO = Path(__file__).parents[2]
HERE = Path(__file__).parent
MAP = tomllib.loads((HERE / "seed_map.toml").read_text(encoding="utf-8"))
SIZES = {"S0": 36, "S1": 31, "S2": 38, "S3": 18, "S4": 28}
ITEMS = [f"{seed}-{number:02d}" for seed, size in SIZES.items() for number in range(1, size + 1)]
ERRORS = [f"E{number}" for number in range(1, 40)]
PLACES = [
    (key, place) for table in MAP.values() for key, places in table.items() for place in places
]
HEADING = re.compile(r"^#{1,4} (?:\d+\. )?(.+)$", re.MULTILINE)


def headings(page: Path) -> set[str]:
    """The headings of a page, without the number in front of them."""
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"^(`{3,})[^\n]*\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    return set(HEADING.findall(prose))


def test_every_item_and_every_error_has_a_place():
    assert list(MAP) == ["items", "errors"]
    assert sorted(MAP["items"]) == sorted(ITEMS)
    assert sorted(MAP["errors"]) == sorted(ERRORS)
    assert all(places for table in MAP.values() for places in table.values())


@pytest.mark.parametrize(
    ("key", "place"), PLACES, ids=[f"{k}-{n}" for n, (k, _) in enumerate(PLACES)]
)
def test_a_place_is_a_heading_of_a_page_or_planned(key, place):
    page, separator, heading = place.partition(": ")
    assert separator, f"{key}: write 'page.md: heading' or 'planned: chapter', not {place!r}"
    if page == "planned":
        written = sorted(REPO.glob(f"book/{int(heading):02d}_*.md"))
        assert not written, f"{key} is planned for chapter {heading}, which exists: {written}"
        return
    assert (REPO / page).is_file(), f"{key}: there is no {page}"
    assert heading in headings(REPO / page), f"{key}: {page} has no heading {heading!r}"


GUIDE = HERE / "seed_guide.md"
CALLS = {  # what a reader of the guide calls and defines
    "olympus.grad", "olympus.jvp", "olympus.vmap", "olympus.jit", "olympus.hessian",
    "olympus.random.key", "olympus.random.split", "olympus.random.normal",
    "jnp.dot", "jnp.tanh", "jnp.eye", "jnp.tensordot", "jnp.vdot", "jnp.vstack",
    "vjp", "jacrev", "jacfwd",
}  # fmt: skip
DEFINITIONS = {
    "sigmoid", "predict", "f", "vgrad", "hvp", "hvp_revfwd", "hvp_revrev", "loop_mjp", "vmap_mjp",
    "loop_jmp", "vmap_jmp", "our_jacrev", "our_jacfwd",
}  # fmt: skip


def code_cells(page: Path) -> Iterator[str]:
    return (cell.source for cell in _notebook.read(page).cells if cell.cell_type == "code")


def test_the_guide_has_every_call_and_name():
    trees = [ast.parse(source) for source in code_cells(GUIDE)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    calls = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    loaded = {ast.unparse(node) for node in nodes if isinstance(node, (ast.Attribute, ast.Name))}
    definitions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    assert calls | loaded >= CALLS, CALLS - calls - loaded
    assert definitions >= DEFINITIONS, DEFINITIONS - definitions


def test_the_guide_runs_from_the_first_cell_to_the_last():
    names: dict[str, object] = {}
    for source in code_cells(GUIDE):
        exec(source, names)
