"""What importing costs beside importing jax, each in a fresh process."""

from collections.abc import Iterator

from ._ratio import Ratio, import_seconds

ROUNDS = 15


def ratios() -> Iterator[Ratio]:
    """Compare `olympus` and `olympus_kit` with jax."""
    modules = ("jax", "olympus", "olympus_kit")
    for module in modules:  # so that all bytecode is written and in the disk's cache
        import_seconds(module)
    best = dict.fromkeys(modules, float("inf"))
    for _ in range(ROUNDS):
        for module in modules:
            best[module] = min(best[module], import_seconds(module))
    yield Ratio("import olympus / import jax", best["olympus"] / best["jax"], 1.03)
    yield Ratio("import olympus_kit / import jax", best["olympus_kit"] / best["jax"], 1.10)
