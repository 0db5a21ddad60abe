"""Requests to the emulator exactly as a test wants them, signed without the help of smartdc.

The signer here is written from the draft (cavage-http-signatures) and the server's parser, not from
`smartdc.http_signature`: two sides that share one misreading would prove nothing.
"""

import base64
import hashlib
import http.client
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from email.utils import formatdate
from functools import partial
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from smartdc.emulator import Emulator
from tests.helpers.lasting import Connections

NOTHING: Any = object()
SIGNATURE = 'Signature keyId="{key_id}",algorithm="{algorithm}",headers="{headers}",signature="{signature}"'
WITHOUT_HEADERS = 'Signature keyId="{key_id}",algorithm="{algorithm}",signature="{signature}"'
OLD_SIGNATURE = 'Signature keyId="{key_id}",algorithm="{algorithm}",headers="{headers}" {signature}'

MUST_AUTHENTICATE = "You must make authenticated requests to use CloudAPI"
BAD_CREDENTIALS = "Invalid authorization credentials supplied"
UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# What fullResponse (restify) adds; errors raised before it ran lack them:
# docs/cloudapi/requests.md#late-errors-have-headers.
LATE_HEADERS = ("Request-Id", "Server", "Api-Version", "Content-MD5")

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - the server accepts it
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Key:
    """A private SSH key: its public line, its fingerprints, its signatures."""

    def __init__(self, private: PrivateKey) -> None:
        self.private = private
        encoding, form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        self.openssh = private.public_key().public_bytes(encoding, form).decode()
        self.blob = base64.b64decode(self.openssh.split()[1])

    @classmethod
    def load(cls, path: Path) -> "Key":
        material = path.read_bytes()
        if b"OPENSSH" in material:
            private: Any = serialization.load_ssh_private_key(material, None)
        else:
            private = serialization.load_pem_private_key(material, None)
        return cls(private)

    @classmethod
    def new(cls, kind: str) -> "Key":
        curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
        if kind == "rsa":
            return cls(rsa.generate_private_key(65537, 2048))
        if kind == "ed25519":
            return cls(ed25519.Ed25519PrivateKey.generate())
        return cls(ec.generate_private_key(curves[kind]))

    @property
    def md5(self) -> str:
        return hashlib.md5(self.blob, usedforsecurity=False).hexdigest()

    @property
    def fingerprint(self) -> str:
        return ":".join(re.findall("..", self.md5))

    @property
    def sha256(self) -> str:
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def algorithm(self) -> str:
        if isinstance(self.private, rsa.RSAPrivateKey):
            return "rsa-sha256"
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return "ed25519-sha512"
        return "ecdsa-sha256" if self.private.curve.name == "secp256r1" else "ecdsa-sha512"

    def sign(self, text: str, algorithm: str) -> str:
        """Sign with the hash that the label names, or SHA-256 where it names none that exists."""
        hashed = HASHES.get(algorithm.lower().rpartition("-")[2], hashes.SHA256())
        data = text.encode()
        if isinstance(self.private, rsa.RSAPrivateKey):
            signature = self.private.sign(data, padding.PKCS1v15(), hashed)
        elif isinstance(self.private, ed25519.Ed25519PrivateKey):
            signature = self.private.sign(data)
        else:
            signature = self.private.sign(data, ec.ECDSA(hashed))
        return base64.b64encode(signature).decode()


class Answer:
    """One answer, raw and decoded."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:400]!r}>"

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str | None:
        return self.headers["Content-Type"]

    @property
    def late(self) -> list[str]:
        """The headers of a complete answer that are present."""
        return [name for name in LATE_HEADERS if name in self.headers]

    def ok(self, status: int = 200) -> Any:
        """Assert success and give the decoded body."""
        assert self.status == status, self
        assert self.type == "application/json"
        assert self.late == list(LATE_HEADERS)
        assert self.headers["Api-Version"] == "9.0.0"
        return self.json

    def empty(self, status: int) -> None:
        """Assert success with neither body nor type."""
        assert (self.status, self.body, self.type) == (status, b"", None), self
        assert "Request-Id" in self.headers

    def refused(
        self,
        status: int,
        code: str,
        message: str | None = None,
        *,
        field: str | None = None,
        detail: str | None = None,
        early: bool = False,
    ) -> Any:
        """Assert an error's status, code, text and headers, and what its `errors` say about one field."""
        assert self.status == status, self
        assert self.json["code"] == code, self
        if message is not None:
            assert self.json["message"] == message
        if field is not None:
            details = [entry for entry in self.json["errors"] if entry["field"] == field]
            assert details, self
            assert detail is None or any(detail in entry["message"] for entry in details), self
        assert self.type == "application/json"
        assert self.late == ([] if early else list(LATE_HEADERS)), self
        return self.json


