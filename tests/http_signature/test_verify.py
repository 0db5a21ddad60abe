"""Headers and signatures as in docs/cloudapi/signing.md, except the rules that need an account."""

import base64
from collections.abc import Mapping

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.scheme import http_date
from smartdc.http_signature.verify import (
    InvalidSignatureHeader,
    ParsedSignature,
    load_public_key,
    parse,
    verify,
)
from tests.helpers.keys import ALL_KINDS, KeyRing
from tests.http_signature.reading import DATE, GOOD, NOW, TARGET, changed, problem, read, sign

ACCEPTED = [
    *(("rsa2048", f"rsa-{digest}") for digest in ("sha256", "sha512", "sha1")),
    *((kind, f"ecdsa-{digest}") for kind in ("p256", "p384", "p521") for digest in ("sha256", "sha512")),
    ("ed25519", "ed25519-sha512"),
]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("date", f"date: {DATE}"),
        ("(request-target) date", f"(request-target): get {TARGET}\ndate: {DATE}"),
        ("(Request-Target) Date host", f"(request-target): get {TARGET}\ndate: {DATE}\nhost: h"),
        ("request-line date", f"GET {TARGET} HTTP/1.1\ndate: {DATE}"),
    ],
)
@pytest.mark.parametrize(("kind", "algorithm"), ACCEPTED)
def test_accepted_algorithms(
    kind: str, algorithm: str, names: str, text: str, private: Mapping[str, PrivateKey]
) -> None:
    signature = sign(private[kind], algorithm.partition("-")[2], text)
    parsed = read(
        f'Signature keyId="/bob/keys/k",algorithm="{algorithm}",headers="{names}",signature="{signature}"',
        host="h",
    )
    assert parsed.signing_string == text
    assert parsed.signed_headers == tuple(names.lower().split())
    assert (parsed.key_id, parsed.algorithm, parsed.old_form) == ("/bob/keys/k", algorithm, False)
    assert verify(parsed, load_public_key(private[kind].public_key.openssh))


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("algorithm", ["rsa-sha256", "ecdsa-sha256", "ed25519-sha512", "dsa-sha1"])
def test_the_algorithm_must_be_of_the_keys_family(
    kind: str, algorithm: str, private: Mapping[str, PrivateKey]
) -> None:
    text = f"date: {DATE}"
    signature = sign(private[kind], algorithm.partition("-")[2], text)
    parsed = read(f'Signature keyId="/b/keys/k",algorithm="{algorithm}",signature="{signature}"')
    own_family = private[kind].sign(b"")[0].partition("-")[0]
    public = load_public_key(private[kind].public_key.openssh)
    assert verify(parsed, public) == algorithm.startswith(own_family)


@pytest.mark.parametrize(
    "algorithm",
    ["rsa-sha384", "ecdsa-sha384", "ed25519", "ed25519-sha256x", "hs2019", "rsa-md5", "rsa-sha256-x", "RSA"],
)
def test_unknown_algorithms(algorithm: str) -> None:
    assert problem(changed("rsa-sha256", algorithm)) == f"{algorithm} is not supported"


@pytest.mark.parametrize("algorithm", ["ed25519-sha256", "Ed25519-SHA1", "ecdsa-sha1", "hmac-sha256"])
def test_algorithms_that_only_the_library_knows(algorithm: str) -> None:
    message = problem(changed("rsa-sha256", algorithm))
    assert message == f"{algorithm.lower()} is not a supported algorithm"


@pytest.mark.parametrize("algorithm", ["dsa-sha1", "dsa-sha256"])
def test_algorithms_of_keys_that_no_account_has(algorithm: str, private: Mapping[str, PrivateKey]) -> None:
    parsed = read(changed("rsa-sha256", algorithm))
    assert (parsed.algorithm, parsed.old_form) == (algorithm, False)
    for key in private.values():
        assert not verify(parsed, load_public_key(key.public_key.openssh))


@pytest.mark.parametrize("algorithm", ["RSA-SHA256", "Rsa-Sha256"])
def test_algorithm_in_any_case(algorithm: str) -> None:
    assert read(changed("rsa-sha256", algorithm)).algorithm == "rsa-sha256"


def test_no_headers_parameter_means_date() -> None:
    assert read(changed('headers="date",', "")).signed_headers == ("date",)
    assert read(changed('headers="date"', 'headers=""')).signed_headers == ("date",)


