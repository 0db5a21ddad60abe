"""Creating machines with raw requests."""

from __future__ import annotations

from typing import Any

from tests.helpers.raw_requests import Answer, Raw


class Creation:
    """Creates machines with a valid body, of which a test changes single fields."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.body = {"image": self.image("base64"), "package": self.package("g3-highcpu-1-smartos")}

    def image(self, name: str) -> str:
        """The uuid of the first image of this name."""
        return next(image.uuid for image in self.raw.site.images.values() if image.name == name)

    def package(self, name: str) -> str:
        """The uuid of the first package of this name."""
        return next(package.uuid for package in self.raw.site.packages.values() if package.name == name)

    def network(self, name: str) -> str:
        """The uuid of a network."""
        return next(network.uuid for network in self.raw.site.networks.values() if network.name == name)

    def ask(self, **changes: Any) -> Answer:
        """Make the request."""
        return self.raw.post("/my/machines", self.body | changes)

    def refused(self, message: str, code: str = "InvalidArgument", status: int = 409, **changes: Any) -> None:
        """Assert that a create is refused, and that no machine is listed."""
        listed = set(self.raw.site.machines)
        self.ask(**changes).refused(status, code, message)
        assert set(self.raw.site.machines) == listed

    def made(self, **changes: Any) -> dict[str, Any]:
        """Create a machine; return it once it runs."""
        answer = self.ask(**changes)
        assert answer.status == 201, answer
        self.raw.cloud.clock.advance(21)
        machine: dict[str, Any] = self.raw.get(f"/my/machines/{answer.json['id']}").ok()
        return machine
