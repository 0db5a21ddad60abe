"""The firewall rules of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartdc._http import shapes
from smartdc.machine.endpoint import MachineEndpoint

if TYPE_CHECKING:
    from smartdc.types import FirewallRule


class Firewall(MachineEndpoint):
    """The firewall rules of this machine. Its firewall is switched on by `Lifecycle.enable_firewall`."""

    def firewall_rules(self) -> list[FirewallRule]:
        """List the firewall rules that are for this machine, whether they are in force or not.

        ``GET /:login/machines/:machine/fwrules``

        Returns:
            List of dicts, also of rules that hold for everybody, which have ``global``.
        """
        return self._list("fwrules", shape=shapes.FIREWALL_RULE)
