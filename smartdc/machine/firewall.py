"""The firewall rules of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartdc._http import shapes
from smartdc.machine.endpoint import MachineEndpoint

if TYPE_CHECKING:
    from smartdc.types import FirewallRule


class Firewall(MachineEndpoint):
    """The firewall rules of this machine. `Machine.enable_firewall` turns its firewall on."""

    def firewall_rules(self) -> list[FirewallRule]:
        """List the firewall rules that apply to this machine, enabled or not.

        ``GET /:login/machines/:machine/fwrules``

        Returns:
            List of dicts, including global rules, which have ``global``.
        """
        return self._list("fwrules", shape=shapes.FIREWALL_RULE)
