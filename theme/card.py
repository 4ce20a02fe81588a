"""Draw the picture that a link to the book shows where links are shared: 1200 × 630 pixels."""

import os
import textwrap
from pathlib import Path

import yaml

CARD = "assets/card.png"
PAPER, INK, SOFT = "#fdfdfc", "#1c2028", "#545c69"
PRIMAL, TANGENT, ADJOINT = "#1f5fa8", "#1d7a3a", "#b3261e"


def write_card(config: Path, out: Path) -> None:
    """Draw the book's ladder beside its name. Colours are those of book.css in light."""
    project = yaml.safe_load(config.read_text(encoding="utf-8"))["project"]
    os.environ.setdefault("MPLBACKEND", "Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1200), ylim=(630, 0))
    axes.set_axis_off()
    line = {"linewidth": 15, "solid_capstyle": "butt"}
    for y in (170, 267, 363, 460):
        axes.plot([880, 1070], [y, y], color=TANGENT, **line)
    axes.annotate("", (880, 560), (880, 85), arrowprops=_arrow(PRIMAL))
    axes.annotate("", (1070, 70), (1070, 545), arrowprops=_arrow(ADJOINT))
    name, _, rest = project["title"].partition(": ")
    axes.text(80, 250, name, size=72, weight="bold", color=INK, va="center")
    for row, part in enumerate(textwrap.wrap(rest, 27)):
        axes.text(84, 350 + 56 * row, part, size=27, color=INK, va="center")
    for row, part in enumerate(textwrap.wrap(project.get("description", ""), 53)):
        axes.text(84, 520 + 34 * row, part, size=17, color=SOFT)
    (out / CARD).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / CARD)


def _arrow(colour: str) -> dict[str, object]:
    return {
        "arrowstyle": "-|>,head_width=0.9,head_length=1.1",
        "color": colour,
        "linewidth": 15,
        "capstyle": "round",
    }
