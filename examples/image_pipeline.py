#!/usr/bin/env python3
"""Make an image from a base image and a script, boot a machine from it, and delete old images.

    python examples/image_pipeline.py --name app --version 1.4.0 --script build.sh

The script runs as the boot script of a machine. It reports its success with ``mdata-put built yes``.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cloud import everyday, run, signed_in, temporary

from smartdc import DataCenter
from smartdc.types import Image

if TYPE_CHECKING:
    from smartdc.emulator import Emulator

BASE, PACKAGE = "base-64-lts", "g4-highcpu-1G"
SCRIPT = """#!/bin/sh
set -e
mkdir -p /opt/app
echo "port 80" > /opt/app/site.conf
mdata-put built yes
"""


def build(sdc: DataCenter, name: str, version: str, script: Path) -> Image:
    """Make an image of a machine on which the script has run; always delete the machine."""
    with temporary(
        sdc,
        f"build-{name}",
        package=PACKAGE,
        image=BASE,
        boot_script=str(script),
        tags={"purpose": "build"},
    ) as builder:
        builder.poll_applied(metadata={"built": "yes"}, timeout=1800)
        print(f"built on {builder.name}")
        builder.stop()
        builder.poll_until("stopped", timeout=600)
        image = sdc.create_image_from_machine(builder, name, version, tags={"pipeline": "yes"})
        return sdc.poll_image(image, timeout=3600)


def try_out(sdc: DataCenter, image: Image) -> None:
    """Boot a machine from the image."""
    with temporary(sdc, f"try-{image['name']}", package=PACKAGE, image=image):
        print(f"{image['name']}@{image['version']} boots")


def prune(sdc: DataCenter, name: str, keep: int) -> None:
    """Delete all images of this pipeline except the newest ones."""
    own = [image for image in sdc.images(name=name, public=False) if image.get("tags", {}).get("pipeline")]
    own.sort(key=lambda image: image.get("published_at", ""))
    for image in own[:-keep]:
        sdc.delete_image(image["id"])
        print(f"deleted {image['name']}@{image['version']}")


def prepare(cloud: Emulator) -> None:
    """Two images of earlier runs, for the emulated cloud."""
    for number, version in enumerate(("1.2.0", "1.3.0")):
        cloud.site().add_image(
            "app",
            version,
            account="test",
            tags={"pipeline": "yes"},
            published_at=f"2025-0{number + 1}-01T00:00:00.000Z",
        )


def main() -> None:
    """Build, try out, prune."""
    parser = everyday(__doc__)
    parser.add_argument("--name", default="app", help="name of the image (default: %(default)s)")
    parser.add_argument("--version", required=True, help="version of the image")
    parser.add_argument("--script", type=Path, help="the boot script (default: a short one)")
    parser.add_argument("--keep", type=int, default=2, help="how many images to keep (default: %(default)s)")
    options = parser.parse_args()
    if options.keep < 1:
        parser.error("--keep must be 1 or more")
    if not re.fullmatch(r"[A-Za-z0-9._/+-]+", options.version):
        parser.error("--version takes letters, digits, '.', '_', '/', '+' and '-'")
    with tempfile.TemporaryDirectory() as directory, signed_in(options, prepare) as sdc:
        if sdc.images(name=options.name, version=options.version, state="all", public=False):
            sys.exit(f"there is an image {options.name}@{options.version}: give another --version")
        script = options.script
        if script is None:
            script = Path(directory, "build.sh")
            script.write_text(SCRIPT)
        image = build(sdc, options.name, options.version, script)
        try_out(sdc, image)
        prune(sdc, options.name, options.keep)
        print("images:", *(each["version"] for each in sdc.images(name=options.name, public=False)))


if __name__ == "__main__":
    run(main)