@pytest.mark.parametrize(
    "authorization",
    [
        changed("Signature ", 'Signature extra="x",'),
        changed("Signature ", "Signature created=1,"),
        changed("Signature ", "Signature created=1402170695,expires=99999999999,"),
        'Signature signature="AAAA",headers="date",algorithm="rsa-sha256",keyId="/bob/keys/k"',
        # An unfinished parameter at the end is dropped.
        *(GOOD + tail for tail in (",", ",created", ",created=", ",created=17", ',created="x')),
    ],
)
def test_parameters_that_are_ignored(authorization: str) -> None:
    assert read(authorization).key_id == "/bob/keys/k"


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (changed("Signature", "signature"), 'scheme was not "Signature"'),
        (changed("Signature", "SIGNATURE"), 'scheme was not "Signature"'),
        (changed("Signature", "Basic"), 'scheme was not "Signature"'),
        ("Signature", "keyId was not specified"),
        (changed("Signature ", "Signature  "), "bad param format"),
        (changed(",algorithm", ", algorithm"), "bad param format"),
        (changed('k",', 'k";'), "bad param format"),
        (changed("keyId=", "key-id="), "bad param format"),
        (changed('keyId="/bob/keys/k"', "keyId=/bob/keys/k"), "bad param format"),
        (changed('keyId="/bob/keys/k"', "keyId=1a"), "bad param format"),
        (changed('keyId="/bob/keys/k"', '="/bob/keys/k"'), "bad param format"),
        (changed('keyId="/bob/keys/k"', '"/bob/keys/k"'), "bad param format"),
        (GOOD + " ", "bad param format"),
        (changed("keyId=", "KeyId="), "keyId was not specified"),
        (changed('keyId="/bob/keys/k"', 'keyId=""'), "keyId was not specified"),
        (changed('keyId="/bob/keys/k"', "keyId=0"), "keyId was not specified"),
        (changed('algorithm="rsa-sha256",', ""), "algorithm was not specified"),
        (changed('"AAAA"', '""'), "signature was not specified"),
        (changed('"AAAA"', '"AAAA'), "signature was not specified"),
        (changed('"date"', '"(request-target)"'), "date was not a signed header"),
        (changed('"date"', '"date x-other"'), "x-other was not in the request"),
        (changed('"date"', '"date  date"'), " was not in the request"),
        (changed('"date"', '"date (opaque)"'), "opaque param was not in the undefined header"),
        (changed('headers="date"', "headers=7"), "parsed.params.headers.split is not a function"),
        (None, "no authorization or signature header present in the request"),
        ("", "no authorization or signature header present in the request"),
    ],
)
def test_headers_that_are_refused(authorization: str | None, message: str) -> None:
    assert problem(authorization) == message


def test_errors_come_in_the_servers_order() -> None:
    # Each step corrects one error, so that the next one is reported.
    steps = [
        ('signature a="b', 'scheme was not "Signature"'),
        ('Signature a="b"', "keyId was not specified"),
        ('Signature keyId="k"', "algorithm was not specified"),
        ('Signature keyId="k",algorithm="x"', "signature was not specified"),
        ('Signature keyId="k",algorithm="x",signature="A",headers="h"', "x is not supported"),
        ('Signature keyId="k",algorithm="hmac-sha1",signature="A",headers="h"', "h was not in the request"),
    ]
    late = http_date(NOW - 1000)
    for authorization, message in steps:
        assert problem(authorization, date=late) == message
    start = 'Signature keyId="k",algorithm="hmac-sha1",signature="A",headers="host",created=1795429000,'
    assert problem(start, date=late, host="h").startswith("clock skew")
    assert problem(start, host="h").startswith("Created lies in the future")
    assert problem(start.replace("created=1795429000,", ""), host="h") == "date was not a signed header"
    assert problem(start.replace('"host",created=1795429000', '"date"')).startswith("hmac-sha1 is not")


def test_date_missing() -> None:
    with pytest.raises(InvalidSignatureHeader, match=r"^date was not in the request$"):
        parse("GET", TARGET, {"authorization": GOOD}, NOW)


def test_x_date_takes_the_place_of_date() -> None:
    assert problem(x_date=DATE) == "x-date was not a signed header"
    assert read(changed('"date"', '"x-date"'), x_date=DATE).signing_string == f"x-date: {DATE}"
    assert read(changed('headers="date",', ""), x_date=DATE).signed_headers == ("x-date",)


def test_pseudo_headers() -> None:
    names = "date (keyid) (algorithm) (opaque) (created) (expires)"
    authorization = changed('"date"', f'"{names}"').replace("Signature ", 'Signature opaque="o",created=007,')
    assert read(authorization).signing_string == (
        f"date: {DATE}\n(keyid): /bob/keys/k\n(algorithm): rsa-sha256\n"
        "(opaque): o\n(created): 7\n(expires): undefined"
    )


def test_enormous_numbers_are_harmless() -> None:
    assert "Created lies in the future" in problem(changed("Signature ", f"Signature created={'9' * 9999},"))


