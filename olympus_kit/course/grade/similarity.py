"""Which submissions are much alike: fingerprints by copydetect, the released page in common.

Names of variables, spaces and comments count for nothing there. Short right answers are alike by
nature: a pair says that a person should read both, and nothing else.
"""

import io
from collections.abc import Mapping
from itertools import combinations
from typing import Any

LENGTH = 25  # tokens that two texts share in a row before that counts
WINDOW = 1  # every fingerprint is kept: a choice would depend on the hash seed of a run
SHARE = 0.8  # of the shorter one's own text
LEAST = 150  # characters of one's own, without names: below that, all answers are alike


def similar(texts: Mapping[str, str], common: str) -> list[dict[str, Any]]:
    """Pairs of students with the share that their texts have in common, the largest first.

    RuntimeError without copydetect.
    """
    try:
        from copydetect import CodeFingerprint, compare_files
    except ImportError:
        raise RuntimeError(
            "copydetect is missing: install olympus-kit[similarity]."
        ) from None

    def prints(text: str, known: Any = ()) -> Any:
        file = io.StringIO(text)
        return CodeFingerprint("a.py", LENGTH, WINDOW, list(known), fp=file)

    known = prints(common).hashes
    own = {}
    for student, text in texts.items():
        one = prints(text, known)
        if one.token_coverage >= LEAST:
            own[student] = one
    pairs = []
    for one, other in combinations(own, 2):
        _, shares, _ = compare_files(own[one], own[other])
        if max(shares) >= SHARE:
            share = float(max(shares))
            pairs.append({"share": share, "one": one, "other": other})
    return sorted(pairs, key=lambda pair: -pair["share"])
