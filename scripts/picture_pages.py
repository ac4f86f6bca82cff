"""Picture every page of a lab's dashboard: on a screen in light and dark, and on a phone.

    make demo                          # or any other workspace with something to see
    python scripts/picture_pages.py    # runs/demo into docs/pages

Look at all of them afterwards. Needs a Chromium: make browser.
"""

import argparse
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from pawn_core.config import EvalConfig
from pawn_core.config.weights import TrialWeights
from pawn_lab.dashboard import dashboard_app
from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.dashboard.serving import LOOPBACK, config
from pawn_lab.hosting import Access
from pawn_lab.lab import Lab, opener, queries

PAGES = Path(__file__).parents[1] / "docs" / "pages"
SCREEN, PHONE = (1280, 800), (375, 812)
WAYS: dict[str, tuple[tuple[int, int], Literal["light", "dark"]]] = {
    "": (SCREEN, "light"),
    "-dark": (SCREEN, "dark"),
    "-phone": (PHONE, "light"),
}
TOKEN = "only-as-long-as-pictures-are-made"
SETTLED_MS = 1500
"""For curves to be read and drawn."""
MODEL_MS = 120_000
"""For the board's process to load a model."""
OPENING = "e2e4,e7e5,g1f3"


def main() -> None:
    """Picture the pages that were asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workspace", type=Path, default=Path("runs/demo"))
    parser.add_argument("--out", type=Path, default=PAGES)
    parser.add_argument("pages", nargs="*", help="names of pages; all without")
    given = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("no Chromium: make browser")
    with Lab.open(given.workspace) as lab:
        addresses = dict(addresses_in(lab))
    if unknown := set(given.pages) - set(addresses):
        parser.error(f"no page {', '.join(sorted(unknown))}; one of: {', '.join(addresses)}")
    given.out.mkdir(parents=True, exist_ok=True)
    with served(given.workspace) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in given.pages or addresses:
            picture(browser, name, addresses[name].replace("SERVER", url), given.out)


def addresses_in(lab: Lab) -> Iterator[tuple[str, str]]:
    """Yield a name and an address for each page, with trials for those that show some."""
    measured = [
        reference.trial
        for trial in queries.trials(lab)
        if isinstance(parsed := trial.config.parsed, EvalConfig)
        and (reference := TrialWeights.parse(parsed.weights))
    ]
    trials = ",".join(map(str, measured)) or "1"
    for name in ("overview", "trials", "notes", "launch"):
        yield name, f"SERVER/#/{name}"
    yield "sweeps", "SERVER/#/sweeps?sweep=1"
    yield "board", f"SERVER/#/board?moves={OPENING}&ply=3"
    yield "curves", f"SERVER/#/curves?trials={trials}"
    yield "compare", f"SERVER/#/compare?trials={trials}"
    yield "trial", f"SERVER/#/trial?id={measured[0] if measured else 1}"
    for report in sorted(lab.paths.root.glob("reports/*/report.html"))[:1]:
        yield "report", report.resolve().as_uri()


def picture(browser: Browser, name: str, address: str, folder: Path) -> None:
    """Write one page in each way."""
    for suffix, ((width, height), scheme) in WAYS.items():
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        page = context.new_page()
        page.add_init_script(f"sessionStorage.setItem('pawn-token', '{TOKEN}')")
        page.on("console", _tell)
        page.on("pageerror", lambda error: print(error))
        page.goto(address)
        settle(page)
        file = folder / f"{name}{suffix}.png"
        page.screenshot(path=file)
        print(f"{file}: {file.stat().st_size:,} bytes")
        context.close()


def _tell(said: ConsoleMessage) -> None:
    if said.type == "error":
        print(said.text)


def settle(page: Page) -> None:
    """Wait until a page shows what it will."""
    page.locator("h1").first.wait_for()
    page.wait_for_timeout(SETTLED_MS)
    waiting = page.get_by_text("being loaded")
    expect(waiting).to_have_count(0, timeout=MODEL_MS)


@contextmanager
def served(workspace: Path) -> Iterator[str]:
    """Serve a workspace's dashboard and yield its address."""
    app = dashboard_app(Exhibit(opener(workspace)), Access((LOOPBACK,), TOKEN))
    with socket.create_server((LOOPBACK, 0)) as listener:
        server = uvicorn.Server(config(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


if __name__ == "__main__":
    main()
