"""Every page of the built documentation in a real Chromium: it can be read, and its links lead somewhere."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urldefrag

import pytest

from tests.docs.conftest import BUILT
from tests.docs.questions import QUESTIONS
from tests.helpers.chromium import PROGRAM, Tab, chromium

WIDTHS = (390, 1400, 1920)


class Links(HTMLParser):
    """The targets of a page's links, and the ids that links to it can name."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name in ("href", "src") and value:
                self.targets.add(value)


@pytest.fixture(scope="module")
def pages(built: Path) -> dict[Path, Links]:
    """All pages of the build."""
    return {path: Links(path) for path in built.rglob("*.html") if "_static" not in path.parts}


def test_no_link_is_dead(pages: dict[Path, Links]) -> None:
    dead: list[str] = []
    for page, links in pages.items():
        for target in links.targets:
            address, anchor = urldefrag(target)
            if "://" in address or address.startswith(("mailto:", "data:")):
                continue
            there = (page.parent / unquote(address.partition("?")[0])).resolve() if address else page
            known = pages.get(there)
            lost = anchor and known is not None and unquote(anchor) not in known.ids
            if not there.exists() or (lost and page.name != "search.html"):
                dead.append(f"{page.relative_to(BUILT)}: {target}")
    assert dead == []


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the build, and an empty page to put a frame into."""

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><link rel=icon href='data:,'><body></body>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def tab(pages: dict[Path, Links], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    if PROGRAM is None:
        pytest.skip("not looked at: the pages of the documentation (Chromium is not installed)")
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(BUILT))) as server,
        chromium(tmp_path_factory.mktemp("chromium")) as browser,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tab = browser.tab()
        tab.open(f"http://127.0.0.1:{server.server_port}/")
        yield tab
        server.shutdown()


@pytest.fixture
def address(tab: Tab) -> str:
    """Where the pages are served."""
    return str(tab.run("location.origin")) + "/"


def test_every_page_can_be_read(
    pages: dict[Path, Links], tab: Tab, record_count: Callable[[str, int], None]
) -> None:
    """At each width no cell is outside of its page, none shows markup, and the browser reports no error."""
    tab.run((Path(__file__).parent / "browser.js").read_text(encoding="utf-8"))
    names = sorted(str(page.relative_to(BUILT)) for page in pages)
    wrong: list[str] = []
    for first in range(0, len(names), 10):
        wrong += tab.run(f"visit({json.dumps(names[first : first + 10])}, {json.dumps(WIDTHS)})")
    record_count(f"pages looked at in Chromium, at {len(WIDTHS)} widths", len(pages))
    assert wrong + tab.complaints == []


@pytest.mark.soak
def test_the_search_answers_questions_of_new_users(tab: Tab, address: str) -> None:
    """The page that answers is among the first three that the search finds."""
    lost: dict[str, list[str]] = {}
    for words, page in QUESTIONS.items():
        tab.open(f"{address}search.html?q={quote(words)}")
        tab.wait("document.querySelector('#search-results p.search-summary')?.textContent.includes('found')")
        found = tab.run(FOUND)
        if f"{page}.html" not in list(dict.fromkeys(found))[:3]:
            lost[words] = found
    assert lost == {}


#: The pages that the search lists.
FOUND = """[...document.querySelectorAll('#search-results ul.search li > a')].map(
    link => link.getAttribute('href').split(/[?#]/)[0])"""


def test_words_that_people_search_for_are_in_the_index(pages: dict[Path, Links]) -> None:
    found = (BUILT / "genindex.html").read_text(encoding="utf-8")
    for word in ("pagination", "rate limit", "idempotent", "quota", "inventory", "timeout"):
        assert f"<strong>{word}</strong>" in found, word
