"""The pytest plugin of an installed smartdc: its fixtures and its marker, tested in a separate pytest run."""

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

KEPT = """
import gc
import weakref

clouds = []

def test_first(smartdc_cloud):
    clouds.append(weakref.ref(smartdc_cloud))

def test_second():
    gc.collect()
    assert clouds[0]() is None
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


def test_a_cloud_goes_with_its_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(KEPT)
    # The plugin is loaded by this run already, which pytest warns of.
    ignored = "ignore::pytest.PytestAssertRewriteWarning"
    pytester.runpytest_inprocess("-W", "error", "-W", ignored).assert_outcomes(passed=2)


def test_unsupported_commands_fail_a_test_unless_the_marker_ignores_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ASKS_TOO_MUCH)
    result = pytester.runpytest_inprocess("--strict-markers")
    result.assert_outcomes(passed=4, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_refused *",
            "emulated machines cannot do this:",
            "  machine web0: if: compound commands",
            "*ERROR at setup of test_misspelled *",
            "the marker smartdc does not take unsuported= (did you mean unsupported=[?]); it takes *",
        ]
    )


def test_a_failed_test_lists_its_calls(pytester: pytest.Pytester) -> None:
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


MARKED = """
import pytest
from smartdc import DataCenter, ServiceUnavailableError, ThrottledError
from smartdc.emulator.faults import HAPROXY_503, Drop

@pytest.mark.smartdc(contents="site.toml")
def test_contents(smartdc_cloud):
    with smartdc_cloud.datacenter() as sdc:
        assert [machine.name for machine in sdc.machines()] == ["web0"]

@pytest.mark.smartdc(faults=[("ListMachines", HAPROXY_503, {"times": 1}), ("GetAccount", HAPROXY_503)])
def test_faults(smartdc_cloud):
    with smartdc_cloud.datacenter(retry="none") as sdc:
        with pytest.raises(ServiceUnavailableError):
            sdc.machines()
        assert sdc.machines() == []
        with pytest.raises(ServiceUnavailableError):
            sdc.account()

@pytest.mark.smartdc(faults={"ListMachines": HAPROXY_503})
def test_faults_by_operation(smartdc_cloud):
    with smartdc_cloud.datacenter(retry="none") as sdc, pytest.raises(ServiceUnavailableError):
        sdc.machines()

@pytest.mark.smartdc(faults="faults.toml")
def test_faults_of_a_file(smartdc_cloud):
    with smartdc_cloud.datacenter(retry="none") as sdc, pytest.raises(ServiceUnavailableError):
        sdc.machines()

@pytest.mark.parametrize("number", [
    pytest.param(2, marks=pytest.mark.smartdc(throttle=(1, 2))),
    pytest.param(30, marks=pytest.mark.smartdc(throttle=True)),
    pytest.param(30, marks=pytest.mark.smartdc(throttle=5)),
])
def test_throttle(smartdc_cloud, number):
    with smartdc_cloud.datacenter(retry="none") as sdc:
        for _ in range(number):
            sdc.machines()
        with pytest.raises(ThrottledError):
            sdc.machines()

@pytest.mark.smartdc(rate=0)
class TestOfAClass:
    def test_cloud(self, smartdc_cloud): pass
    def test_environment(self, smartdc_environment): pass
    def test_emulator(self, smartdc_emulator): pass

@pytest.mark.smartdc(contents="site.toml", profiles=["lab"], rate=0)
def test_environment(smartdc_environment, smartdc_cloud):
    assert smartdc_environment is smartdc_cloud
    with DataCenter.from_profile("lab") as sdc:
        image = sdc.images(name="base64")[0]
        sdc.create_machine("web1", package="g4-highcpu-1G", image=image).poll_until("running")
    assert len(smartdc_cloud.site().machines) == 2
"""

WRONGLY_MARKED = """
import pytest
from smartdc.emulator.faults import Drop

@pytest.mark.smartdc(contents="none.toml")
def test_contents(smartdc_cloud): pass

@pytest.mark.smartdc(contents="wrong.toml")
def test_wrong_contents(smartdc_cloud): pass

@pytest.mark.smartdc(faults=[("CreateMachin", Drop(after_commit=True))])
def test_faults(smartdc_cloud): pass

@pytest.mark.smartdc(faults=[("CreateMachine",)])
def test_no_pair(smartdc_cloud): pass

@pytest.mark.smartdc(faults=5)
def test_no_faults(smartdc_cloud): pass

@pytest.mark.smartdc(throttle="much")
def test_throttle(smartdc_cloud): pass

@pytest.mark.smartdc(unsupported="ignored")
def test_unsupported(smartdc_cloud): pass

@pytest.mark.smartdc("site.toml")
def test_positional(smartdc_cloud): pass

@pytest.mark.smartdc(rate=-1)
def test_rate(smartdc_environment): pass

