"""The picture of the README: the comparison that ``llm4es run movielens-100k`` ends with, as its report draws it.

``python -m benchmarks.picture llm4es-store`` after that command writes ``docs/comparison.svg``. The report's drawing
takes its colours from the page; here they stand in the file itself, with a ground of their own, for light and dark.
"""

import argparse
import re
from pathlib import Path

import llm4es
from llm4es.report import page
from llm4es.report.forest import forest

ROOT = Path(__file__).parent.parent
MARGIN = 8
"""Points of ground around the drawing."""

FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


def picture(store: str, dataset: str, task: str) -> str:
    """The comparison of ``task`` as one SVG document that needs no page around it."""
    rows = llm4es.Project(dataset, store, observer="silent").compare(task).to_pylist()
    svg = re.sub(r' data-tip="[^"]*"', "", forest(rows, "comparison"))  # the page's script shows those
    x, y, width, height = map(float, re.findall(r'viewBox="(\S+) (\S+) (\S+) (\S+)"', svg)[0])
    left, top = f"{x - MARGIN:g}", f"{y - MARGIN:g}"
    size = f'width="{width + 2 * MARGIN:g}" height="{height + 2 * MARGIN:g}"'
    box = f'viewBox="{left} {top} {width + 2 * MARGIN:g} {height + 2 * MARGIN:g}" {size}'
    svg = re.sub(r'viewBox="[^"]*"', box, svg, count=1)
    ground = f'<rect x="{left}" y="{top}" {size} rx="6" fill="var(--raised)"/>'
    style = f"<style>{colours()} text {{ font-family: {FONTS}; }}</style>"
    return svg.replace("</title>", f"</title>{style}{ground}", 1) + "\n"


def colours() -> str:
    """The report's colours, light and dark, of the drawing's own root."""
    css = (Path(page.__file__).parent / "page.css").read_text(encoding="utf-8")
    return " ".join(css[: css.index("* {")].split())


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("store")
    words.add_argument("--dataset", default="movielens-100k")
    words.add_argument("--task", default="gender")
    words.add_argument("--out", type=Path, default=ROOT / "docs" / "comparison.svg")
    given = words.parse_args()
    given.out.write_text(picture(given.store, given.dataset, given.task), encoding="utf-8")
    print(f"wrote {given.out}")
