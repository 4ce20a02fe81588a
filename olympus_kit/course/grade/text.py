"""Text of a student's, as it may be written into files and on a terminal."""

import re

# halves of characters, which no file can hold, and controls, which a terminal would obey
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def legible(text: str) -> str:
    """The text with what cannot be written told by its number; different texts stay different."""
    return HIDDEN.sub(lambda found: ascii(found.group())[1:-1], text)
