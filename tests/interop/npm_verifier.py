"""The verifier that CloudAPI uses, http-signature 1.4.0 from npm, as one Node process for the session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest

from tests.interop.npm import NodeProcess, install

__all__ = ["VERIFIED", "NpmVerifier", "npm_verifier"]

PACKAGE = "http-signature"
VERSION = "1.4.0"
NOT_VERIFIED = f"not verified: that {PACKAGE} {VERSION} from npm, CloudAPI's verifier, accepts our signatures"

VERIFIED = pytest.StashKey[list[str]]()
"""Lines for the end of the run: how much was verified."""


class NpmVerifier:
    """Sends requests to the Node process.

    Attributes:
        accepted: How many signatures it has accepted.
        refused: How many it has refused.
    """

    def __init__(self, process: NodeProcess) -> None:
        self._process = process
        self.accepted = 0
        self.refused = 0

    def judge(
        self, method: str, url: str, headers: Mapping[str, str], public_key: str
    ) -> tuple[bool, str | None]:
        """Whether the request is signed by this key, and what was wrong with its header otherwise."""
        question = {"method": method, "url": url, "headers": dict(headers), "publicKey": public_key}
        answer = self._process.ask(question)
        self.accepted += answer["ok"]
        self.refused += not answer["ok"]
        return answer["ok"], answer["error"]


@pytest.fixture(scope="session")
def npm_verifier(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NpmVerifier]:
    """The verifier; skips the test if Node or the package is not available."""
    modules = install(PACKAGE, VERSION, NOT_VERIFIED, tmp_path_factory)
    with closing(NodeProcess(modules, "verify_signature.js")) as process:
        verifier = NpmVerifier(process)
        yield verifier
    pytestconfig.stash.setdefault(VERIFIED, []).append(
        f"{PACKAGE} {VERSION} from npm accepted {verifier.accepted} of our signatures "
        f"and refused {verifier.refused} that were tampered with or of a kind it does not know"
    )