class Raw:
    """Makes requests to one data center of an emulator, by default with the account's first key."""

    def __init__(self, cloud: Emulator, datacenter: str = "us-sw-1") -> None:
        self.cloud = cloud
        self.site = cloud.site(datacenter)
        self.key_id = cloud.key_id
        self.key = Key.load(Path(cloud.key_file))
        self.host = urlsplit(cloud.url(datacenter)).netloc
        self.context = ssl.create_default_context(cafile=str(cloud.ca_file))
        self._connections = Connections(partial(HTTPSConnection, self.host, context=self.context, timeout=20))

    def authorization(
        self,
        form: str,
        method: str,
        target: str,
        headers: Mapping[str, str],
        signed: str,
        key: Key | None = None,
        key_id: str | None = None,
        algorithm: str | None = None,
        signing_string: str | None = None,
    ) -> str:
        """Fill in one of the forms of the Authorization header; `signed` are the header names."""
        key = key or self.key
        algorithm = algorithm or key.algorithm
        lines = []
        for name in signed.lower().split():
            value = f"{method.lower()} {target}" if name == "(request-target)" else headers.get(name, "")
            lines.append(f"{name}: {value}")
        text = "\n".join(lines) if signing_string is None else signing_string
        return form.format(
            key_id=key_id or self.key_id,
            algorithm=algorithm,
            headers=signed,
            signature=key.sign(text, algorithm),
        )

    def ask(
        self,
        method: str,
        target: str,
        *,
        json: Any = NOTHING,
        body: bytes | None = None,
        content_type: str | None = "application/json",
        headers: Mapping[str, str | None] | None = None,
        authorization: str | None = SIGNATURE,
        signed: str = "(request-target) date",
        signed_target: str | None = None,
        **signing: Any,
    ) -> Answer:
        """Send one request.

        `headers` with the value None are left out; `authorization` is a form to fill in, or None.
        """
        sent = {"host": self.host, "date": formatdate(time.time(), usegmt=True)}
        if json is not NOTHING:
            body = dumps(json)
        if body is not None or method in ("POST", "PUT"):
            sent["content-length"] = str(len(body or b""))
        if body is not None and content_type is not None:
            sent["content-type"] = content_type
        for name, value in (headers or {}).items():
            sent.pop(name.lower(), None)
            if value is not None:
                sent[name.lower()] = value
        if authorization is not None:
            sent["authorization"] = self.authorization(
                authorization, method, signed_target or target, sent, signed, **signing
            )
        return self.send(method, target, list(sent.items()), body)

    def send(
        self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes | None = None
    ) -> Answer:
        """Send exactly these headers."""
        with self._connections.one(self.cloud) as connection:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body)
            with closing(connection.getresponse()) as response:
                return Answer(response)

    def get(self, target: str, **how: Any) -> Answer:
        return self.ask("GET", target, **how)

    def post(self, target: str, json: Any = NOTHING, **how: Any) -> Answer:
        return self.ask("POST", target, json=json, **how)

    def put(self, target: str, json: Any = NOTHING, **how: Any) -> Answer:
        return self.ask("PUT", target, json=json, **how)

    def delete(self, target: str, **how: Any) -> Answer:
        return self.ask("DELETE", target, **how)

    def head(self, target: str, **how: Any) -> Answer:
        return self.ask("HEAD", target, **how)

    def add_key(self, name: str, key: Key) -> None:
        assert self.post("/my/keys", {"name": name, "key": key.openssh}).status == 201

    def names(self, query: str = "") -> list[str]:
        """The names of the machines that a list shows, sorted."""
        return sorted(machine["name"] for machine in self.get(f"/my/machines{query}").ok())


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


def date(offset: float = 0.0) -> str:
    """Give an HTTP date, rounded away from now, so that the time it takes to ask does not matter."""
    moment = time.time() + offset
    return formatdate(int(moment) + (1 if offset > 0 else 0), usegmt=True)


def signed_in(answer: Answer) -> None:
    """Assert that a GET of the account was answered."""
    assert answer.ok()["login"] == "test"


def outcome(ask: Callable[[], Any]) -> int | str:
    """The status of the answer, or the class of the error."""
    try:
        status: int = ask().status
    except (http.client.HTTPException, OSError) as error:
        return type(error).__name__
    return status
