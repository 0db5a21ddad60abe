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


def test_clouds_for_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_good=GOOD, test_bad=BAD)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=6, errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR at teardown of test_harm *", "this would have harmed a real server:", "  POST /*start*"]
    )