def test_the_same_signature_twice(private: Mapping[str, PrivateKey]) -> None:
    signature = sign(private["ed25519"], "sha512", f"date: {DATE}")
    public = load_public_key(private["ed25519"].public_key.openssh)
    for _ in range(2):
        parsed = read(f'Signature keyId="k",algorithm="ed25519-sha512",signature="{signature}"')
        assert verify(parsed, public)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_bad_signatures(kind: str, private: Mapping[str, PrivateKey]) -> None:
    algorithm, signature = private[kind].sign(f"date: {DATE}".encode())
    public = load_public_key(private[kind].public_key.openssh)
    for bad in (signature[:-1] + bytes([signature[-1] ^ 1]), signature[:-1], b"\0", b""):
        assert not verify(ParsedSignature("k", algorithm, ("date",), f"date: {DATE}", bad), public)
    assert not verify(ParsedSignature("k", algorithm, ("date",), "date: other", signature), public)
    other = PrivateKey(
        {
            "rsa": lambda: private["rsa3072" if kind != "rsa3072" else "rsa2048"]._key,
            "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
            "ed25519": ed25519.Ed25519PrivateKey.generate,
        }[algorithm.partition("-")[0]]()
    )
    parsed = ParsedSignature("k", algorithm, ("date",), f"date: {DATE}", signature)
    assert not verify(parsed, load_public_key(other.public_key.openssh))


def test_base64_as_node_reads_it(private: Mapping[str, PrivateKey]) -> None:
    plain = sign(private["rsa2048"], "sha256", f"date: {DATE}")
    for spelled in (
        plain.rstrip("="),
        plain.replace("+", "-").replace("/", "_"),
        plain[:10] + " \t*" + plain[10:],
        plain + "=ignored",
    ):
        assert read(changed("AAAA", spelled)).signature == base64.b64decode(plain)
    assert read(changed("AAAA", "A")).signature == b""


def test_header_bytes_are_read_as_the_server_does(private: Mapping[str, PrivateKey]) -> None:
    # Node gives header bytes as Latin-1 text; OpenSSL gets that as UTF-8, the Ed25519 code as bytes.
    text = f"date: {DATE}\nx-name: Zo\xeb"
    for kind, data in (("rsa2048", text.encode()), ("ed25519", text.encode("latin-1"))):
        algorithm, signature = private[kind].sign(data)
        parsed = read(
            f'Signature keyId="k",algorithm="{algorithm}",headers="date x-name",'
            f'signature="{base64.b64encode(signature).decode()}"',
            x_name="Zo\xeb",
        )
        assert verify(parsed, load_public_key(private[kind].public_key.openssh))


def test_text_beyond_latin_1_has_no_signature_by_ed25519(private: Mapping[str, PrivateKey]) -> None:
    """Header bytes are Latin-1; other text is no error of the verifier."""
    text = "x-name: Pawe\u0142"
    for kind in ("rsa2048", "ed25519"):
        algorithm, signature = private[kind].sign(text.encode())
        parsed = ParsedSignature("k", algorithm, ("x-name",), text, signature)
        assert verify(parsed, load_public_key(private[kind].public_key.openssh)) is (kind == "rsa2048")


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_public_keys(kind: str, ssh_keys: KeyRing) -> None:
    text = ssh_keys.public_path(kind).read_text()
    load_public_key(text)
    load_public_key(text.rsplit(" ", 4)[0])  # without its comment


def test_invalid_public_keys(ssh_keys: KeyRing) -> None:
    ed, p256 = ssh_keys.public("ed25519").openssh, ssh_keys.public("p256").openssh
    for text in (
        "",
        "garbage",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        ssh_keys.path("ed25519").read_text(),
        ssh_keys.public("dsa").openssh,
        ed.replace("ssh-ed25519", "ssh-rsa", 1),
        ed.replace(" AAAA", " BAAA"),
        # valid format, invalid content: a short key, a point that is not on the curve
        f"ssh-ed25519 {base64.b64encode(ssh_keys.public('ed25519').blob[:-1]).decode()}",
        f"ecdsa-sha2-nistp256 {base64.b64encode(_last_bit_flipped(ssh_keys.public('p256').blob)).decode()}",
        p256.replace("nistp256", "nistp384", 1),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - some messages are cryptography's
            load_public_key(text)


def test_the_signature_is_not_shown() -> None:
    assert "AAAA" not in repr(read())
    assert "signature" not in repr(read())


def _last_bit_flipped(blob: bytes) -> bytes:
    return blob[:-1] + bytes([blob[-1] ^ 1])


def test_a_key_that_this_openssl_does_not_know(ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: bytes) -> None:
        raise UnsupportedAlgorithm("no such curve")

    monkeypatch.setattr(serialization, "load_ssh_public_key", refuse)
    with pytest.raises(ValueError, match=r"^not a key that can be used: no such curve$"):
        load_public_key(ssh_keys.public("p256").openssh)
