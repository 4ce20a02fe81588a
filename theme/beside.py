"""What lies beside the pages of the site: downloads, a citation, a sitemap, and where they are."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from xml.etree import ElementTree

import jupytext
import yaml
from course import read
from launch import first_cell, notebook_path
from nbformat.v4 import new_code_cell

DOWNLOADS = "downloads"
COURSE = f"{DOWNLOADS}/olympus-course.zip"
MISSING = "404.html"


def offer_page(project: Path, origin: str, out: Path, options: dict[str, Any]) -> dict[str, str]:
    """Copy a page's source into the site, also as .ipynb; return kind -> address.

    Only a page with code cells is worth taking along; the course is offered beside it. Where
    notebooks are opened in Colab, one that installs the kit lies there, too.
    """
    source = project / origin
    if source.suffix != ".md" or origin.startswith("_build"):  # made for the site, as the API is
        return {}
    notebook = jupytext.read(source)
    if not any(cell.cell_type == "code" for cell in notebook.cells):
        return {}
    written = f"{DOWNLOADS}/{origin}"
    ipynb = f"{DOWNLOADS}/{Path(origin).with_suffix('.ipynb')}"
    (out / written).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, out / written)
    (out / ipynb).write_text(jupytext.writes(notebook, fmt="ipynb"), encoding="utf-8")
    if options.get("colab"):
        colab = out / notebook_path(origin)
        colab.parent.mkdir(parents=True, exist_ok=True)
        install = first_cell(options, Path(origin).parent.name)
        notebook.cells.insert(0, new_code_cell(install, id="install"))
        colab.write_text(jupytext.writes(notebook, fmt="ipynb"), encoding="utf-8")
    downloads = {"notebook (.ipynb)": ipynb, "text (.md)": written}
    if (out / COURSE).exists():
        downloads["whole course (.zip)"] = COURSE
    return downloads


def offer_course(project: Path, out: Path) -> None:
    """Put the whole course, as `olympus start` makes it, into one archive."""
    if not (project / "exercises").is_dir():
        return
    (out / DOWNLOADS).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder, "olympus-course")
        command = [sys.executable, "-m", "olympus_kit.course.cli", "start", str(course)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        archive = shutil.make_archive(str(Path(folder, "course")), "zip", folder, course.name)
        shutil.copyfile(archive, out / COURSE)


def base_url() -> str:
    """Return where the site will lie, as BASE_URL says; "" where it is not known."""
    base = os.environ.get("BASE_URL", "").strip()
    return f"{base.rstrip('/')}/" if base else ""


def write_sitemap(out: Path) -> None:
    """Write the list of pages for search engines, which take whole addresses only."""
    base = base_url()
    if not base:
        return
    root = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    for page in sorted(out.glob("*.html")):
        if page.name != MISSING:
            place = ElementTree.SubElement(ElementTree.SubElement(root, "url"), "loc")
            place.text = urljoin(base, page.name)
    ElementTree.indent(root)
    tree = ElementTree.ElementTree(root)
    tree.write(out / "sitemap.xml", encoding="utf-8", xml_declaration=True)


def citation(project: Path) -> dict[str, str]:
    """Return how to cite the course, as CITATION.cff says, in words and as BibTeX."""
    path = project / "CITATION.cff"
    if not path.exists():
        return {}
    told = read(path, yaml.safe_load)
    names = [author.get("name") or person(author) for author in told["authors"]]
    year = str(told["date-released"])[:4]
    fields = {
        "author": " and ".join(f"{{{name}}}" for name in names),
        "title": f"{{{told['title']}}}",
        "year": year,
        "version": str(told["version"]),
    }
    if told.get("repository-code"):
        fields["url"] = told["repository-code"]
    listed = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return {
        "words": f"{', '.join(names)} ({year}). {told['title']}, version {told['version']}.",
        "bibtex": f"@software{{olympus,\n{listed}\n}}",
    }


def person(author: dict[str, str]) -> str:
    """Return the name of an author who is a person."""
    return f"{author['given-names']} {author['family-names']}"
