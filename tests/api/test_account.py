from __future__ import annotations

import pytest

from smartdc import ConflictError, DataCenter, NotAuthorizedError, NotFoundError
from smartdc.emulator import Emulator
from tests.helpers.recorded import call, sent


def test_account_gets_the_account_and_learns_its_login(cloud: Emulator, sdc: DataCenter) -> None:
    assert sdc.login == "my"
    account = sdc.account()
    assert account["login"] == sdc.login == "test"
    assert {"id", "login", "email", "created", "updated"} <= account.keys()
    sdc.keys()
    assert sent(cloud) == [call("GET", "/my"), call("GET", "/test/keys")]


def test_account_keeps_an_explicit_login(cloud: Emulator) -> None:
    account_id = cloud.datacenter().account()["id"]
    with cloud.datacenter(login=account_id) as sdc:
        assert sdc.account()["id"] == account_id
        assert sdc.login == account_id
    assert sent(cloud)[1:] == [call("GET", f"/{account_id}")]


def test_me_is_account_with_a_deprecation_warning(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.warns(DeprecationWarning, match=r"^me\(\) is account\(\) now$") as caught:
        assert sdc.me()["login"] == "test"
    assert caught[0].filename == __file__
    assert sent(cloud) == [call("GET", "/my")]


def test_update_account_sends_each_detail_under_the_server_s_name(cloud: Emulator, sdc: DataCenter) -> None:
    updated = sdc.update_account(
        "a@example.com", "Company", "First", "Last", "Street 1", "12345", "City", "State", "Country", "555",
        triton_cns_enabled=True,
    )  # fmt: skip
    details = {
        "email": "a@example.com",
        "companyName": "Company",
        "firstName": "First",
        "lastName": "Last",
        "address": "Street 1",
        "postalCode": "12345",
        "city": "City",
        "state": "State",
        "country": "Country",
        "phone": "555",
        "triton_cns_enabled": True,
    }
    assert sent(cloud) == [call("POST", "/my", body=details)]
    assert cloud.calls[0].ignored == ()
    assert updated.items() >= details.items()
    assert sdc.account().items() >= details.items()


def test_update_account_sends_only_the_arguments_that_are_set(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.update_account(phone="555", city="")
    updated = sdc.update_account(triton_cns_enabled=False)
    # '' and False are values, so they are sent, although the server ignores ''
    # (docs/cloudapi/access.md#account-update).
    assert sent(cloud) == [
        call("POST", "/my", body={"phone": "555", "city": ""}),
        call("POST", "/my", body={"triton_cns_enabled": False}),
    ]
    assert updated["phone"] == "555"
    assert "city" not in updated


def test_update_account_with_a_value_that_the_server_refuses(sdc: DataCenter) -> None:
    with pytest.raises(ConflictError, match="triton_cns_enabled must be") as caught:
        sdc.request("POST", "", data={"triton_cns_enabled": "perhaps"})
    assert (caught.value.status, caught.value.code) == (409, "InvalidArgument")


def test_account_that_does_not_exist(cloud: Emulator) -> None:
    with (
        cloud.datacenter(login="nobody") as sdc,
        pytest.raises(NotFoundError, match="nobody does not exist") as caught,
    ):
        sdc.account()
    assert (caught.value.status, caught.value.path) == (404, "/nobody")


def test_account_of_another_login(cloud: Emulator) -> None:
    cloud.add_account("other")
    with cloud.datacenter(login="other") as sdc, pytest.raises(NotAuthorizedError) as caught:
        sdc.account()
    assert (caught.value.status, caught.value.code) == (403, "NotAuthorized")
