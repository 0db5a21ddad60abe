"""The status page in a real Chromium: its content, access to it, and attacks by other pages.

``SMARTDC_SCREENSHOT=docs/status-page.png`` updates the picture in the docs.
"""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.faults import HAPROXY_503, Drop
from smartdc.emulator.http.server import authority, tls_context
from tests.helpers.chromium import PROGRAM, REBOUND, Browser, Tab, chromium
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed (Debian: apt install chromium)"
)

#: Markup that would change the title if the page did not escape it.
HOSTILE = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
#: Rows of machines, as texts.
ROWS = """[...document.querySelectorAll('#machine-table tbody tr')].map(
    row => [...row.cells].map(cell => cell.textContent))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


def opened(tab: Tab, cloud: Emulator) -> Tab:
    """Open the page and wait until it is live."""
    tab.call("Page.navigate", url=cloud.page_url)
    tab.wait("location.href.endsWith('/--emulator/') && document.querySelector('#connection')")
    tab.wait("document.getElementById('connection').textContent === 'live'")
    return tab


def states(tab: Tab) -> dict[str, str]:
    return {row[0]: row[1] for row in tab.run(ROWS)}


def test_the_page_shows_machines_calls_and_faults(browser: Browser, cloud: Emulator, sdc: DataCenter) -> None:
    tab = opened(browser.tab(), cloud)
    assert "token" not in tab.run("location.href")
    machine = sdc.create_machine(name="web0", package="sample-512M", image="base-64", tags={"role": "web"})
    tab.wait(f"JSON.stringify({ROWS}).includes('provisioning')")
    cloud.clock.advance(20)
    tab.wait(f"JSON.stringify({ROWS}).includes('running')")
    ((name, state, age, site, image, addresses, tags),) = tab.run(ROWS)
    assert (name, state, age, site) == ("web0", "running", "20 s", "us-sw-1")
    assert (image, tags) == ("base-64\nsample-512M", "role=web")
    assert addresses.split("\n") == [nic.ip for nic in cloud.site().machines[machine.id].nics]
    machine.stop()
    cloud.clock.advance(3600)
    tab.wait(f"JSON.stringify({ROWS}).includes('stopped') && JSON.stringify({ROWS}).includes('1 h')")
    assert "POST /my/machines" in tab.run("document.querySelector('#call-table tbody').textContent")
    cloud.faults.add("GetMachine", HAPROXY_503, times=2)
    cloud.throttle(rate=2)
    cloud.violations.append("an action on a deleted machine")
    tab.wait("document.querySelector('#faults').textContent.includes('GetMachine: Status 503')")
    tab.wait("document.querySelector('#switches').textContent.includes('2 requests a second')")
    tab.wait("document.querySelector('#violations').textContent === 'an action on a deleted machine'")
    cloud.violations.clear()
    cloud.throttle(None)
    cloud.faults.clear()
    machine.delete()
    cloud.clock.advance(10)
    tab.wait("!document.querySelector('#no-machines').hidden")
    assert tab.complaints == []
    hosts = {url.split("/")[2] for url, _ in tab.requests if not url.startswith("data:")}
    assert hosts == {cloud.url().split("/")[2]}
    assert not [headers for _, headers in tab.requests if headers.get("Referer")]
    tab.call("Page.close")


def test_keyboard_and_screen_reader(browser: Browser, cloud: Emulator) -> None:
    cloud.site().add_machine("web0")
    tab = opened(browser.tab(), cloud)
    tab.wait("document.querySelector('#machine-table tbody tr')")
    names = set(tab.names())
    for name in ("Machines", "Recent calls", "Control", "Faults", "Violations"):
        assert {("heading", name), ("region", name)} <= names
    assert {("table", "Machines"), ("rowheader", "web0"), ("columnheader", "State")} <= names
    assert {("searchbox", "Find"), ("combobox", "State"), ("button", "Advance")} <= names
    assert any(role == "spinbutton" and name.startswith("Advance") for role, name in names)
    reached = []
    for _ in range(10):
        tab.press("Tab")
        reached.append(tab.run("document.activeElement.id || document.activeElement.textContent.trim()"))
        if reached[-1] == "seconds":
            break
    assert reached[:3] == ["Skip to the machines", "find", "state"]
    now = cloud.clock.now()
    tab.press("Enter", "\r")
    tab.wait("document.querySelector('#message').textContent === 'advanced by 1 min'")
    assert cloud.clock.now() == now + 60
    tab.run("document.getElementById('ask-reset').focus()")
    tab.press("Enter", "\r")
    tab.wait("document.getElementById('reset').open && document.activeElement.id === 'keep'")
    tab.press("Escape")
    tab.wait("!document.getElementById('reset').open")
    assert len(cloud.site().machines) == 1
    tab.run("document.getElementById('ask-reset').click(); document.getElementById('do-reset').click()")
    tab.wait("!document.querySelector('#no-machines').hidden")
    assert len(cloud.site().machines) == 0
    assert tab.complaints == []
    tab.call("Page.close")


@pytest.mark.off_the_record("paths and user agents that are hostile")
def test_what_clients_send_does_not_become_markup(browser: Browser, cloud: Emulator) -> None:
    machine = cloud.site().add_machine(tags={HOSTILE: HOSTILE, "__proto__": "x", "constructor": "y"})
    machine.alias = HOSTILE  # which no request can set
    cloud.violations.append(HOSTILE)
    cloud.unsupported.append(HOSTILE)
    with cloud.datacenter() as sdc:
        sdc.machines()
    tab = opened(browser.tab(), cloud)
    tab.run(f"fetch('/' + {HOSTILE!r}).then(() => true)")
    tab.wait("document.querySelector('#machine-table tbody tr')")
    tab.wait("document.querySelector('#call-table tbody').textContent.includes('onerror')")
    ((name, *_, tags),) = tab.run(ROWS)
    assert name == HOSTILE
    assert f"{HOSTILE}={HOSTILE}" in tags
    assert tab.run("document.querySelector('#violations').textContent") == HOSTILE
    assert tab.run("document.querySelector('#unsupported').textContent") == HOSTILE
    assert tab.run("document.querySelectorAll('img, main script').length") == 0
    # The content security policy also prevents unescaped markup from running.
    assert (
        tab.run("try { document.body.innerHTML = '<b>x</b>'; 'set' } catch (error) { error.name }")
        == "TypeError"
    )
    assert tab.run("document.title") == "smartdc emulator"
    cloud.violations.clear()
    cloud.unsupported.clear()
    tab.call("Page.close")


@in_two_sizes(sample=1000, whole=10_000)
def test_many_machines(browser: Browser, cloud: Emulator, size: int) -> None:
    site = cloud.site()
    for number in range(size):
        site.add_machine(f"web{number:04}", networks=[])
    tab = opened(browser.tab(), cloud)
    tab.wait(f"document.querySelector('#summary').textContent === '{size} running'")
    assert tab.run("document.querySelectorAll('#machine-table tbody tr').length") == 50
    assert tab.run("document.querySelector('#place').textContent") == f"1 to 50 of {size}"
    tab.run("document.querySelector('#next').click()")
    assert tab.run(ROWS)[0][0] == "web0050"
    tab.run("$('find').value = 'web0099'; $('find').dispatchEvent(new Event('input'))")
    tab.wait("document.querySelectorAll('#machine-table tbody tr').length === 1")
    site.add_machine("web0099-new", networks=[])
    tab.wait("document.querySelectorAll('#machine-table tbody tr').length === 2")
    assert tab.complaints == []
    tab.call("Page.close")


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    """An attacker's server; it records the requests of browsers."""

    seen: list[str] = []  # noqa: RUF012 - emptied by `elsewhere`

    def do_GET(self) -> None:
        self.seen.append(f"{self.path} {self.headers}")
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title><link rel=icon href='data:,'><body>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def elsewhere() -> Iterator[str]:
    """A page on the same host at another port: the same site, another origin."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        server.socket = tls_context(("127.0.0.1",), authority()).wrap_socket(server.socket, server_side=True)
        _Elsewhere.seen.clear()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


#: Attacks by a page; each is a promise of a text. TARGET is the emulator's URL, TOKEN its token.
ATTACKS = {
    "fetch": "fetch(TARGET + 'status', {credentials: 'include'}).then(r => r.text(), e => 'blocked')",
    "no-cors": """fetch(TARGET + 'status', {credentials: 'include', mode: 'no-cors'}).then(
        r => r.text(), e => 'blocked')""",
    "post": """fetch(TARGET + 'throttle', {method: 'POST', credentials: 'include', mode: 'no-cors',
        body: '{}'}).then(r => r.text(), e => 'blocked')""",
    "json": """fetch(TARGET + 'throttle', {method: 'POST', credentials: 'include', body: '{}',
        headers: {'Content-Type': 'application/json'}}).then(r => r.text(), e => 'blocked')""",
    "token": """fetch(TARGET + 'throttle', {method: 'POST', body: '{}', headers: {
        'Content-Type': 'application/json', 'Authorization': 'Bearer ' + TOKEN}}).then(
        r => r.text(), e => 'blocked')""",
    "form": """new Promise(done => {
        const frame = document.createElement('iframe'); frame.name = 'target';
        const form = document.createElement('form');
        Object.assign(form, {method: 'POST', action: TARGET + 'throttle', target: 'target'});
        form.enctype = 'text/plain';
        document.body.append(frame, form); frame.onload = () => done('blocked'); form.submit(); })""",
    "websocket": """new Promise(done => { const s = new WebSocket(TARGET.replace('https', 'wss') + 'events');
        s.onopen = () => done('open'); s.onerror = () => done('blocked'); })""",
    "events": """new Promise(done => { const s = new EventSource(TARGET + 'events', {withCredentials: true});
        s.addEventListener('begin', e => done(e.data)); s.onerror = () => done('blocked'); })""",
    "script": """new Promise(done => { const s = document.createElement('script'); s.src = TARGET + 'status';
        document.body.append(s); s.onload = () => done('loaded'); s.onerror = () => done('blocked'); })""",
    "image": """new Promise(done => { const s = new Image(); s.src = TARGET + 'status';
        s.onload = () => done('loaded'); s.onerror = () => done('blocked'); })""",
    "frame": """new Promise(done => { const f = document.createElement('iframe'); f.src = TARGET;
        f.onload = () => { try { done(f.contentDocument.body.textContent) } catch { done('blocked') } };
        document.body.append(f); })""",
    "window": """new Promise(done => { const w = window.open(TARGET); setTimeout(() => {
        try { done(w.document.body.textContent || 'blocked') } catch { done('blocked') } }, 300); })""",
}


def attacked(attacker: Tab, cloud: Emulator, target: str, refusal: str) -> None:
    """Try all attacks; each is blocked, or answered with the refusal."""
    attacker.run(f"window.TARGET = {target!r}; window.TOKEN = {cloud.token!r}")
    for name, attack in ATTACKS.items():
        told = attacker.run(attack)
        assert told in ("blocked", "") or refusal in told, (name, told)
    assert cloud.switches.throttle is None
    assert cloud.site().machines


def still_works(page: Tab) -> None:
    page.call("Page.bringToFront")
    page.run("send('POST', 'throttle', {rate: 3, burst: 5}, 'done')")
    page.wait("document.querySelector('#switches').textContent.includes('3 requests a second')")
    page.call("Page.close")


def test_a_page_of_another_origin(browser: Browser, cloud: Emulator) -> None:
    """A page at another port of the same host: it gets the same cookies (RFC 6265, section 8.5)."""
    cloud.site().add_machine("secret-name")
    page = opened(browser.tab(), cloud)
    with elsewhere() as url:
        attacker = browser.tab()
        attacker.open(url)
        attacked(attacker, cloud, f"{cloud.url()}/--emulator/", refusal="other origins")
        seen = "".join(_Elsewhere.seen)
    assert seen
    assert cloud.token not in seen
    attacker.call("Page.close")
    still_works(page)


def test_dns_rebinding(browser: Browser, cloud: Emulator) -> None:
    """A hostname that resolves to the emulator: the browser sees one origin for the page and the emulator."""
    cloud.site().add_machine("secret-name")
    page = opened(browser.tab(), cloud)
    attacker = browser.tab()
    target = cloud.url().replace("127.0.0.1", REBOUND)
    attacker.open(f"{target}/--ping")  # in place of a page that the attacker's server has sent before
    assert attacker.run("fetch('/--ping').then(r => r.json()).then(r => r.ping)") == "pong"
    attacked(attacker, cloud, f"{target}/--emulator/", refusal="the Host header must")
    attacker.call("Page.close")
    still_works(page)


def test_without_the_token_the_page_is_empty(browser: Browser, cloud: Emulator) -> None:
    tab = browser.alone()
    tab.open(f"{cloud.url()}/--emulator/")
    assert "send the token" in tab.run("document.body.textContent")
    tab.call("Page.close")


def test_a_link_on_another_page_opens_it(browser: Browser, cloud: Emulator) -> None:
    """As in a terminal that runs in a page: browsers send no cookie with the request of such a link."""
    with elsewhere() as url:
        tab = browser.alone()
        tab.open(url.replace("127.0.0.1", REBOUND))
        tab.run(f"location.href = {cloud.page_url!r}")
        tab.wait("document.querySelector('#connection')?.textContent === 'live'")
        assert cloud.token not in tab.run("location.href + document.referrer")
        tab.call("Page.close")


def test_its_picture(browser: Browser, cloud: Emulator) -> None:
    """Nothing is wider than the window, and texts have a contrast of 4.5 to 1, as WCAG 2.1 requires."""
    site = cloud.site()
    for number, state in enumerate(("running", "running", "stopped", "failed", "provisioning")):
        site.add_machine(
            f"web{number}", state=state, image="base-64", package="g4-highcpu-1G", tags={"role": "web"}
        )
    cloud.clock.advance(4000)
    cloud.faults.add("GetMachine", HAPROXY_503, times=2)
    cloud.faults.add("CreateMachine", Drop(after_commit=True), probability=0.1)
    with cloud.datacenter() as sdc:
        sdc.machine(sdc.machines()[0])
        sdc.create_machine(name="db0", package="g4-general-4G", image="debian-12", tags={"role": "db"})
    cloud.violations.append(
        "an action on a deleted machine (docs/cloudapi/hazards.md#action-on-a-deleted-machine)"
    )
    tab = opened(browser.tab(), cloud)
    tab.wait("document.querySelectorAll('#machine-table tbody tr').length === 6")
    for width in (480, 1280):
        tab.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False
        )
        tab.wait(f"innerWidth === {width}")
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    for scheme in ("dark", "light"):
        tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        tab.wait(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        assert tab.run(CONTRAST) == []
    if "SMARTDC_SCREENSHOT" in os.environ:
        Path(os.environ["SMARTDC_SCREENSHOT"]).write_bytes(tab.picture())
    cloud.violations.clear()
    tab.call("Page.close")


#: Finds texts with too little contrast to their background.
CONTRAST = """(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(
    v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce(
    (sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => { for (; node; node = node.parentElement) {
    const color = parse(getComputedStyle(node).backgroundColor);
    if (color.length === 3 || color[3] > 0) return color; } return [255, 255, 255]; };
  return [...document.querySelectorAll('body *')].filter(node => node.checkVisibility()
    && !node.disabled && [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim()))
    .filter(node => { const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5; })
    .map(node => `${node.tagName} ${node.className} ${node.textContent.slice(0, 30)}`);
})()"""
