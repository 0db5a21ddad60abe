"""Facts of docs/cloudapi: dates and old forms (signing.md), and the order of the checks (requests.md)."""

import time
from typing import Any

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import (
    BAD_CREDENTIALS,
    MUST_AUTHENTICATE,
    OLD_SIGNATURE,
    SIGNATURE,
    UNKNOWN,
    WITHOUT_HEADERS,
    Key,
    Raw,
    date,
    signed_in,
)


@fact("signing.md#clock-skew-limit")
@pytest.mark.parametrize("offset", [-301, 304, -3600])  # a slow machine brings a future date nearer
def test_skewed_clock(raw: Raw, offset: int) -> None:
    answer = raw.get("/my", headers={"Date": date(offset)})
    message: str = answer.refused(400, "InvalidHeader", early=True)["message"]
    seconds = message.removeprefix("Authorization header invalid: clock skew of ")
    skew, _, rest = seconds.partition("s ")
    assert max(300, abs(offset) - 4) < float(skew) < abs(offset) + 4
    assert rest == "was greater than 300s"


@fact("signing.md#clock-skew-limit")
@pytest.mark.parametrize("offset", [-296, 299])  # a slow machine makes a past date older
def test_skew_just_allowed(raw: Raw, offset: int) -> None:
    signed_in(raw.get("/my", headers={"Date": date(offset)}))


@fact("signing.md#unsigned-and-stale-requests")
@pytest.mark.parametrize("target", ["/my", "/--ping"])
@pytest.mark.parametrize("authorization", [None, "Bearer dGVzdA"])
def test_unsigned_and_stale(raw: Raw, target: str, authorization: str | None) -> None:
    answer = raw.get(target, headers={"Date": date(-302)}, authorization=authorization)
    answer.refused(400, "RequestExpired", early=True)


@fact("signing.md#date-is-required-and-signed")
@pytest.mark.parametrize("form", [SIGNATURE, WITHOUT_HEADERS], ids=["listed", "implied"])
def test_date_missing(raw: Raw, form: str) -> None:
    answer = raw.get("/my", headers={"Date": None}, signed="date", authorization=form)
    message = "Authorization header invalid: date was not in the request"
    answer.refused(400, "InvalidHeader", message, early=True)


@fact("signing.md#date-is-required-and-signed")
@pytest.mark.parametrize("signed", ["(request-target)", "(request-target) host"])
def test_date_not_signed(raw: Raw, signed: str) -> None:
    message = "Authorization header invalid: date was not a signed header"
    raw.get("/my", signed=signed).refused(400, "InvalidHeader", message, early=True)


@fact("signing.md#dates-of-other-forms")
@pytest.mark.parametrize("form", ["yesterday", "ISO", "UTC"])
def test_dates_of_other_forms(raw: Raw, form: str) -> None:
    text = {
        "yesterday": "yesterday",
        "ISO": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "UTC": date().replace("GMT", "UTC"),
    }[form]
    signed_in(raw.get("/my", headers={"Date": text}))


@fact("signing.md#no-replay-check")
def test_replay(raw: Raw) -> None:
    sent = {"host": raw.host, "date": date()}
    sent["authorization"] = raw.authorization(SIGNATURE, "GET", "/my", sent, "(request-target) date")
    for _ in range(2):
        signed_in(raw.send("GET", "/my", list(sent.items())))


@fact("signing.md#old-form-of-the-signature")
@pytest.mark.parametrize("algorithm", ["rsa-sha1", "rsa-sha256", "rsa-sha512"])
@pytest.mark.parametrize("signed", ["date host", "request-line date"])
def test_old_form(raw: Raw, keys: dict[str, Key], algorithm: str, signed: str) -> None:
    now = date()
    values = {"date": now, "host": raw.host, "request-line": "GET /my HTTP/1.1"}
    old: dict[str, Any] = {"key": keys["rsa"], "key_id": "/test/keys/rsa", "algorithm": algorithm}
    old |= {"headers": {"Date": now}, "signed": signed, "authorization": OLD_SIGNATURE}
    bare = "\n".join(values[name] for name in signed.split())
    signed_in(raw.get("/my", signing_string=bare, **old))
    named = "\n".join(f"{name}: {values[name]}" for name in signed.split())
    answer = raw.get("/my", signing_string=named, **old)
    answer.refused(401, "InvalidCredentials", BAD_CREDENTIALS)


@fact("signing.md#old-form-of-the-signature")
@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("p256", "ecdsa-sha256"), ("ed25519", "ed25519-sha512"), ("rsa", "rsa-sha384")],
)
def test_old_form_is_for_rsa(raw: Raw, keys: dict[str, Key], kind: str, algorithm: str) -> None:
    now = date()
    answer = raw.get(
        "/my",
        headers={"Date": now},
        signed="date",
        signing_string=now,
        authorization=OLD_SIGNATURE,
        key=keys[kind],
        key_id=f"/test/keys/{kind}",
        algorithm=algorithm,
    )
    answer.refused(400, "InvalidHeader", early=True)


