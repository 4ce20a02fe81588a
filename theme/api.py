"""Write the API pages, and the table of names that the roles {func}, {mod}, … look up.

Both are made from the docstrings of what is installed, so they cannot drift from it. `olympus`
gets a line for each name, since its names are JAX's and documented there; `olympus_kit`, which
is ours, gets its docstrings whole.
"""

import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import griffe

import olympus
import olympus_kit
from olympus._modules import MODULES

SHORT = {"olympus": "olympus", "olympus.numpy": "jnp", "olympus_kit": "ok"}
UNTOLD = {  # what JAX gives no docstring
    "checkpoint_policies": "Ready-made answers to what `checkpoint` may save as residuals.",
    "config": 'JAX\'s settings, as in `olympus.config.update("jax_enable_x64", True)`.',
    "float0": "The type of an integer's tangent: it has a shape and carries nothing.",
    "print_saved_residuals": "Print what reverse mode keeps of `f`, and which line made it.",
}
ROLE = re.compile(r":[a-z:]+:`~?(?:([^<`]+?)\s*<[^`]*>|([^`]+))`")
ADDRESS = re.compile(r"<([\w.]+)[^<>]* at 0x[0-9a-f]+>")  # differs from run to run


def first_sentence(text: str | None) -> str:
    """Return the first sentence of a docstring, its reStructuredText marks turned into MyST's."""
    paragraph = " ".join((text or "").strip().split("\n\n")[0].split())
    sentence = re.split(r"(?<=[a-z)`\]]\.)\s", paragraph)[0]
    sentence = ROLE.sub(lambda m: f"`{m.group(1) or m.group(2)}`", sentence)
    return re.sub(r"``(.+?)``", r"`\1`", sentence).replace("$", r"\$")


class Plain(str):
    """An annotation that is shown as it was written, without quotes."""

    __repr__ = str.__str__


def unquoted(annotation: Any) -> Any:
    """Return an annotation fit to be shown."""
    return Plain(annotation) if isinstance(annotation, str) else annotation


def signature(thing: Any, annotated: bool) -> str:
    """Return the arguments of something that can be called, or nothing."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    shown = unquoted if annotated else lambda _: inspect.Parameter.empty
    found = found.replace(
        parameters=[p.replace(annotation=shown(p.annotation)) for p in found.parameters.values()],
        return_annotation=shown(found.return_annotation),
    )
    return ADDRESS.sub(r"\1", str(found))


def label(name: str) -> str:
    """Return a name's label: mystmd's know no case, but `graph` is not `Graph`."""
    return name if name.rpartition(".")[2].islower() else f"{name}-type"


def heading(name: str) -> str:
    """Return a heading that a role can link to."""
    return f"({label(name)})=\n## `{name}`\n"


def call(name: str, arguments: str) -> str:
    """Return how a thing is called, as a block of code."""
    block = f"```{{code-block}} python\n:class: bk-signature\n{name}{arguments}\n```\n"
    return block if arguments else ""


def re_exported(name: str) -> str:
    """Return the entry of a name of `olympus`."""
    thing = getattr(olympus, name)
    whole = f"olympus.{name}"
    if isinstance(thing, ModuleType):
        note = f"`{whole}` is `jax.{name}`, name for name.\n"
        return heading(whole) + note
    arguments = "" if isinstance(thing, type) else signature(thing, annotated=False)
    told = UNTOLD.get(name) or first_sentence(thing.__doc__)
    return heading(whole) + call(whole, arguments) + told + "\n"


def listed(items: Iterable[Any]) -> str:
    """Return arguments, results or errors as a definition list."""
    lines = []
    for item in items:
        term = getattr(item, "name", "") or str(item.annotation or "")
        indented = item.description.strip().replace("\n", "\n  ")
        lines.append(f"`{term}`\n: {indented}\n" if term else f"{item.description}\n")
    return "\n".join(lines)


def examples(parts: Iterable[tuple[Any, str]]) -> str:
    """Return an example section: prose stays prose, sessions become code."""
    return "\n".join(
        f"```pycon\n{text}\n```\n" if kind is griffe.DocstringSectionKind.examples else f"{text}\n"
        for kind, text in parts
    )


def docstring(text: str | None) -> str:
    """Return a whole docstring as MyST: Markdown as it is, `Args:` and the like as lists."""
    written = []
    parsed = griffe.Docstring(inspect.cleandoc(text or "")).parse("google", warnings=False)
    for section in parsed:
        kind, value = section.kind.value, section.value
        if kind == "text":
            written.append(f"{value}\n")
        elif kind == "examples":
            written.append(f"**Example**\n\n{examples(value)}")
        elif kind == "admonition":
            written.append(f"**{section.title}** {value.contents}\n")
        else:
            written.append(f"**{kind.capitalize()}**\n\n{listed(value)}")
    return "\n".join(written)


def methods(thing: type) -> str:
    """Return what a class's objects can do, a line for each public method."""
    lines = []
    for name, member in inspect.getmembers(thing):
        ours = getattr(member, "__module__", "") or ""
        if not name.startswith("_") and callable(member) and ours.startswith("olympus_kit"):
            arguments = re.sub(r"^\(self(, )?", "(", signature(member, annotated=False))
            term = f"`.{name}{arguments}`"
            lines.append(f"{term}\n: {first_sentence(member.__doc__)}\n")
    return "\n**Methods**\n\n" + "\n".join(lines) if lines else ""


