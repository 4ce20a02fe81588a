"""Start JupyterLab on the course, so that it works on any machine and asks no network."""

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..files import write_whole
from ._cache import compile_cache

# Markdown opens as a notebook; no news, no update check, no list of extensions from a network.
SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/docmanager-extension:plugin": {
        "defaultViewers": {
            "markdown": "Jupytext Notebook",
            "myst": "Jupytext Notebook",
        }
    },
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": False,
    },
    "@jupyterlab/extensionmanager-extension:plugin": {
        "enabled": False,
        "disclaimed": False,
    },
}
# what a page brings along is no page, and would only be in the way in the list of files
HIDDEN = (
    "*.answers",
    "*.spec.py",
    "__pycache__",
    "*.pyc",
    ".DS_Store",
    "*~",
)
OPTIONS = (
    *(f"--ContentsManager.hide_globs={pattern}" for pattern in HIDDEN),
    "--ServerApp.allow_root=True",
    "--ServerApp.port_retries=0",
    "--ServerApp.log_level=ERROR",
    "--LabApp.log_level=ERROR",
    "--LabApp.extension_manager=readonly",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    "--LabApp.news_url=",
)


def overrides_file() -> Path:
    """The settings that belong to this environment, not to the user's home."""
    return Path(
        sys.prefix,
        "share",
        "jupyter",
        "lab",
        "settings",
        "overrides.json",
    )


def write_settings(path: Path) -> bool:
    """Add the course's settings to the environment's own; False where nothing had to change."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = {}
    wanted = {
        **known,
        **{key: {**known.get(key, {}), **SETTINGS[key]} for key in SETTINGS},
    }
    if wanted == known:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(wanted, indent=2, sort_keys=True) + "\n")
    return True


def first_page(course: Path) -> str:
    """The page that opens first, as a path inside the course."""
    for name in (
        "book/index.md",
        "book/00_start.md",
        "exercises/00_start.md",
    ):
        if (course / name).exists():
            return name
    return ""


def has_browser() -> bool:
    """Whether a browser can show itself here (a server has no display)."""
    import webbrowser

    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def free_port(wanted: int) -> int:
    """`wanted`, or the next port that nobody listens on."""
    for port in range(wanted, wanted + 200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    return 0


def command(course: Path, port: int, browser: bool) -> list[str]:
    """How JupyterLab is started."""
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={course}",
        f"--ServerApp.port={port}",
        f"--ServerApp.open_browser={browser}",
        f"--LabApp.default_url={_path(course)}",
        *OPTIONS,
    ]


def _path(course: Path) -> str:
    page = first_page(course)
    return f"/lab/tree/{page}" if page else "/lab"


def start(
    course: Path, port: int, browser: bool, tell: Callable[[str], None]
) -> int:
    """Tell the address, then become JupyterLab, until it is stopped."""
    try:
        write_settings(overrides_file())
    except (OSError, ValueError) as error:
        tell(
            f"Could not write {overrides_file()} ({error}); open .md files with Open With."
        )
    port, token = (
        free_port(port),
        os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(16),
    )
    folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([folder, os.environ.get("PATH", "")])
    environment = {
        **os.environ,
        **compile_cache(),
        "PATH": path,
        "JUPYTER_TOKEN": token,
    }
    tell(
        f"The course opens at\n\n    http://localhost:{port}{_path(course)}?token={token}\n"
    )
    tell("Stop it with Ctrl-C.")
    words = command(course, port, browser)
    if os.name != "nt":  # there, a process can't become another one
        os.execve(words[0], words, environment)
    return subprocess.call(words, env=environment)
