"""The types of key that CloudAPI accepts; one row of `KEY_TYPES` describes one type.

A row names the algorithms, the digests and the encodings. `sign` and `check` call `cryptography`, which has a
class for each family of types. No other module of the package distinguishes types of key.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from smartdc.http_signature.ssh_encoding import read_number, read_string, written_number

__all__ = [
    "ACCEPTED",
    "KEY_TYPES",
    "SSH_FORMATS",
    "KeyType",
    "PrivateKeyObject",
    "PublicKeyObject",
    "check",
    "key_type_of",
    "sign",
]

PrivateKeyObject = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKeyObject = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class SSHFormat:
    """One way in which ssh signs with a type of key.

    Args:
        digest: The hash; None: such signatures are only read, not made.
        algorithm: Its name in the http-signature scheme; None: CloudAPI does not verify it.
        agent_flag: The flag that asks an ssh-agent for it.
    """

    def __init__(
        self, digest: hashes.HashAlgorithm | None, algorithm: str | None, agent_flag: int = 0
    ) -> None:
        self.digest = digest
        self.algorithm = algorithm
        self.agent_flag = agent_flag


def _same(signature: bytes, _blob: bytes = b"") -> bytes:
    return signature


def _padded(signature: bytes, blob: bytes) -> bytes:
    # gpg-agent leaves out leading zeros (one signature in 256 has some); the server needs them.
    _, position = read_string(blob, 0)
    _, position = read_number(blob, position)
    modulus, _ = read_number(blob, position)
    return signature.rjust((modulus.bit_length() + 7) // 8, b"\0")


def _der_from_numbers(signature: bytes) -> bytes:
    r, position = read_number(signature, 0)
    s, _ = read_number(signature, position)
    return encode_dss_signature(r, s)


def _numbers_from_der(signature: bytes) -> bytes:
    return b"".join(map(written_number, decode_dss_signature(signature)))


class KeyType:
    """The properties of one type of key.

    Args:
        name: Its name in ssh, the first word of a public key's line.
        family: Its family, for messages.
        curve: Its curve, as `cryptography` names it; empty for a family without a choice of curves.
        label: Its name within the family, for messages; empty if the family has one member.
        algorithm: The name, in the http-signature scheme, of the signatures that are made with it.
        digest: The hash of those signatures.
        verified: The algorithms by which CloudAPI verifies signatures of such a key.
        ssh_formats: How ssh and its agents sign with it, by ssh's names.
        to_ssh: Converts a signature of `cryptography` to ssh's encoding.
        from_ssh: Converts it back.
        completed: Pads a signature by an agent, in ssh's encoding, to its full length; its second argument
            is the public key in that encoding.
        not_by_agent: Why CloudAPI does not verify an agent's signatures by it; empty if it does.
    """

    def __init__(
        self,
        *,
        name: str,
        family: str,
        algorithm: str,
        digest: hashes.HashAlgorithm,
        verified: frozenset[str],
        ssh_formats: dict[str, SSHFormat],
        curve: str = "",
        label: str = "",
        to_ssh: Callable[[bytes], bytes] = _same,
        from_ssh: Callable[[bytes], bytes] = _same,
        completed: Callable[[bytes, bytes], bytes] = _same,
        not_by_agent: str = "",
    ) -> None:
        self.name = name
        self.family = family
        self.algorithm = algorithm
        self.digest = digest
        self.verified = verified
        self.ssh_formats = ssh_formats
        self.curve = curve
        self.label = label
        self.to_ssh = to_ssh
        self.from_ssh = from_ssh
        self.completed = completed
        self.not_by_agent = not_by_agent


_SHA256, _SHA384, _SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()
_ECDSA = frozenset({"ecdsa-sha256", "ecdsa-sha512"})


def _ecdsa(
    label: str,
    name: str,
    curve: str,
    signed: tuple[str, hashes.HashAlgorithm],
    by_ssh: SSHFormat,
    not_by_agent: str = "",
) -> KeyType:
    return KeyType(
        name=name,
        family="ECDSA",
        algorithm=signed[0],
        digest=signed[1],
        verified=_ECDSA,
        ssh_formats={name: by_ssh},  # each curve has a hash (RFC 5656, section 6.2.1)
        curve=curve,
        label=label,
        to_ssh=_numbers_from_der,
        from_ssh=_der_from_numbers,
        not_by_agent=not_by_agent,
    )


_ROWS = (
    KeyType(
        name="ssh-rsa",
        family="RSA",
        algorithm="rsa-sha256",
        digest=_SHA256,
        verified=frozenset({"rsa-sha1", "rsa-sha256", "rsa-sha512"}),
        ssh_formats={  # the two sides agree on one (RFC 8332)
            "rsa-sha2-256": SSHFormat(_SHA256, "rsa-sha256", agent_flag=2),
            "rsa-sha2-512": SSHFormat(_SHA512, "rsa-sha512", agent_flag=4),
            "ssh-rsa": SSHFormat(None, "rsa-sha1"),
        },
        completed=_padded,
    ),
    _ecdsa(
        *("P-256", "ecdsa-sha2-nistp256", "secp256r1"),
        signed=("ecdsa-sha256", _SHA256),
        by_ssh=SSHFormat(_SHA256, "ecdsa-sha256"),
    ),
    _ecdsa(
        *("P-384", "ecdsa-sha2-nistp384", "secp384r1"),
        signed=("ecdsa-sha512", _SHA512),  # the server knows no SHA-384
        by_ssh=SSHFormat(_SHA384, None),
        not_by_agent="ssh-agent signs P-384 only with SHA-384, which CloudAPI does not verify: "
        "give the key's file as secret without allow_agent, or use another key",
    ),
    _ecdsa(
        *("P-521", "ecdsa-sha2-nistp521", "secp521r1"),
        signed=("ecdsa-sha512", _SHA512),
        by_ssh=SSHFormat(_SHA512, "ecdsa-sha512"),
    ),
    KeyType(
        name="ssh-ed25519",
        family="Ed25519",
        algorithm="ed25519-sha512",
        digest=_SHA512,
        verified=frozenset({"ed25519-sha512"}),
        ssh_formats={"ssh-ed25519": SSHFormat(_SHA512, "ed25519-sha512")},
    ),
)

KEY_TYPES = {row.name: row for row in _ROWS}
"""Each type by ssh's name."""

