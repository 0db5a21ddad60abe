"""The message when the server refuses a signature: who signed, with which key, and what to check.

The server gives the same answer to an unknown account, an unknown key and a wrong signature.
"""

from __future__ import annotations

from collections.abc import Sequence

from smartdc._secrets import shown
from smartdc.http_signature.agent import AgentSigner, keys_passed_over, reason_against_agents
from smartdc.http_signature.keys import Signer
from smartdc.http_signature.scheme import KeyId
from smartdc.http_signature.signature_reuse import OnceSigner

__all__ = ["explained_refusal"]


def explained_refusal(key_id: KeyId, signers: Sequence[Signer]) -> str:
    """Say who signed, with which key, and what to check.

    Args:
        key_id: The key id that was sent.
        signers: The keys that were refused, in order; at least one.
    """
    keys = "; ".join(str(signer.public_key) for signer in signers)
    whose = f"the account {shown(key_id.login)!r}"
    if key_id.subuser:
        whose = f"the sub-user {shown(key_id.subuser)!r} of {whose}"
    which = "this key" if len(signers) == 1 else "one of these keys"
    named = "" if key_id.has_fingerprint else f" by the name {shown(key_id.key)!r}"
    text = (
        f"signed as {shown(str(key_id))!r} with {keys}: check that {whose} exists here, and that it has "
        f"{which}{named}"
    )
    if any(_is_agents(signer) for signer in signers) and not key_id.has_fingerprint:
        not_tried = keys_passed_over()
        if not_tried:
            passed_over = "; ".join(map(str, not_tried))
            text += f". Not tried was {passed_over}: {reason_against_agents(not_tried[0])}"
    return text


def _is_agents(signer: Signer) -> bool:
    return isinstance(signer.signer if isinstance(signer, OnceSigner) else signer, AgentSigner)
