"""The process that says what a student would see: the kit's own check, at the public points.

Its word gives no marks: a student's code runs beside it and may have changed it. It gives the
message, and it can withhold marks, for what only the answer's own process can tell (how often a
function was called, how an answer differentiates, how large an intermediate array is).
"""

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

from .._judge import judge, run
from .wire import Channel


def serve(end: socket.socket) -> None:
    """Run the cells, then check each question by itself."""
    channel = Channel(end)
    task = json.loads(channel.receive())
    os.chdir(Path(os.environ["OLYMPUS_COURSE"]))
    asyncio.run(_serve(channel, task))


async def _serve(channel: Channel, task: dict[str, Any]) -> None:
    namespace: dict[str, Any] = {}
    for number, cell in enumerate(task["cells"]):
        channel.send_json({"cell": number})
        namespace = await run([cell])
    channel.send_json({"ready": True})
    for name in task["names"]:
        channel.send_json({"outcome": judge(name, namespace).json()})