def own(name: str) -> str:
    """Return the entry of a name of `olympus_kit`."""
    thing = getattr(olympus_kit, name)
    whole = f"olympus_kit.{name}"
    if isinstance(thing, ModuleType):
        return heading(whole) + docstring(thing.__doc__)
    parts = [heading(whole), call(whole, signature(thing, annotated=True))]
    parts.append(docstring(thing.__doc__ if callable(thing) else ""))
    return "\n".join(parts) + (methods(thing) if isinstance(thing, type) else "")


def public(module: ModuleType) -> list[str]:
    """Return the public names of a module."""
    return sorted(getattr(module, "__all__", [n for n in dir(module) if not n.startswith("_")]))


def kit_names() -> list[str]:
    """Return the names that olympus_kit adds to olympus's."""
    return [name for name in public(olympus_kit) if name not in olympus.__all__]


def page(
    module: ModuleType,
    title: str,
    names: list[str],
    entry: Callable[[str], str],
    read: Mapping[str, str],
) -> str:
    """Return a module's page; `read` says by a name's short form where the book is about it."""
    parts = [f"({module.__name__})=\n# {title}\n\n{docstring(module.__doc__)}\n"]
    for name in names:
        places = read.get(f"{SHORT[module.__name__]}.{name}")
        parts.append(entry(name) + (f"\n**In the book** {places}\n" if places else ""))
    return "\n".join(parts)


def role_targets() -> dict[str, str]:
    """Return what a role may name, and the label of the entry that it leads to."""
    targets = {"olympus": "olympus", "olympus_kit": "olympus_kit"}
    for name in olympus.__all__:
        targets[f"olympus.{name}"] = targets[f"olympus_kit.{name}"] = label(f"olympus.{name}")
    targets |= {f"olympus_kit.{name}": label(f"olympus_kit.{name}") for name in kit_names()}
    for name in MODULES:
        whole = f"olympus.{name}"
        targets |= {f"{whole}.{n}": whole for n in public(importlib.import_module(whole))}
    for whole, short in SHORT.items():
        targets |= {
            short + name.removeprefix(whole): label
            for name, label in list(targets.items())
            if name == whole or name.startswith(f"{whole}.")
        }
    return targets


def write(folder: Path, targets: Mapping[str, str], read: Mapping[str, str]) -> None:
    """Write the pages and the table of names into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    transforms = page(olympus, "API: olympus", olympus.__all__, re_exported, read)
    kit = page(olympus_kit, "API: olympus_kit", kit_names(), own, read)
    (folder / "olympus.md").write_text(transforms, encoding="utf-8")
    (folder / "olympus_kit.md").write_text(kit, encoding="utf-8")
    (folder / "names.json").write_text(json.dumps(targets, indent=0), encoding="utf-8")
