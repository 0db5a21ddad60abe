"""Pictures of the console and of a notebook: ``python -m tests.docs.pictures`` writes them into docs.

The console is a session that really runs, the notebook's table is the HTML that Jupyter gets. Chromium draws
both.
"""

from __future__ import annotations

import tempfile
from html import escape
from pathlib import Path

from smartdc import Table
from smartdc.emulator import Emulator
from tests.docs.blocks import ROOT
from tests.docs.prompts import console_session
from tests.helpers.chromium import Tab, chromium

TYPED = (
    "machine = sdc.create_machine('web0', package='g4-highcpu-1G', image='base-64-lts')",
    "sdc.machines()",
    "sdc.packages('highcpu')",
    "sdc.machine('wbe0')",
)
_STYLE = """<!doctype html><style>
html { overflow: hidden }
body { margin: 0; padding: 16px; font: 15px sans-serif; background: white; color: black }
pre { margin: 0; white-space: pre-wrap; font: 14px monospace }
.dark { background: #1e1e1e; color: #ddd }
.cell { display: flex; gap: 12px; margin-bottom: 12px }
.cell b { color: #307fc1; font: 14px monospace; min-width: 60px }
table { border-collapse: collapse; font-size: 13px }
th, td { padding: 4px 10px; border-bottom: 1px solid #ddd }
</style>"""


def console() -> str:
    """A page with a session at the console."""
    screen = console_session(["--emulated"], TYPED)
    return f"{_STYLE}<body class=dark><pre>$ python -m smartdc --emulated\n{escape(screen)}</pre>"


def notebook() -> str:
    """A page that looks like a notebook with a table."""
    with Emulator(random_seed=7) as cloud, cloud.datacenter() as sdc:
        for name, state in (("web0", "running"), ("web1", "running"), ("db0", "stopped")):
            cloud.site().add_machine(name, state=state, tags={"role": name[:-1]})
        table = Table(sdc.machines(), images=sdc.images())._repr_html_()
    return (
        f"{_STYLE}<div class=cell><b>In [1]:</b><pre>%load_ext smartdc\nsdc.machines()</pre></div>"
        f"<div class=cell><b>Out[1]:</b>{table}</div>"
    )


def draw(tab: Tab, page: str, picture: Path, folder: Path) -> None:
    """Write the picture of a page."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    tab.call("Emulation.setDeviceMetricsOverride", width=1000, height=10, deviceScaleFactor=1, mobile=False)
    tab.open(file.as_uri())
    height = tab.run("document.documentElement.scrollHeight")
    tab.call(
        "Emulation.setDeviceMetricsOverride", width=1000, height=height, deviceScaleFactor=1, mobile=False
    )
    picture.write_bytes(tab.picture())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory, chromium(Path(directory, "chromium")) as browser:
        for name, page in (("console", console()), ("notebook", notebook())):
            draw(browser.tab(), page, ROOT / "docs" / f"{name}.png", Path(directory))
