"""The known differences between the emulator and the server, by operation; `test_fidelity.py` tests some."""

from __future__ import annotations

_DATES = "dates do not follow `clock.skew`"
_AT_ONCE = "takes effect immediately; on a real server, after a delay"

DIFFERENCES: dict[str, str] = {
    "GetAccount": _DATES,
    "UpdateAccount": _DATES,
    "ListUsers": _DATES,
    "GetUser": _DATES,
    "CreateUser": f"{_DATES}; {_AT_ONCE}",
    "UpdateUser": f"{_DATES}; {_AT_ONCE}",
    "DeleteUser": _AT_ONCE,
    "CreateRole": _AT_ONCE,
    "UpdateRole": _AT_ONCE,
    "DeleteRole": _AT_ONCE,
    "CreatePolicy": _AT_ONCE,
    "UpdatePolicy": _AT_ONCE,
    "DeletePolicy": _AT_ONCE,
    "ReplaceAccountRoleTags": _AT_ONCE,
    "ReplaceMachineRoleTags": _AT_ONCE,
    "ReplaceResourceRoleTags": _AT_ONCE,
    "ReplaceResourcesRoleTags": _AT_ONCE,
    "ListMigrations": _DATES,
    "GetMigration": _DATES,
    "ListNetworks": "no `suffixes`, the DNS suffixes of CNS",
    "GetNetwork": "no `suffixes`, the DNS suffixes of CNS",
    "CreateVolume": "`affinity` is checked, but has no effect on placement",
    "ListImages": "some images have `default`, a field of CloudAPI 6.5",
    "GetImage": "some images have `default`, a field of CloudAPI 6.5",
    "UpdateImage": "an export writes no file, because there is no Manta",
    "ConnectMachineVNC": "the console sends only the version of its protocol",
    "StartMachineFromSnapshot": "files in the machine are not rolled back",
}
