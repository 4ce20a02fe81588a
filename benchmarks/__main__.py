"""Print every ratio as soon as it is measured; Ctrl-C stops, and what was printed holds.

The clock is never a test: a missed aim is said, and nothing fails.
"""

import argparse
import sys

from . import (
    bench_book,
    bench_capture,
    bench_checks,
    bench_cost,
    bench_grade,
    bench_graph,
    bench_import,
    bench_jacobian,
    bench_ladder,
)

BENCHMARKS = {
    "import": bench_import.ratios,
    "graph": bench_graph.ratios,
    "capture": bench_capture.ratios,
    "jacobian": bench_jacobian.ratios,
    "checks": bench_checks.ratios,
    "cost": bench_cost.ratios,
    "grade": bench_grade.ratios,
    "ladder": bench_ladder.ratios,
    "book": bench_book.ratios,
}


def main() -> int:
    """Run the chosen benchmarks, all without a choice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="all where none")
    names = parser.parse_args().names or list(BENCHMARKS)
    for number, name in enumerate(names, start=1):
        print(f"{name} ({number} of {len(names)})", file=sys.stderr, flush=True)
        try:
            for ratio in BENCHMARKS[name]():
                print(ratio, flush=True)
        except KeyboardInterrupt:
            left = ", ".join(names[number - 1 :])
            print(f"Stopped. Not measured, or not to the end: {left}.", file=sys.stderr)
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
