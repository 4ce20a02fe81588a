"""What a view's markup carries for the page, packed, and what the page makes of its frames."""

import base64
import json
import zlib

from olympus_kit.views._frames import leaves_of


def unpack(packed):
    """Return the state that `olympus_kit.views._view.pack` packed."""
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def frame_model(data, number):
    """Return the model of a frame, as the page puts it together."""
    frame = data["frames"][number]
    form = data["forms"][frame["form"]]
    flat = dict(leaves_of(form["view"]))
    for path, value in zip(form["paths"], frame["values"], strict=True):
        flat[tuple(path)] = value
    return _built(form["view"], flat, ())


def _built(data, flat, path):
    if isinstance(data, dict) and data:
        built = {k: _built(item, flat, (*path, k)) for k, item in data.items()}
        return "".join(built["pieces"]) if list(built) == ["pieces"] else built
    if isinstance(data, list) and data:
        return [_built(item, flat, (*path, k)) for k, item in enumerate(data)]
    return flat[path]
