"""The one row of cloudapi-observed.md about sub-users; it was run without them (its second paragraph)."""

from .facts import row
from .raw import Raw


@row("C", "users at ~7.1 -> 200.")
def test_c_users_at_7_1(raw: Raw) -> None:
    assert raw.get("/my/users", headers={"Accept-Version": "~7.1"}).ok() == []
