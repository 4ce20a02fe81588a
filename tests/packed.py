"""What a view's markup carries for the page, packed."""

import base64
import json
import zlib


def unpack(packed):
    """Return the state that `olympus_kit.views._view.pack` packed."""
    return json.loads(zlib.decompress(base64.b64decode(packed)))
