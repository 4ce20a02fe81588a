"""Start JupyterLab on the course, so that it works on any machine and asks no network."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ._cache import compile_cache

# Settings that hold for every JupyterLab with the kit, on a class's hub, too, are files that are
# installed with it (share/jupyter). These are for one that runs on a student's own machine.
OPTIONS = (
    "--ServerApp.allow_root=True",
    "--ServerApp.port_retries=0",
    "--ServerApp.log_level=ERROR",
    "--LabApp.log_level=ERROR",
    "--LabApp.extension_manager=readonly",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    "--LabApp.news_url=",
)


def first_page(course: Path) -> str:
    """The page that opens first, as a path inside the course."""
    for name in ("welcome.md", "exercises/00_start.md"):
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
