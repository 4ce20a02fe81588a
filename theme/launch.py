"""Links from a page to places where it can be run, and to the repository that it comes from.

All are configured in myst.yml and nowhere else: `github` and `binder` are mystmd's own words, the
rest stands below `site.options`. Where nothing is configured there is no link.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from course import origin_of

Node = dict[str, Any]
COLAB = "downloads/colab"  # notebooks that begin by installing the kit
KIT = "olympus-kit"


def problems(options: Node) -> list[str]:
    """Return what is wrong with the options in myst.yml."""
    found = []
    for name in ("jupyterhub", "colab"):
        address = options.get(name)
        if address and urlsplit(str(address)).scheme not in ("http", "https"):
            expected = "an address that begins with https://"
            found.append(f"myst.yml: site.options.{name} is {address!r}; write {expected}.")
    if options.get("jupyterhub") and not hub_folder(options["jupyterhub"]):
        found.append(
            "myst.yml: site.options.jupyterhub names no repository; write "
            "https://HUB/hub/user-redirect/git-pull?repo=https://HOST/OWNER/NAME&branch=main"
        )
    return found


def hub_folder(address: str) -> str:
    """Return the folder into which nbgitpuller clones the repository that its link names."""
    named = parse_qs(urlsplit(address).query).get("repo", [""])[0]
    return named.rstrip("/").rpartition("/")[2].removesuffix(".git")


def services(options: Node, front: Node, file: str) -> dict[str, str]:
    """Return where a file of the course can be run: the service's name and the address."""
    links = {}
    if front.get("binder"):
        links["Binder"] = f"{front['binder']}?urlpath={quote(f'lab/tree/{file}', safe='')}"
    if options.get("jupyterhub"):
        place = f"lab/tree/{hub_folder(options['jupyterhub'])}/{file}"
        links["JupyterHub"] = f"{options['jupyterhub']}&urlpath={quote(place, safe='')}"
    if options.get("colab"):
        links["Colab"] = f"{options['colab'].rstrip('/')}/{notebook_path(file)}"
    return links


def notebook_path(file: str) -> str:
    """Return where the site keeps the notebook of a page for Colab: book and exercises apart."""
    return f"{COLAB}/{Path(file).with_suffix('.ipynb')}"


def repository(front: Node, source: str) -> dict[str, str]:
    """Return the links to the repository: its own, for editing the page, for telling a mistake."""
    github = front.get("github")
    if not github:
        return {}
    links = {"Repository": github}
    if front.get("edit_url") and origin_of(source) == source and not source.startswith("_build"):
        links["Edit this page"] = front["edit_url"]
    title = quote(f"{origin_of(source)}: ")
    return {**links, "Report a mistake": f"{github}/issues/new?title={title}"}


def first_cell(options: Node, folder: str) -> str:
    """Return the cell with which a notebook for Colab begins."""
    kit = options.get("kit") or KIT
    return (
        "# Colab starts without the kit: this cell installs it, and puts the course beside it.\n"
        f'%pip install --quiet "{kit}"\n'
        "import os\nimport sys\n\n"
        'if not os.path.isdir("course"):\n'
        "    !{sys.executable} -m olympus_kit.course.cli start course\n"
        f"%cd -q course/{folder}"
    )
