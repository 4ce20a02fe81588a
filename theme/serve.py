"""Show the book and write it anew while it is edited: `make serve` runs this.

mystmd stays in memory and resolves the page that was saved; that page and those that mystmd has
changed with it are then written again, in seconds, since no cell is run whose code is the same.
Search, downloads and the book on one page stay those of the start. A page with a mistake is
told and keeps its last good form. When the theme, the kit, the quizzes or myst.yml change,
everything starts again.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from build import COMPLAINT, THEME, give_up, prepare, say, start_mystmd, stop, told, write_site
from render import Book, open_book, write_page
from watchfiles import DefaultFilter, watch

READY = "Content server started"
BUILT = re.compile(r"Built (\S.*) in ")
NAMES = re.compile(rb'"key":"[\w-]{10}"|"id":"[\w-]{21}"')  # mystmd gives nodes new ones each time
DEPENDED_ON = ("theme", "olympus", "olympus_kit", "exercises", "book/quiz", "myst.yml")

# JupyterLab writes an .ipynb beside each page that it opens
SOURCES = DefaultFilter(ignore_entity_patterns=[*DefaultFilter.ignore_entity_patterns, r"\.ipynb$"])


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that says nothing and lets no browser keep an old page."""

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def end_headers(self) -> None:
        """Have the browser ask each time whether a file is new."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


def serve(folder: Path, port: int) -> str:
    """Serve a folder to this machine; return the address."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(folder)))
    except OSError:
        give_up([f"Port {port} is taken: choose another, as in `python theme/serve.py --port 0`."])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def digests(project: Path) -> dict[str, str]:
    """Return a digest of each page that mystmd has resolved, by the page's slug."""
    pages = (project / "_build" / "site" / "content").glob("*.json")
    texts = {path.stem: NAMES.sub(b"", path.read_bytes()) for path in pages}
    return {slug: hashlib.sha256(text).hexdigest() for slug, text in texts.items()}


def whole_book(project: Path) -> Book:
    """Open the book once its table of contents is whole.

    mystmd writes the table after it has named the page, and at times once more.
    """
    while True:
        with suppress(json.JSONDecodeError, UnicodeDecodeError):
            return open_book(project)
        time.sleep(0.05)


def write_changed(project: Path, before: dict[str, str], saved: str) -> dict[str, str]:
    """Write the pages that differ from before, the saved one first, and return what they are."""
    book = whole_book(project)
    now = digests(project)
    for entry in sorted(book.pages(), key=lambda entry: entry["source"] != saved):
        if now.get(entry["slug"]) == before.get(entry["slug"]):
            continue
        problems = write_page(book, entry, project / "_build" / "html")
        for problem in problems:
            say(f"  To repair: {problem}")
        if not problems:
            say(f"  {entry['file']} is new.")
    return now


def stop_when_all_changes(
    project: Path, process: "subprocess.Popen[str]", again: threading.Event
) -> None:
    """End mystmd as soon as something changes that every page depends on."""
    watched = [project / name for name in DEPENDED_ON if (project / name).exists()]
    for _ in watch(*watched, watch_filter=SOURCES):
        again.set()
        stop(process)
        return


def follow(project: Path, port: int) -> bool:
    """Resolve the book, show it, and write what is edited; return whether to start again."""
    prepare(project)
    process, again = start_mystmd(project, "start", "--headless"), threading.Event()
    watching = {"target": stop_when_all_changes, "args": (project, process, again)}
    threading.Thread(**watching, daemon=True).start()
    before: dict[str, str] = {}
    try:
        for line in process.stdout or []:
            if COMPLAINT.match(line):
                say("  " + line.rstrip())
            if READY in line:
                write_site(project)
                before = digests(project)
                address = serve(project / "_build" / "html", port)
                say(
                    f"Open {address} and edit: a page that is saved is new when it is loaded again."
                )
            elif before and (built := BUILT.search(line)):
                before = write_changed(project, before, built[1])
    finally:
        stop(process)
    return again.is_set()


def main() -> None:
    """Read the command line and follow the book."""
    parser = argparse.ArgumentParser(description="Show the book, and what is edited, at once.")
    parser.add_argument("--port", type=int, default=8000, help="0 takes any that is free")
    parser.add_argument("--project", type=Path, default=THEME.parent, help="the folder of myst.yml")
    arguments = parser.parse_args()
    project = arguments.project.resolve()
    try:
        if follow(project, arguments.port):
            say("\nSomething that every page depends on has changed: starting again.")
            os.execv(sys.executable, [sys.executable, *sys.argv])
    except KeyboardInterrupt:
        raise SystemExit("\nStopped.") from None
    except OSError as error:
        give_up([told(error)])
    give_up(["mystmd has ended; see above."])


if __name__ == "__main__":
    main()
