"""Write the whole book as one file that needs no other: to be printed, or read without a network.

The pages follow each other in the order of the contents. A figure is the picture that it shows
before anything is pressed, since paper answers to nothing.
"""

import base64
import mimetypes
import re
from pathlib import Path
from typing import Any

from jinja2 import Template

Node = dict[str, Any]
WHOLE = "downloads/olympus-book.html"
ARTICLE = re.compile(r"<article[^>]*>(.*?)</article>", re.DOTALL)
VIEW = re.compile(r"<(olympus-[\w-]+)[^>]*?data-state='[^']*'[^>]*>(.*?)</\1>", re.DOTALL)
SCRIPT = re.compile(r"<script.*?</script>", re.DOTALL)
PLACE = re.compile(r'\b(id|for|name|aria-labelledby|aria-describedby)="([^"]+)"')
LINK = re.compile(r'\b(href|src)="([^"]+)"')
FOLDED = re.compile(r"<details(?![^>]*\bopen\b)")


def picture(path: Path) -> str:
    """Return a file as an address that holds it."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def moved(address: str, slug: str, slugs: dict[str, str], out: Path) -> str:
    """Return where a link of a page leads once all pages are one."""
    path, _, place = address.partition("#")
    if re.match(r"[a-z]+:", address):
        return address
    if path in slugs or not path:
        page = slugs.get(path, slug)
        return f"#{page}.{place}" if place else f"#{page}"
    file = out / path
    return picture(file) if file.suffix in (".png", ".jpg", ".svg", ".webp") else f"../{path}"


def chapter(entry: Node, slugs: dict[str, str], out: Path) -> str:
    """Return a page's article with the places in it named after the page."""
    html = ARTICLE.search((out / entry["file"]).read_text(encoding="utf-8"))
    text = html.group(1) if html else ""
    text = VIEW.sub(r"\2", SCRIPT.sub("", text))
    slug = entry["slug"]
    named = PLACE.sub(
        lambda m: f'{m[1]}="{" ".join(f"{slug}.{name}" for name in m[2].split())}"', text
    )
    linked = LINK.sub(lambda m: f'{m[1]}="{moved(m[2], slug, slugs, out)}"', named)
    return FOLDED.sub("<details open", linked)


def write_whole(pages: list[Node], layout: Template, out: Path) -> None:
    """Write the pages below `out` as one file."""
    slugs = {entry["file"]: entry["slug"] for entry in pages}
    chapters = [(entry, chapter(entry, slugs, out)) for entry in pages]
    style = (out / "book.css").read_text(encoding="utf-8")
    (out / WHOLE).parent.mkdir(parents=True, exist_ok=True)
    (out / WHOLE).write_text(layout.render(chapters=chapters, style=style), encoding="utf-8")
