"""The fields of what an emulator holds, with their kinds; arguments and files of contents have the same.

The names follow the rules of the server.
"""

from __future__ import annotations

import re

from smartdc.emulator.state.kinds import (
    FLAG,
    INTEGER,
    MIB,
    TABLE,
    TABLES,
    TEXT,
    TEXTS,
    VALUES,
    Kind,
    name_kind,
    number_from,
    words,
)
from smartdc.emulator.state.vm import HARDWARE_BRANDS, SHOWN_STATES, STORED_STATES

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
LOGIN_CHARACTERS = re.compile(r"[a-zA-Z][a-zA-Z0-9_.@]+")
MACHINE_NAME_CHARACTERS = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")
LONGEST_MACHINE_NAME = 189
VOLUME_NAME_CHARACTERS = re.compile(r"[a-z0-9][\w.-]+", re.ASCII | re.IGNORECASE)
IMAGE_NAME_CHARACTERS = re.compile(r"[A-Za-z0-9._/ -]+")
LONGEST_IMAGE_NAME = 1024
_DATACENTER = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,61}[A-Za-z0-9_])?")
_RESERVED_LOGINS = ("local",)


def _login_is_valid(name: str) -> bool:
    is_free = 3 <= len(name) <= 32 and name not in _RESERVED_LOGINS
    return is_free and LOGIN_CHARACTERS.fullmatch(name) is not None


def _machine_name_is_valid(name: str) -> bool:
    return len(name) <= LONGEST_MACHINE_NAME and MACHINE_NAME_CHARACTERS.fullmatch(name) is not None


def _image_name_is_valid(name: str) -> bool:
    return len(name) <= LONGEST_IMAGE_NAME and IMAGE_NAME_CHARACTERS.fullmatch(name) is not None


LOGIN = name_kind(
    "a login",
    _login_is_valid,
    "use 3 to 32 letters, digits, '_', '.' and '@', and begin with a letter",
)
MACHINE_NAME = name_kind(
    "the name of a machine",
    _machine_name_is_valid,
    "use up to 189 letters, digits, '_', '-' and '.', and begin with a letter or a digit",
)
VOLUME_NAME = name_kind(
    "the name of a volume",
    lambda name: VOLUME_NAME_CHARACTERS.fullmatch(name) is not None,
    "use at least 2 letters, digits, '_', '-' and '.', and begin with a letter or a digit",
)
IMAGE_NAME = name_kind(
    "the name of an image",
    _image_name_is_valid,
    "use letters, digits, blanks, '_', '-', '.' and '/'",
)
#: The name of a data center is used in host names and file names.
DATACENTER_NAME = name_kind(
    "the name of a data center",
    lambda name: _DATACENTER.fullmatch(name) is not None,
    "use up to 63 letters, digits, '-', '_' and '.', with neither '-' nor '.' at either end",
)
_UUID = Kind("a uuid", lambda value: isinstance(value, str) and UUID.fullmatch(value) is not None)
_BRAND = words("joyent", "joyent-minimal", "lx", *HARDWARE_BRANDS)

PACKAGE = {
    "name": TEXT,
    "memory": MIB,
    "disk": MIB,
    "version": TEXT,
    "uuid": TEXT,
    "accounts": TEXTS,
    "swap": INTEGER,
    "vcpus": INTEGER,
    "lwps": INTEGER,
    "group": TEXT,
    "description": TEXT,
    "brand": _BRAND,
    "default": FLAG,
    "active": FLAG,
    "flexible_disk": FLAG,
    "disks": TABLES,
}
IMAGE = {
    "name": IMAGE_NAME,
    "version": TEXT,
    "uuid": TEXT,
    "brand": _BRAND,
    "os": TEXT,
    "type": TEXT,
    "account": TEXT,
    "public": FLAG,
    "acl": TEXTS,
    "description": TEXT,
    "homepage": TEXT,
    "published_at": TEXT,
    "state": words("active", "unactivated", "disabled", "creating", "failed"),
    "tags": TABLE,
    "requirements": TABLE,
    "image_size": INTEGER,
}
NETWORK = {
    "name": TEXT,
    "subnet": TEXT,
    "kind": words("external", "internal", "fabric", "other"),
    "account": TEXT,
    "uuid": TEXT,
    "vlan_id": number_from(0, 4094),
    "gateway": TEXT,
    "provision_start_ip": TEXT,
    "provision_end_ip": TEXT,
    "resolvers": TEXTS,
    "description": TEXT,
    "internet_nat": FLAG,
}
VOLUME = {
    "name": VOLUME_NAME,
    "size": MIB,
    "state": words("creating", "ready", "failed", "deleting"),
    "tags": TABLE,
    "networks": TEXTS,
    "account": TEXT,
    "uuid": TEXT,
}
MACHINE = {
    "name": MACHINE_NAME,
    "state": words(*dict.fromkeys(SHOWN_STATES.values()), others=[*SHOWN_STATES, *STORED_STATES]),
    "brand": _BRAND,
    "image": TEXT,
    "package": TEXT,
    "tags": VALUES,
    "metadata": VALUES,
    "account": TEXT,
    "networks": TEXTS,
    "uuid": TEXT,
    "server_uuid": _UUID,
    "firewall_enabled": FLAG,
}
QUOTA = {
    "value": Kind(
        "a whole number from -1 on (0 is no limit, and -1 refuses everything)",
        lambda value: INTEGER.fits(value) and value >= -1,
    ),
    "by": words("machines", "ram", "quota"),
    "account": TEXT,
    "brand": _BRAND,
    "image": TEXT,
    "os": TEXT,
}
#: The fields of a quota as operators write it.
LIMIT = ("value", "by", "check", "brand", "image", "os", "account")
SERVICE = {"name": TEXT, "url": TEXT}
#: Of an account; its optional details are texts as well.
ACCOUNT = {"email": TEXT, "approved": FLAG, "disabled": FLAG, "triton_cns_enabled": FLAG}