@fact("signing.md#pre-signed-parameters-come-together", "hazards.md#parts-of-a-pre-signed-url")
@pytest.mark.parametrize("name", ["keyId", "expires", "algorithm", "signature"])
def test_part_of_a_presigned_url(raw: Raw, name: str) -> None:
    answer = raw.get(f"/my?{name}=x")
    assert answer.status == 500
    assert list(answer.json) == ["message"]
    assert answer.late


@fact("requests.md#content-md5-is-checked")
def test_content_md5(raw: Raw) -> None:
    answer = raw.post("/my", {"city": "Vancouver"}, headers={"Content-MD5": "bm90IGl0"})
    answer.refused(400, "BadDigest", early=True)


@fact("requests.md#order-of-the-checks")
@pytest.mark.parametrize("route", [("/my/no/such/route/x", 404), ("/my/datasets", 405)])
@pytest.mark.parametrize(
    "body", [(b"{", 400, "InvalidContent"), (b" " * 100001, 413, "PayloadTooLargeError")]
)
def test_order_of_the_checks(raw: Raw, route: tuple[str, int], body: tuple[bytes, int, str]) -> None:
    target, status = route
    code = {404: "ResourceNotFound", 405: "MethodNotAllowedError"}[status]
    headers: dict[str, str | None] = {"Accept-Version": "~10", "Accept": "text/html", "Date": date(-400)}
    wrong: dict[str, Any] = {"body": body[0], "authorization": 'Signature keyId=""', "headers": headers}
    raw.post(target, **wrong).refused(status, code, early=True)
    raw.post("/my/machines", **wrong).refused(400, "InvalidVersion", early=True)
    del headers["Accept-Version"]
    raw.post("/my/machines", **wrong).refused(406, "NotAcceptableError", early=True)
    del headers["Accept"]
    raw.post("/my/machines", **wrong).refused(400, "InvalidHeader", early=True)
    wrong["authorization"] = "Bearer dGVzdA"
    raw.post("/my/machines", **wrong).refused(400, "RequestExpired", early=True)
    del headers["Date"]
    raw.post("/my/machines", **wrong).refused(body[1], body[2], early=True)
    wrong["body"] = b"{}"
    raw.post("/my/machines", **wrong).refused(401, "InvalidCredentials", MUST_AUTHENTICATE)


@fact("requests.md#early-errors-lack-headers")
def test_headers_of_early_errors(raw: Raw) -> None:
    early = {
        "header": raw.get("/my", authorization="nonsense"),
        "JSON": raw.post("/my", body=b"{"),
        "version": raw.get("/my", headers={"Accept-Version": "~10"}),
        "404-route": raw.get("/my/no/such/route/x"),
        "405": raw.post("/my/datasets"),
        "406": raw.get("/my", headers={"Accept": "text/html"}),
        "413": raw.post("/my", body=b" " * 100001),
        "415": raw.post("/my/keys", body=b"a=b", content_type="application/x-www-form-urlencoded"),
    }
    assert [answer.status for answer in early.values()] == [400, 400, 400, 404, 405, 406, 413, 415]
    assert [case for case, answer in early.items() if answer.late] == []


@fact("requests.md#late-errors-have-headers")
def test_headers_of_late_errors(fresh: Raw) -> None:
    """Headers of late errors; 429 and 503 are in the tests of the throttle and the read-only mode."""
    fresh.cloud.add_account("other")
    late = {
        "401": fresh.get("/my", authorization=None),
        "403": fresh.get("/other"),
        "404-object": fresh.get(f"/my/machines/{UNKNOWN}"),
        "409": fresh.get("/my/machines?state=failed"),
        "500": fresh.get("/my?keyId=x"),
    }
    assert [answer.status for answer in late.values()] == [401, 403, 404, 409, 500]
    for answer in late.values():
        assert answer.late == ["Request-Id", "Server", "Api-Version", "Content-MD5"], answer


@fact("requests.md#request-ids-are-echoed")
@pytest.mark.parametrize("name", ["Request-Id", "X-Request-Id"])
@pytest.mark.parametrize("target", ["/my", "/my/packages/nosuch"])
def test_request_id(raw: Raw, name: str, target: str) -> None:
    mine = "b7a4f4a6-7a32-4b3c-8a7e-8f6f2d3c1e11"
    assert raw.get(target, headers={name: mine}).headers["Request-Id"] == mine
    assert raw.get(target).headers["Request-Id"] not in ("", mine)