SSH_FORMATS = {name: (row, ssh) for row in _ROWS for name, ssh in row.ssh_formats.items()}
"""The type and the format of a signature, by ssh's name of the format."""


def _accepted() -> str:
    families: dict[str, list[str]] = {}
    for row in _ROWS:
        families.setdefault(row.family, []).extend([row.label] if row.label else [])
    names = [f"{family} ({', '.join(labels)})" if labels else family for family, labels in families.items()]
    return f"{', '.join(names[:-1])} and {names[-1]}"


ACCEPTED = f"CloudAPI takes {_accepted()} keys"
"""For messages."""


def key_type_of(key: object) -> KeyType | None:
    """Return the row of a private or public key of `cryptography`; None for a type that has no row."""
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return KEY_TYPES["ssh-rsa"]
    if isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return KEY_TYPES["ssh-ed25519"]
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return next((row for row in _ROWS if row.curve == key.curve.name), None)
    return None


def sign(key: PrivateKeyObject, data: bytes, digest: hashes.HashAlgorithm) -> bytes:
    """Sign: RSA as PKCS#1 v1.5, ECDSA as DER, Ed25519 as its bare 64 bytes, always with SHA-512."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), digest)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(digest))
    return key.sign(data)


def check(key: PublicKeyObject, signature: bytes, data: bytes, digest: hashes.HashAlgorithm) -> None:
    """Verify a signature that `sign` made.

    Raises:
        cryptography.exceptions.InvalidSignature: It is not the signature of `data` by this key.
    """
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), digest)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, ec.ECDSA(digest))
    else:
        key.verify(signature, data)
