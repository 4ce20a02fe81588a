"""What lies beside the pages of the site: downloads, the page for what is not there, a sitemap."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urljoin
from xml.etree import ElementTree

import jupytext

DOWNLOADS = "downloads"
COURSE = f"{DOWNLOADS}/olympus-course.zip"
MISSING = "404.html"


def offer_page(source: Path, out: Path) -> dict[str, str]:
    """Copy a page's source into the site, also as .ipynb; return kind -> address.

    Only a page with code cells is worth taking along; the course is offered beside it.
    """
    if source.suffix != ".md" or not source.is_file():
        return {}
    notebook = jupytext.read(source)
    if not any(cell.cell_type == "code" for cell in notebook.cells):
        return {}
    folder = out / DOWNLOADS
    folder.mkdir(exist_ok=True)
    ipynb = source.with_suffix(".ipynb").name
    shutil.copyfile(source, folder / source.name)
    (folder / ipynb).write_text(jupytext.writes(notebook, fmt="ipynb"), encoding="utf-8")
    downloads = {
        "notebook (.ipynb)": f"{DOWNLOADS}/{ipynb}",
        "text (.md)": f"{DOWNLOADS}/{source.name}",
    }
    if (out / COURSE).exists():
        downloads["whole course (.zip)"] = COURSE
    return downloads


def offer_course(project: Path, out: Path) -> None:
    """Put the whole course, as `olympus start` makes it, into one archive."""
    if not (project / "exercises").is_dir():
        return
    (out / DOWNLOADS).mkdir(parents=True)
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
