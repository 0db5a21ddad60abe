from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from smartdc import (
    ConfigurationError,
    DataCenter,
    InvalidArgumentError,
    Machine,
    MissingParameterError,
    NotFoundError,
    ServerError,
    ValidationFailedError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.types import DiskSpec, Image, Locality, NetworkObject, VolumeMount
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
PACKAGE = "sample-512M"
FLEXIBLE = "g4-bhyve-4G-flex"  # 102400 MiB, of which the image takes 10240


@pytest.fixture
def image(sdc: DataCenter) -> Image:
    return sdc.images(name="base64")[0]


@pytest.fixture
def disk_image(sdc: DataCenter, site: Site) -> Image:
    """An image for hardware virtual machines of either brand, of 10240 MiB."""
    found = next(image for image in site.images.values() if image.type == "zvol")
    found.requirements, found.image_size = {}, 10240
    return sdc.image(found.uuid)


def body_of(cloud: Emulator) -> dict[str, Any]:
    """The body of the last create; the server ignored no part of it."""
    created = [got for got in cloud.calls if got.operation == "CreateMachine"][-1]
    assert created.ignored == ()
    assert isinstance(created.body, dict)
    return created.body


def test_every_argument_for_a_container(
    cloud: Emulator, sdc: DataCenter, site: Site, image: Image, tmp_path: Path
) -> None:
    # docs, CreateMachine: all arguments for a container; the next test has the others.
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\n")
    fabric = next(network for network in sdc.networks() if network.get("fabric"))
    near = site.add_machine("near")
    role = sdc.create_role("web")
    before = len(cloud.calls)
    machine = sdc.create_machine(
        name="web-{{shortId}}",
        package=PACKAGE,
        image=image,
        networks=[NetworkObject(ipv4_uuid=fabric["id"], ipv4_ips=["192.168.128.50"])],
        affinity=["role!=db", "instance==~near"],
        metadata={"user-data": "x", "number": 1, "flag": False},
        tags={"role": "web", "number": 0, "triton.cns.services": "www"},
        boot_script=script,
        credentials=True,
        firewall_enabled=True,
        deletion_protection=True,
        delegate_dataset=True,
        allow_shared_images=True,
        encrypted=True,
        volumes=[
            VolumeMount(name="data", mountpoint="/data"),
            VolumeMount(name="www", mountpoint="/w", mode="ro"),
        ],
        role_tags=[role],
    )
    assert sent(cloud, before) == [
        call(
            "POST",
            "/my/machines",
            body={
                "name": "web-{{shortId}}",
                "package": PACKAGE,
                "image": image["id"],
                "networks": [{"ipv4_uuid": fabric["id"], "ipv4_ips": ["192.168.128.50"]}],
                "affinity": ["role!=db", "instance==~near"],
                "metadata.user-data": "x",
                "metadata.number": 1,
                "metadata.flag": False,
                "metadata.user-script": "#!/bin/sh\n",
                "tag.role": "web",
                "tag.number": 0,
                "tag.triton.cns.services": "www",
                "credentials": True,
                "firewall_enabled": True,
                "deletion_protection": True,
                "delegate_dataset": True,
                "allow_shared_images": True,
                "encrypted": True,
                "volumes": [
                    {"name": "data", "mountpoint": "/data"},
                    {"name": "www", "mountpoint": "/w", "mode": "ro"},
                ],
            },
        )
    ]
    assert cloud.calls[-1].headers["role-tag"] == "web"
    assert body_of(cloud)
    machine.poll_until("running")
    assert machine.name == f"web-{machine.id[:8]}"
    assert machine.ips == ["192.168.128.50"]
    assert machine.firewall_enabled is True
    assert machine.deletion_protection is True
    assert machine.delegate_dataset is True
    assert machine.encrypted is True
    assert {volume["name"] for volume in sdc.volumes()} == {"data", "www"}
    assert near.uuid != machine.id


def test_every_argument_for_a_hardware_virtual_machine(
    cloud: Emulator, sdc: DataCenter, site: Site, disk_image: Image
) -> None:
    near, far = site.add_machine("near"), site.add_machine("far")
    private = sdc.networks("private")[0]
    disks: list[DiskSpec] = [
        {"boot": True},
        {"size": 5120, "block_size": 4096},
        {"id": UNKNOWN, "size": "remaining"},
    ]
    machine = sdc.create_machine(
        "vm",
        FLEXIBLE,
        image=disk_image,
        networks=private,
        brand="bhyve",
        disks=disks,
        locality=Locality(strict=True, near=near.uuid, far=[far.uuid]),
        firewall_enabled=False,
    )
    assert body_of(cloud) == {
        "name": "vm",
        "package": FLEXIBLE,
        "image": disk_image["id"],
        "networks": [private["id"]],
        "brand": "bhyve",
        "disks": disks,
        "locality": {"strict": True, "near": [near.uuid], "far": [far.uuid]},
        "firewall_enabled": False,
    }
    machine.poll_until("running")
    assert machine.brand == "bhyve"
    assert [disk["size"] for disk in machine.disks] == [10240, 5120, 102400 - 10240 - 5120]
    assert machine.disks[0]["image"] == disk_image["id"]
    assert [disk.get("boot") for disk in machine.disks] == [True, None, None]
    assert machine.disks[1]["block_size"] == 4096
    assert machine.disks[2]["id"] == UNKNOWN
    assert machine.raw["free_space"] == 0


def test_password(cloud: Emulator, sdc: DataCenter, site: Site, image: Image) -> None:
    site.images[image["id"]].requirements = {"password": True}
    with pytest.raises(MissingParameterError, match="requires a password"):
        sdc.create_machine(package=PACKAGE, image=image)
    # docs/cloudapi/create.md#password-images: CloudAPI stores it under a key that VMAPI forbids.
    with pytest.raises(ValidationFailedError, match="Forbidden Metadata Key"):
        sdc.create_machine(package=PACKAGE, image=image, password="secret")
    assert body_of(cloud)["password"] == "secret"


def test_arguments_that_are_none_are_not_sent(cloud: Emulator, sdc: DataCenter, image: Image) -> None:
    sdc.create_machine(package=PACKAGE, image=image, volumes=[], affinity=[], metadata={}, tags={})
    expected = {"name": ANY, "package": PACKAGE, "image": image["id"], "volumes": [], "affinity": []}
    assert body_of(cloud) == expected


@pytest.mark.parametrize(
    "flag",
    ["firewall_enabled", "deletion_protection", "delegate_dataset", "encrypted", "allow_shared_images"],
)
def test_flags_are_booleans_in_the_body(cloud: Emulator, sdc: DataCenter, image: Image, flag: str) -> None:
    # machines.js compares with true: unlike in a query, false is false in JSON.
    made: list[Machine] = []
    for value in (True, False):
        made.append(sdc.create_machine(package=PACKAGE, image=image, **{flag: value}))  # type: ignore[arg-type]
        assert body_of(cloud)[flag] is value
    if flag != "allow_shared_images":
        # The answer to the create does not have them all (docs/cloudapi/create.md).
        shown = [sdc.machine(machine.id) for machine in made]
        assert [bool(getattr(machine, flag)) for machine in shown] == [True, False]


def test_a_false_credentials_is_left_out(cloud: Emulator, sdc: DataCenter, image: Image) -> None:
    sdc.create_machine(package=PACKAGE, image=image, credentials=False)
    # Any value switches it on (docs/cloudapi/requests.md#query-booleans-are-truthy-strings)
    assert "credentials" not in body_of(cloud)


def test_affinity(cloud: Emulator, sdc: DataCenter, image: Image) -> None:
    sdc.create_machine(package=PACKAGE, image=image, affinity="instance!=/^web/")
    assert body_of(cloud)["affinity"] == ["instance!=/^web/"]
    with pytest.raises(InvalidArgumentError, match="could not find operator in affinity rule"):
        sdc.create_machine(package=PACKAGE, image=image, affinity="nonsense")
    with pytest.raises(InvalidArgumentError, match='cannot specify both "locality"'):
        sdc.create_machine(package=PACKAGE, image=image, affinity="role!=db", locality={"near": UNKNOWN})
    rules: Any = (rule for rule in ["instance!=/^web/"])
    sdc.create_machine(package=PACKAGE, image=image, affinity=rules)
    assert body_of(cloud)["affinity"] == ["instance!=/^web/"]
    before = len(cloud.calls)
    with pytest.raises(ConfigurationError, match="is not an affinity rule"):
        sdc.create_machine(package=PACKAGE, image=image, affinity=[5])  # type: ignore[list-item]
    assert len(cloud.calls) == before


def test_locality_takes_machines(cloud: Emulator, sdc: DataCenter, site: Site, image: Image) -> None:
    near = sdc.machine(site.add_machine().uuid, lazy=True)
    far: Any = [near, {"id": UNKNOWN}]
    sdc.create_machine(package=PACKAGE, image=image, locality={"far": far})
    assert body_of(cloud)["locality"] == {"far": [near.id, UNKNOWN]}
    alone: Any = {"near": near, "strict": False}
    sdc.create_machine(package=PACKAGE, image=image, locality=alone)
    assert body_of(cloud)["locality"] == {"near": [near.id], "strict": False}
    assert alone == {"near": near, "strict": False}
    with pytest.raises(NotFoundError, match="no machine has the name or short id 'near'"):
        sdc.create_machine(package=PACKAGE, image=image, locality={"near": "near"})


def test_volumes_may_come_from_a_generator(cloud: Emulator, sdc: DataCenter, image: Image) -> None:
    sdc.create_volume("data")
    mount: VolumeMount = {"name": "data", "mountpoint": "/data"}
    mounts: Any = (each for each in [mount])
    sdc.create_machine(package=PACKAGE, image=image, volumes=mounts)
    assert body_of(cloud)["volumes"] == [mount]


def test_the_caller_s_dicts_are_not_changed(
    cloud: Emulator, sdc: DataCenter, image: Image, tmp_path: Path
) -> None:
    (tmp_path / "boot.sh").write_text("echo")
    metadata, tags = {"a": "b"}, {"role": "web"}
    sdc.create_machine(
        package=PACKAGE, image=image, boot_script=tmp_path / "boot.sh", metadata=metadata, tags=tags
    )
    assert body_of(cloud)["metadata.user-script"] == "echo"
    assert (metadata, tags) == ({"a": "b"}, {"role": "web"})


def test_the_length_of_a_name_counts_the_short_id_that_replaces_its_placeholder(
    cloud: Emulator, sdc: DataCenter, image: Image
) -> None:
    # The first part of a UUID has 8 characters, and a name at most 189
    # (docs/cloudapi/create.md#short-id-in-a-name, docs/cloudapi/create.md#names-that-are-accepted).
    longest = "a" * 180 + "-{{shortId}}"
    sdc.create_machine(longest, PACKAGE, image=image)
    assert body_of(cloud)["name"] == longest
    before = len(cloud.calls)
    with pytest.raises(ConfigurationError, match=r"is not a machine name: .*, at most 189"):
        sdc.create_machine(f"a{longest}", PACKAGE, image=image)
    assert len(cloud.calls) == before


def test_brands(sdc: DataCenter, image: Image, disk_image: Image) -> None:
    assert sdc.create_machine(package=PACKAGE, image=disk_image, brand="kvm").brand == "kvm"
    assert sdc.create_machine(package=PACKAGE, image=disk_image).brand == "bhyve"
    for brand, wrong_image in (("lx", disk_image), ("joyent", image)):
        with pytest.raises(InvalidArgumentError, match=r'Brand is restricted to one of \["bhyve","kvm"\]'):
            sdc.create_machine(package=PACKAGE, image=wrong_image, brand=brand)
    with pytest.raises(InvalidArgumentError, match='requires the image type to be "zvol"'):
        sdc.create_machine(package=PACKAGE, image=image, brand="bhyve")
    with pytest.raises(InvalidArgumentError, match='Package requires brand "bhyve"'):
        sdc.create_machine(package=FLEXIBLE, image=disk_image, brand="kvm")


@pytest.mark.parametrize(
    ("disks", "message"),
    [
        ([{}] * 9, "A maximum of 8 disks per VM are supported"),
        ([{}, {"size": "remaining"}, {"size": "remaining"}], "Only one disk.size can be set to `remaining`"),
        ([{"size": 1024}], "Size must be greater than or equal to image size for the boot disk"),
        ([{}, {"size": 102400}], "The size of the disks must not be greater than the package quota"),
        ([{"size": "remaining"}, {"size": 102400}], "must not be greater than the package quota"),
        ([{"block_size": 8192}], "Cannot set block_size and image_uuid."),
        ([{}, {"size": 10, "block_size": 1000}], r"Invalid block_size: 1000 on disk: 1. Must be 512-131072"),
    ],
    ids=str,
)
def test_disks_that_cloudapi_refuses(
    sdc: DataCenter, disk_image: Image, disks: list[DiskSpec], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        sdc.create_machine(package=FLEXIBLE, image=disk_image, disks=disks)


@pytest.mark.parametrize(
    ("disks", "message"),
    [
        ([{}, {}], "disks.1.size MissingParameter"),
        ([{}, {"size": "big"}], "disks.1.size Invalid Not Allowed"),
        ([{}, {"size": -1}], "disks.1.size Invalid Disk size must be positive"),
    ],
    ids=str,
)
@pytest.mark.off_the_record("invalid sizes are sent on purpose")
def test_disks_that_vmapi_refuses(sdc: DataCenter, disk_image: Image, disks: Any, message: str) -> None:
    with pytest.raises(ValidationFailedError, match=message):
        sdc.create_machine(package=FLEXIBLE, image=disk_image, disks=disks)


def test_disks_of_the_package(sdc: DataCenter, image: Image, disk_image: Image) -> None:
    fixed = sdc.create_machine(package=PACKAGE, image=disk_image)
    assert [disk["size"] for disk in fixed.disks] == [10240, 15360]
    flexible = sdc.create_machine(package="g4-bhyve-2G-flex", image=disk_image)
    assert [disk["size"] for disk in flexible.disks] == [10240, 51200 - 10240]
    with pytest.raises(InvalidArgumentError, match="only supported if the package has the flexible_disk"):
        sdc.create_machine(package=PACKAGE, image=disk_image, disks=[{}])
    with pytest.raises(ServerError, match="Cannot set property 'image_uuid' of undefined"):
        sdc.create_machine(package=FLEXIBLE, image=disk_image, disks=[])
    # The server ignores the disks of a container.
    assert sdc.create_machine(package=PACKAGE, image=image, disks=[{}]).brand == "joyent"


def test_delegated_datasets_can_be_switched_off(sdc: DataCenter, site: Site, image: Image) -> None:
    site.delegated_datasets = False
    with pytest.raises(InvalidArgumentError, match="Support for delegated datasets is not enabled"):
        sdc.create_machine(package=PACKAGE, image=image, delegate_dataset=True)
    assert sdc.create_machine(package=PACKAGE, image=image, delegate_dataset=False)


def test_names(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    """The name filter is a prefix match on the server and exact in `machines(name=...)`.

    See docs/cloudapi/lists.md#name-filter-matches-prefixes.
    """
    for name in ("web", "web0", "web-1", "db"):
        site.add_machine(name)
    assert [machine.name for machine in sdc.machines(name="web")] == ["web"]
    assert len(cloud.calls[-1].response) == 3
    assert cloud.calls[-1].query == {"name": "web"}
    assert sdc.machines(name="we") == []
