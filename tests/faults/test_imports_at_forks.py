"""A child that is forked while a thread of its parent imports something must not wait for that thread."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from smartdc._forks import importing
from smartdc.emulator import Emulator
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import KeyRing

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

REQUESTS = """
    import logging, sys
    from smartdc import APIError, DataCenter, RetryPolicy, SmartDCError, TransportError
    url, key = sys.argv[1:]
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    known = set(sys.modules)
    def attempt(*args, url=url):
        try:
            DataCenter(url, "/test/keys/k", key, retry=RetryPolicy(first_pause=0)).request(*args)
        except SmartDCError as error:
            print(str(error), repr(error), file=sys.stderr)
    attempt("GET", "/machines")
    attempt("HEAD", "/machines")
    attempt("GET", "/nothing")
    attempt("POST", "/keys", None, {"name": "\\u00e4"})
    attempt("GET", "/machines", url="http://127.0.0.1:9")
    attempt("GET", "/machines", url="http://ex\\u00e4mple.invalid")
    print(*sorted(set(sys.modules) - known))
"""


def test_requests_import_nothing(cloud: Emulator, ssh_keys: KeyRing) -> None:
    """This holds for refused and repeated requests too: a fork may come while a request imports something.

    The backend of cryptography is imported with the first key, and a fork waits for that.
    """
    key = str(ssh_keys.path("ed25519"))
    script = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(REQUESTS), cloud.url(), key]
    ended = subprocess.run(script, check=True, capture_output=True, text=True)
    backend = "cryptography.hazmat.backends", "cryptography.hazmat.bindings.openssl"
    assert [name for name in ended.stdout.split() if not name.startswith(backend)] == []
    assert "GET" in ended.stderr


def test_a_fork_waits_for_an_import() -> None:
    """Some modules are imported when needed: paramiko for the agent, websockets for the streams."""
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        with importing:
            begun.set()
            time.sleep(0.2)
            ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    child = os.fork()
    if child == 0:
        os._exit(0 if importing.acquire(timeout=5) and ended.is_set() else 1)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


LOG = """
    import faulthandler, os, threading, time
    import smartdc
    from smartdc._forks import importing
    import logging
    begun = threading.Event()
    def work():
        with importing:
            begun.set()
            time.sleep(0.2)
            logging.getLogger("smartdc.test")
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    begun.wait()
    faulthandler.dump_traceback_later(20, exit=True)
    child = os.fork()
    if child == 0:
        os._exit(0)
    print(os.waitpid(child, 0)[1])
"""


def test_a_fork_during_an_import_that_logs() -> None:
    """Imports of paramiko and websockets make loggers: a fork must not hold logging's lock and wait for them.

    Handlers of forks run the last registered first, and logging registers its own when it is imported.
    """
    script = [sys.executable, "-c", textwrap.dedent(LOG)]
    ended = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (ended.stdout.split(), ended.stderr) == (["0"], "")


SIGN = """
    import os, sys, threading, time
    import smartdc
    from smartdc import DataCenter
    sdc = DataCenter("http://127.0.0.1:9", "/test/keys/" + sys.argv[1], retry="none", allow_agent=True)
    thread = threading.Thread(target=sdc.keys, daemon=True)
    thread.start()
    time.sleep(0.05)
    child = os.fork()
    if child == 0:
        try:
            sdc.keys()
        except smartdc.SmartDCError:
            pass
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
    os._exit(0)
"""


def test_a_fork_while_the_first_signature_of_the_agent_is_made(
    ssh_agent: RunningAgent, ssh_keys: KeyRing
) -> None:
    """Without TLS: a fork during the first handshake of a thread may leave locks of OpenSSL taken."""
    ssh_agent.add(ssh_keys.path("ed25519"))
    key = ssh_keys.public("ed25519").md5
    script = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(SIGN), key]
    ended = subprocess.run(script, check=True, capture_output=True, text=True, timeout=30)
    assert ended.stdout.split() == ["0"]
