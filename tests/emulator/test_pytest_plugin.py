"""The fixtures that an installed smartdc brings to other people's tests, in a pytest of their own."""

import pytest

pytest_plugins = ("pytester",)

GOOD = """
def test_first(smartdc_cloud):
    with smartdc_cloud.datacenter() as sdc:
        assert sdc.machines() == []
        smartdc_cloud.site().add_machine()
        assert len(sdc.machines()) == 1

def test_second(smartdc_cloud):
    assert not smartdc_cloud.site().machines

def test_shared(smartdc_emulator):
    smartdc_emulator.site().add_machine(name="kept")

def test_shared_again(smartdc_emulator):
    with smartdc_emulator.datacenter() as sdc:
        assert [machine.name for machine in sdc.machines()] == ["kept"]
"""

BAD = """
import pytest
import smartdc

def harm(cloud):
    vm = cloud.site().add_machine(state="destroyed")
    with cloud.datacenter() as sdc:
        with pytest.raises(smartdc.GoneError):
            sdc.request("POST", f"/machines/{vm.uuid}", params={"action": "start"})

def test_harm(smartdc_cloud):
    harm(smartdc_cloud)

def test_harm_on_purpose(smartdc_cloud):
    harm(smartdc_cloud)
    smartdc_cloud.violations.clear()
"""

ASKS_TOO_MUCH = """
import pytest

def boot(cloud, script):
    cloud.site().add_machine(name="web0", metadata={"user-script": script})

def test_works(smartdc_cloud):
    boot(smartdc_cloud, "mdata-put state ready")
    assert [vm.customer_metadata["state"] for vm in smartdc_cloud.site().machines.values()] == ["ready"]

def test_refused(smartdc_cloud):
    boot(smartdc_cloud, "if true; then touch x; fi")

@pytest.mark.smartdc(unsupported="ignore")
def test_ignored(smartdc_cloud):
    boot(smartdc_cloud, "svcadm enable x; mdata-put state $?")
    assert smartdc_cloud.unsupported == ["machine web0: svcadm: command not found"]
    assert [vm.customer_metadata["state"] for vm in smartdc_cloud.site().machines.values()] == ["127"]

@pytest.mark.smartdc(ssh_port=0)
class TestMarkedClass:
    @pytest.mark.smartdc(unsupported="ignore")
    def test_both(self, smartdc_cloud):
        assert smartdc_cloud.ssh_port
        boot(smartdc_cloud, "nonsense")

@pytest.mark.smartdc(unsuported="ignore")
def test_misspelled(smartdc_cloud):
    pass
"""

FAILING = """
import smartdc

def test_fails(smartdc_cloud):
    with smartdc_cloud.datacenter() as sdc:
        sdc.machines(limit=5)
        sdc.request('GET', '/machines', params={'limit': 0})

def test_fails_too(smartdc_emulator):
    for _ in range(40):
        smartdc_emulator.datacenter().ping()
    assert False
"""


def test_clouds_for_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_good=GOOD, test_bad=BAD)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=6, errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR at teardown of test_harm *", "this would have harmed a real server:", "  POST /*start*"]
    )


def test_what_machines_do_not_know_fails_a_test_unless_it_is_marked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ASKS_TOO_MUCH)
    result = pytester.runpytest_inprocess("--strict-markers")
    result.assert_outcomes(passed=4, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_refused *",
            "emulated machines do not know this:",
            "  machine web0: if: compound commands",
            "*ERROR at setup of test_misspelled *",
            "the marker smartdc takes ssh_port= and unsupported=*",
        ]
    )


def test_a_test_that_fails_says_what_it_called(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_failing=FAILING, test_bad=BAD)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=2, failed=2, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "*Calls of smartdc_cloud*",
            "us-sw-1: GET /my/machines?limit=0 -> 409 ValidationFailed",
            "us-sw-1: POST /my/machines/*?action=start -> 410",
            "*Calls of smartdc_emulator*",
            "(10 calls before)",
        ]
    )
    assert "limit=5" in result.stdout.str()
