"""Make KaTeX's MathML fit for browsers: they know letters, not the `mathvariant` of old.

mystmd gives each formula as KaTeX's HTML, which needs fonts and a stylesheet. It also holds the
same formula as MathML, which browsers draw by themselves and screen readers read.
"""

import html
import re
import unicodedata
from typing import Any

FORMULA = re.compile(r"<math.*?</math>", re.DOTALL)
SOURCE = re.compile(r"<annotation.*?</annotation>", re.DOTALL)  # the TeX; a search would find it
VARIANT = re.compile(r'<(m[ino]|mtext) mathvariant="([a-z-]+)">([^<]*)<')
THIN, WIDE = '<mspace width="0.167em"/>', '<mspace width="0.6em"/>'
TAG = re.compile(r"<[^>]*>")
REPAIRS: list[
    tuple[str, Any]
] = [  # what KaTeX leaves to its own stylesheet: what is found, what it becomes
    # words on an arrow: browsers take their extra width for the whole
    (r'<mpadded width="\+0.6em" lspace="0.3em">(.*?)</mpadded>', rf"<mrow>{WIDE}\1{WIDE}</mrow>"),
    # the thin spaces of x sin x, which sin(x) has not
    (r"(?<=</mi>|</mn>)(<mi>[a-z]{2,}</mi><mo>\u2061</mo>)", rf"{THIN}\1"),
    (r"(<mi>[a-z]{2,}</mi><mo>\u2061</mo>)(?=<m[in]>|<msu[bp]>)", rf"\1{THIN}"),
    # an operator of letters, as mod: an operator holds text, no elements
    (r"(<mo[^>]*>)<mrow>(.*?)</mrow>(?=</mo>)", lambda found: found[1] + TAG.sub("", found[2])),
]
HYPHENATED = re.compile(r"(?<!SANS)(?<!DOUBLE)-")  # bold-italic, but SANS-SERIF


def styled(character: str, variant: str) -> str:
    """Return the letter in that style: R in double-struck is ℝ, an unknown pair stays as it is."""
    name = unicodedata.name(character, "")
    bare = re.sub(r"^(LATIN|GREEK) (CAPITAL|SMALL) LETTER ", r"\2 ", name)
    style = HYPHENATED.sub(" ", variant.upper())
    old = "BLACK-LETTER" if style == "FRAKTUR" else style  # ℝ, ℒ and ℭ are older than the others
    for candidate in (f"MATHEMATICAL {style} {bare}", f"{old} {bare}"):
        try:
            return unicodedata.lookup(candidate)
        except KeyError:
            continue
    return character


def _letters(match: re.Match[str]) -> str:
    tag, variant, text = match.groups()
    if variant == "normal":
        return match.group(0)
    letters = "".join(styled(c, variant) for c in html.unescape(text))
    return f'<{tag} mathvariant="normal">{html.escape(letters)}<'


def mathml(formula: str) -> str:
    """Return the `<math>` element of a formula that KaTeX has set; raise ValueError without one."""
    found = FORMULA.search(formula)
    if found is None:
        raise ValueError("this formula could not be set")
    written = SOURCE.sub("", found.group(0))
    for pattern, repaired in REPAIRS:
        written = re.sub(pattern, repaired, written)
    return VARIANT.sub(_letters, written)