@pytest.mark.smartdc(ssh_port="many")
def test_port(smartdc_environment): pass

@pytest.mark.smartdc(throttle=(1, 2, 3))
def test_three(smartdc_cloud): pass

@pytest.mark.smartdc(contents=5)
def test_no_path(smartdc_cloud): pass

@pytest.mark.smartdc(profiles=5)
def test_profiles(smartdc_environment): pass

@pytest.mark.smartdc(rate=1)
def test_rate_without_effect(smartdc_cloud): pass

@pytest.mark.smartdc(ssh_port=0)
def test_no_effect(smartdc_emulator): pass
"""

FAILING_LATE = """
import pytest
from smartdc import DataCenter

@pytest.fixture
def machine(smartdc_environment):
    with DataCenter.from_env() as sdc:
        return sdc.request("GET", "/networks/nothing")

def test_of_a_fixture(machine): pass

def test_of_a_script(smartdc_environment):
    with DataCenter.from_env() as sdc:
        sdc.machines()
        assert False

def test_of_a_name(request):
    cloud = request.getfixturevalue("smartdc_cloud")
    with cloud.datacenter() as sdc:
        sdc.packages()
        assert False
"""


PATCHING = """
import os

import pytest

@pytest.fixture(autouse=True)
def before():
    before = dict(os.environ)
    yield
    assert {n: v for n, v in os.environ.items() if n[:6] != "PYTEST"} == {
        n: v for n, v in before.items() if n[:6] != "PYTEST"
    }

def change(monkeypatch):
    assert os.environ["TRITON_ACCOUNT"] == "test"
    monkeypatch.setenv("TRITON_ACCOUNT", "other")
    monkeypatch.delenv("TRITON_URL")
    monkeypatch.setenv("MINE", "1")

def test_one_order(smartdc_environment, monkeypatch):
    change(monkeypatch)

def test_the_other_order(monkeypatch, smartdc_environment):
    monkeypatch.setenv("TRITON_URL", "https://elsewhere.example")
    change(monkeypatch)

def test_without(smartdc_environment):
    os.environ["TRITON_URL"] = "https://elsewhere.example"
"""


def test_the_environment_is_restored_after_each_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PATCHING)
    pytester.runpytest_inprocess().assert_outcomes(passed=3)


def test_arguments_of_the_marker(pytester: pytest.Pytester) -> None:
    pytester.makefile(
        ".toml", site='[[datacenters]]\nname = "one"\n[[datacenters.machines]]\nname = "web0"\n'
    )
    pytester.makefile(".toml", faults='[[faults]]\noperation = "ListMachines"\nfault = "HAPROXY_503"\n')
    pytester.makepyfile(MARKED)
    pytester.runpytest_inprocess("--strict-markers").assert_outcomes(passed=11)


def test_invalid_arguments_of_the_marker(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", wrong="[[datacenters]]\nnme = 'x'\n")
    pytester.makepyfile(WRONGLY_MARKED)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=15)
    begin = "the marker smartdc cannot be used: "
    result.stdout.fnmatch_lines_random(
        [
            f"{begin}*none.toml: cannot be read: No such file or directory",
            f"{begin}*wrong.toml:2: datacenters*.nme is not known; did you mean name[?]",
            f"{begin}there is no operation 'CreateMachin'; did you mean CreateMachine*",
            f"{begin}faults[[]0[]] must be an operation and a fault, * not ('CreateMachine',)",
            f"{begin}faults are pairs of an operation and a fault, or a file, not 5",
            f"{begin}rate must be a number above 0: 'much'",
            f"{begin}rate must be a number from 0 to 1000000: -1",
            f"{begin}ssh_port must be a port, from 0 to 65535, not 'many'",
            f"{begin}throttle must be a rate, (rate, burst) or True, not (1, 2, 3)",
            f"{begin}contents must be the path of a TOML file, not 5",
            f"{begin}profiles are a list of names, not 5",
            "the marker smartdc takes rate= for smartdc_environment, which the test does not use",
            "the marker smartdc has no effect on smartdc_emulator, which all tests share: use smartdc_cloud",
            "the marker smartdc takes unsupported=*not 'ignored'",
            "the marker smartdc takes names with values, not 'site.toml'",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert "pytest_smartdc.py:" not in result.stdout.str()


def test_failed_fixtures_and_scripts_list_their_calls(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FAILING_LATE)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=2, errors=1)
    assert result.stdout.str().count("Calls of smartdc_cloud") == 3
    result.stdout.fnmatch_lines_random(
        [
            "us-sw-1: GET /test/networks/nothing -> 4*",
            "us-sw-1: GET /test/machines -> 200",
            "*packages -> 200",
        ]
    )


def test_the_marker_is_explained(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.smartdc(contents=, faults=, throttle=, unsupported=, *"])
