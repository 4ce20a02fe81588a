"""Print every ratio. The clock is never a test: a missed aim is said, and nothing fails."""

import argparse

from rich.progress import track

from . import (
    bench_capture,
    bench_checks,
    bench_cost,
    bench_graph,
    bench_import,
    bench_jacobian,
    bench_ladder,
)
from ._ratio import Ratio

BENCHMARKS = {
    "import": bench_import.ratios,
    "graph": bench_graph.ratios,
    "capture": bench_capture.ratios,
    "jacobian": bench_jacobian.ratios,
    "checks": bench_checks.ratios,
    "cost": bench_cost.ratios,
    "ladder": bench_ladder.ratios,
}


def main() -> None:
    """Run the chosen benchmarks, all without a choice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="all where none")
    names = parser.parse_args().names or list(BENCHMARKS)
    found: list[Ratio] = []
    for name in track(names, description="measuring"):
        found += BENCHMARKS[name]()
    for ratio in found:
        print(ratio)


main()
