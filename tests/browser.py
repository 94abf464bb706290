"""A real browser, started once for many looks: pages in frames of several widths, and what axe-core finds in them."""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm4es.core.cache_folder import cache_dir
from llm4es.core.downloads import wheel_files

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_AXE = "axe_playwright_python/axe.min.js"
_WHEEL = ("axe-playwright-python==0.1.8", "sha256:fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8")

_LOOK = """<script>
const look = (page) => {
  page.getElementById("next")?.click();
  const cut = [...page.querySelectorAll(".table")].filter((box) => box.scrollWidth > box.clientWidth).length;
  const width = page.documentElement.clientWidth;
  const boxed = (element) => element.closest(".table, pre, svg, .skip, .unseen, caption, [hidden]");
  const over = (box, of) => box.width && (box.right > of.right + 2 || box.left < of.left - 2);
  const outside = [...page.querySelectorAll("body *")]
    .filter((element) => !boxed(element) && over(element.getBoundingClientRect(), { left: 0, right: width }))
    .map((element) => `${element.tagName} ${element.textContent.trim().slice(0, 40)}`);
  for (const text of page.querySelectorAll("svg text"))
    if (over(text.getBoundingClientRect(), text.closest("svg").getBoundingClientRect())) outside.push(text.textContent);
  const { scrollWidth } = page.documentElement;
  if (scrollWidth > width) outside.push(`scrolls: ${scrollWidth} of ${width}`);
  const chosen = page.querySelector("#chosen h3")?.textContent, near = page.querySelectorAll("#chosen button").length;
  const marked = page.querySelectorAll("use.chosen").length, user = page.getElementById("user");
  if (user) { user.value = "zzz"; user.dispatchEvent(new Event("change")); }
  return {
    cut, chosen, near, marked, unknown: page.getElementById("chosen")?.textContent,
    still: page.querySelectorAll("#chosen button, use.chosen").length,
    title: page.title, images: page.images.length, scripts: page.scripts.length, outside,
    drawn: [...page.querySelectorAll("figure svg, .map svg")]
      .filter((svg) => svg.getBoundingClientRect().height > 50).length,
    options: page.querySelectorAll("datalist option").length,
    first: page.querySelector("a, button, input, summary, [tabindex]").textContent,
  };
};
onload = async () => {
  const seen = [];
  for (const frame of document.querySelectorAll("iframe")) {
    const { axe } = frame.contentWindow;
    if (!axe) { seen.push(look(frame.contentDocument)); continue; }
    for (const folded of frame.contentDocument.querySelectorAll("details")) folded.open = true;
    const { violations } = await axe.run({ iframes: false });
    const of = (impact) => violations.filter((each) => each.impact === impact)
      .map((each) => [each.id, ...each.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`)]);
    seen.push({ axe: { serious: of("serious"), critical: of("critical") } });
  }
  document.getElementById("seen").textContent = JSON.stringify(seen);
};
</script>"""


@dataclass(frozen=True)
class Frame:
    """A page, and how many pixels wide it is shown."""

    page: str
    width: int


def with_axe(page: str, *, dark: bool = False) -> str:
    """A page that holds axe-core, which its own policy would refuse; ``dark``: as whoever prefers that sees it."""
    folder = wheel_files(*_WHEEL, [_AXE], cache_dir() / "axe-core")
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    if dark:
        page = page.replace("@media screen and (prefers-color-scheme: dark)", "@media screen")
    head, end = page[: page.rindex("</body>")], page[page.rindex("</body>") :]
    return f"{head}<script>{(folder / 'axe.min.js').read_text(encoding='utf-8')}</script>{end}"


def look(folder: Path, frames: Sequence[Frame]) -> list[dict[str, Any]]:
    """What a browser sees in each frame: what is drawn and what sticks out, or what axe-core finds if it is there."""
    shown = ""
    for n, frame in enumerate(frames):
        (folder / f"page-{n}.html").write_text(frame.page, encoding="utf-8")
        shown += f'<iframe src="page-{n}.html" style="width:{frame.width}px;height:900px;border:0"></iframe>'
    (folder / "frames.html").write_text(f'{shown}<pre id="seen"></pre>{_LOOK}', encoding="utf-8")
    run = subprocess.run(
        [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--virtual-time-budget=60000",
         "--dump-dom", (folder / "frames.html").as_uri()],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in run.stderr, [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    found = re.search(r'<pre id="seen">(.*?)</pre>', run.stdout, re.DOTALL)
    assert found is not None
    seen: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    return seen
