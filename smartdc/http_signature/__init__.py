"""HTTP signatures as CloudAPI reads them.

`HTTPSignatureAuth` is an `auth` of `requests`, which calls it for every request:

    requests.get(url, auth=HTTPSignatureAuth("/login/keys/name", "~/.ssh/id_ed25519"))

`auth` signs requests. The scheme's text is in `scheme`, that of pre-signed URLs in `presigned`; what is
particular to a type of key is in `key_types`; keys are in `keys` and `agent`, their search in `search`; the
inverse of `scheme` is `verify`. Nothing in this subpackage knows CloudAPI's operations.
"""

from smartdc.http_signature.auth import HTTPSignatureAuth
from smartdc.http_signature.key_text import Passphrase
from smartdc.http_signature.keys import PrivateKey, PublicKey, Signer
from smartdc.http_signature.secrets import Secret

__all__ = ["HTTPSignatureAuth", "Passphrase", "PrivateKey", "PublicKey", "Secret", "Signer"]
