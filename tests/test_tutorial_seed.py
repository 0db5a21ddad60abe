"""Every call of py-smartdc's tutorial, as printed there but in Python 3 syntax; without its ssh part.

The comments that begin with ">>>" are the tutorial's lines.
"""

from __future__ import annotations

import re
from multiprocessing.dummy import Pool
from operator import methodcaller
from pathlib import Path

import pytest

from smartdc import DataCenter, Machine, machine
from smartdc.emulator import Emulator
from smartdc.http_signature import PublicKey


@pytest.fixture
def sdc(cloud: Emulator, home: Path) -> DataCenter:
    """The tutorial's data center: its key is in ~/.ssh/id_rsa, and its locations lead to the emulator."""
    ssh = home / ".ssh"
    ssh.mkdir()
    (ssh / "id_rsa").write_bytes(Path(cloud.key_file).read_bytes())
    names = {name: cloud.url(name) for name in ("us-sw-1", "us-east-1")}
    # >>> sdc = DataCenter(location='us-sw-1', key_id='/test/keys/test_key',
    # >>>                  secret='~/.ssh/id_rsa', verbose=True)
    return DataCenter(
        location="us-sw-1", key_id="/test/keys/test_key", secret="~/.ssh/id_rsa", verbose=True,
        # What only an emulated cloud needs:
        known_locations=names, verify=cloud.ca_file, clock=cloud.clock,
    )  # fmt: skip


def test_the_tutorial_session(
    cloud: Emulator,
    sdc: DataCenter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    # >>> sdc.keys()
    (key,) = sdc.keys()
    assert key["name"] == "test_key"
    assert PublicKey.from_text(key["key"]).md5 == key["fingerprint"]
    # >>> east = sdc.datacenter('us-east-1')
    east = sdc.datacenter("us-east-1")
    # >>> with open('./test-script.sh', 'w') as f:
    with open("./test-script.sh", "w") as f:  # noqa: PTH123 - as printed
        f.write("#!/usr/bin/sh\n\ntouch /home/admin/FTW\n")

    # >>> east.datasets()
    assert all({"id", "name", "urn"} <= dataset.keys() for dataset in east.datasets())
    # >>> east.default_package()
    default = east.default_package()
    assert default is not None
    assert default["name"] == "g3-standard-0.25-smartos"
    # >>> sdc.packages('-highcpu-.+-smartos')
    names = [package["name"] for package in sdc.packages("-highcpu-.+-smartos")]
    assert names
    assert all(re.search("-highcpu-.+-smartos", name) for name in names)
    # >>> east.datasets('base(64)?:')
    assert {dataset["name"] for dataset in east.datasets("base(64)?:")} == {"base", "base64"}
    # >>> a_base = east.datasets('base(64)?:')[0]
    a_base = east.datasets("base(64)?:")[0]

    # >>> test_machine = east.create_machine(name='test-machine', dataset=a_base,
    # >>>     boot_script='./test-script.sh', package='g3-standard-0.25-smartos', tags={'type':'test'})
    test_machine = east.create_machine(
        name="test-machine",
        dataset=a_base,
        boot_script="./test-script.sh",
        package="g3-standard-0.25-smartos",
        tags={"type": "test"},
    )
    assert isinstance(test_machine, machine.Machine)
    assert test_machine.state == "provisioning"
    assert test_machine.image == test_machine.dataset == a_base["id"]
    assert test_machine.boot_script == "#!/usr/bin/sh\n\ntouch /home/admin/FTW\n"
    created = cloud.calls[-1].body
    assert created["image"] == a_base["id"]
    assert created["tag.type"] == "test"
    assert created["metadata.user-script"] == test_machine.boot_script

    # >>> test_machine.poll_while('provisioning', interval=3)
    test_machine.poll_while("provisioning", interval=3)
    assert test_machine.state == "running"
    # >>> test_machine == east.machines(name='test-machine')[0]
    assert test_machine == east.machines(name="test-machine")[0]
    assert test_machine == Machine(east, test_machine.id)
    # >>> ssh_conn.connect(test_machine.public_ips[0], username='admin')
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", test_machine.public_ips[0])
    # >>> test_machine.stop()
    test_machine.stop()
    # >>> test_machine.poll_until('stopped')
    test_machine.poll_until("stopped")
    # >>> test_machine.delete()
    test_machine.delete()
    test_machine.poll_until("deleted")
    assert east.machines(name="test-machine") == []

    printed = capsys.readouterr()
    assert printed.out == ""
    lines = [line.split("\t") for line in printed.err.splitlines()]
    assert len(lines) == len(cloud.calls)
    assert [line[1:] for line in lines] == [
        [call.method, cloud.url(call.datacenter) + call.target] for call in cloud.calls
    ]


def test_the_advanced_example(sdc: DataCenter) -> None:
    with sdc, sdc.datacenter("us-east-1") as east:
        a_base = east.datasets("base64:")[0]
        for number in range(12):
            east.create_machine(f"test-{number}", "g3-standard-0.25-smartos", a_base, tags={"type": "test"})
        keep = east.create_machine("keep", "g3-standard-0.25-smartos", a_base)
        keep.poll_until("running")

        # >>> simultaneous = Pool(min(east.num_machines(tags={'type':'test'}), 8))
        simultaneous = Pool(min(east.num_machines(tags={"type": "test"}), 8))
        # >>> test_machines = east.machines(tags={'type':'test'})
        test_machines = east.machines(tags={"type": "test"})
        assert len(test_machines) == 12
        # >>> simultaneous.map(methodcaller('stop'), test_machines)
        simultaneous.map(methodcaller("stop"), test_machines)
        # >>> simultaneous.map(methodcaller('poll_until','stopped'), test_machines)
        simultaneous.map(methodcaller("poll_until", "stopped"), test_machines)
        # >>> simultaneous.map(methodcaller('status'), test_machines)
        assert simultaneous.map(methodcaller("status"), test_machines) == ["stopped"] * 12
        # >>> simultaneous.map(methodcaller('delete'), test_machines)
        simultaneous.map(methodcaller("delete"), test_machines)
        simultaneous.map(methodcaller("poll_until", "deleted"), test_machines)
        # >>> east.num_machines(tags={'type':'test'}) == 0
        assert east.num_machines(tags={"type": "test"}) == 0
        assert [machine.name for machine in east.machines()] == ["keep"]
        simultaneous.close()
        simultaneous.join()
