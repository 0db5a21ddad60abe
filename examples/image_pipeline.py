"""Make an image from a base image and a script, boot a machine from it, and delete old images.

    python examples/image_pipeline.py --name app --version 1.4.0 --script build.sh

The script runs as the boot script of a machine. It reports its success with ``mdata-put built yes``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from cloud import everyday, signed_in

from smartdc import DataCenter, Machine
from smartdc.emulator import Emulator
from smartdc.types import Image

BASE, PACKAGE = "base-64-lts", "g4-highcpu-1G"
SCRIPT = """#!/bin/sh
set -e
mkdir -p /opt/app
echo "port 80" > /opt/app/site.conf
mdata-put built yes
"""


def build(sdc: DataCenter, name: str, version: str, script: Path) -> Image:
    """Make an image of a machine on which the script has run; always delete the machine."""
    builder = sdc.create_machine(
        f"build-{name}", package=PACKAGE, image=BASE, boot_script=str(script), tags={"purpose": "build"}
    )
    try:
        builder.poll_until("running", timeout=600)
        builder.poll_applied(metadata={"built": "yes"}, timeout=1800)
        print(f"built on {builder.name}")
        builder.stop()
        builder.poll_until("stopped", timeout=600)
        image = sdc.create_image_from_machine(builder, name, version, tags={"pipeline": "yes"})
        return sdc.poll_image(image, timeout=3600)
    finally:
        builder.delete()


def try_out(sdc: DataCenter, image: Image) -> None:
    """Boot a machine from the image."""
    machine: Machine = sdc.create_machine(f"try-{image['name']}", package=PACKAGE, image=image)
    try:
        machine.poll_until("running", timeout=600)
        print(f"{image['name']}@{image['version']} boots")
    finally:
        machine.delete()


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
    with tempfile.TemporaryDirectory() as directory, signed_in(options, prepare) as sdc:
        script = options.script
        if script is None:
            script = Path(directory, "build.sh")
            script.write_text(SCRIPT)
        image = build(sdc, options.name, options.version, script)
        try_out(sdc, image)
        prune(sdc, options.name, options.keep)
        print("images:", *(each["version"] for each in sdc.images(name=options.name, public=False)))


if __name__ == "__main__":
    main()
