"""Start JupyterLab on the course, so that it works on any machine and asks no network."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..checks._progress import write_whole

# Markdown opens as a notebook; no news, no update check, no list of extensions from a network.
SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/docmanager-extension:plugin": {
        "defaultViewers": {"markdown": "Jupytext Notebook", "myst": "Jupytext Notebook"}
    },
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": False,
    },
    "@jupyterlab/extensionmanager-extension:plugin": {"enabled": False, "disclaimed": False},
}
OPTIONS = (
    "--ServerApp.allow_root=True",
    "--ServerApp.port_retries=200",
    "--ServerApp.log_level=WARN",
    "--LabApp.extension_manager=readonly",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    "--LabApp.news_url=",
)


def overrides_file() -> Path:
    """The settings that belong to this environment, not to the user's home."""
    return Path(sys.prefix, "share", "jupyter", "lab", "settings", "overrides.json")


def write_settings(path: Path) -> bool:
    """Add the course's settings to the environment's own; False where nothing had to change."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = {}
    wanted = {**known, **{key: {**known.get(key, {}), **SETTINGS[key]} for key in SETTINGS}}
    if wanted == known:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(wanted, indent=2, sort_keys=True) + "\n")
    return True


def first_page(course: Path) -> str:
    """The page that opens first, as a path inside the course."""
    for name in ("book/index.md", "book/00_start.md", "exercises/00_start.md"):
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
    page = first_page(course)
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={course}",
        f"--ServerApp.port={free_port(port)}",
        f"--ServerApp.open_browser={browser}",
        f"--LabApp.default_url=/lab/tree/{page}" if page else "--LabApp.default_url=/lab",
        *OPTIONS,
    ]


def start(course: Path, port: int, browser: bool, tell: Callable[[str], None]) -> int:
    """Run JupyterLab until it is stopped; tell its address once it answers."""
    try:
        write_settings(overrides_file())
    except (OSError, ValueError) as error:
        tell(f"Could not write {overrides_file()} ({error}); open .md files with Open With.")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    lab = subprocess.Popen(command(course, port, browser), env={**os.environ, "PATH": path})
    try:
        if address := _address(lab, first_page(course)):
            tell(f"\nThe course is open at\n\n    {address}\n\nStop it with Ctrl-C.")
        return lab.wait()
    except KeyboardInterrupt:
        lab.terminate()
        return lab.wait()


def _address(lab: "subprocess.Popen[bytes]", page: str) -> str:
    """The address with its token, as soon as the server has written it down."""
    from jupyter_server.serverapp import list_running_servers

    for _ in range(600):
        if lab.poll() is not None:
            return ""
        for server in list_running_servers():
            if server["pid"] == lab.pid:
                return f"{server['url']}lab/tree/{page}?token={server['token']}"
        time.sleep(0.1)
    return ""
