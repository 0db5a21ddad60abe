"""The CPU and memory of `machines()`, compared with the same pages fetched and decoded with `json.loads`.

Run it: ``.venv/bin/python tests/benchmarks/bench_lists.py`` (``--help``). A server in another process has the
pages ready, with the Content-MD5 that CloudAPI sends; the bare session and ours keep what they decode. Each
measurement is made in a new process, the two in turns; the least of each counts. docs/performance.md has the
numbers.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import resource
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

import requests
import trustme

from smartdc import DataCenter

PAGE = 1000
CPU_LIMIT, MEMORY_LIMIT = 1.25, 1.15
"""The ratios that must not be exceeded."""


def machine(number: int) -> dict[str, object]:
    """One machine as CloudAPI shows it."""
    ident = f"{number:08x}-6d3c-4b0a-9c57-0d2f6c9e8b41"
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    network = "a1f8d7e2-6d3c-4b0a-9c57-0d2f6c9e8b41"
    nic = {
        "mac": f"90:b8:d0:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",
        "primary": True,
        "ip": address,
        "netmask": "255.0.0.0",
        "gateway": "10.0.0.1",
        "network": network,
    }
    return {
        "id": ident,
        "name": f"web-{number}",
        "type": "smartmachine",
        "brand": "joyent",
        "state": "running",
        "image": "c02a2044-c1bd-11e4-bd8c-dfc1db8b0182",
        "ips": [address],
        "memory": 1024,
        "disk": 25600,
        "metadata": {"role": "web", "user-script": "#!/bin/sh\n" * 20, "root_authorized_keys": "x" * 400},
        "tags": {"role": "web", "group": f"g{number % 10}", "number": number},
        "created": "2026-11-23T10:00:00.000Z",
        "updated": "2026-11-23T10:00:00.000Z",
        "networks": [network],
        "nics": [nic],
        "dns_names": [f"{ident}.inst.account.cns.example", f"web-{number}.inst.account.cns.example"],
        "firewall_enabled": True,
        "deletion_protection": False,
        "compute_node": "44454c4c-5400-1034-8053-b5c04f383432",
        "package": "g4-highcpu-1G",
    }  # fmt: skip


class Pages(BaseHTTPRequestHandler):
    """Answers each GET with the page of 1000 machines at its offset."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    number = 0

    def do_GET(self) -> None:
        offset = int(parse_qs(urlsplit(self.path).query).get("offset", ["0"])[0])
        body, digest = page(offset, self.number)
        self.send_response(200)
        for name, value in (
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Content-MD5", digest),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@cache
def page(offset: int, number: int) -> tuple[bytes, str]:
    last = number - 1 - offset  # in the server's order (docs/cloudapi/lists.md#order-of-machines)
    body = json.dumps([machine(at) for at in range(last, max(last - PAGE, -1), -1)]).encode()
    return body, base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def serve(number: int) -> None:
    """Serve a list of this number of machines; print its URL and the path of its authority."""
    Pages.number = number
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HTTPServer(("127.0.0.1", 0), Pages) as server, TemporaryDirectory() as directory:
        authority.cert_pem.write_to_path(f"{directory}/ca.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        print(f"https://127.0.0.1:{server.server_port} {directory}/ca.pem", flush=True)
        server.serve_forever()


def bare(url: str, authority: str) -> list[object]:
    """Every page, with a plain `requests` session."""
    found: list[object] = []
    with requests.Session() as session:
        session.verify = authority
        while not len(found) % PAGE:
            answer = session.get(f"{url}/my/machines?offset={len(found)}")
            machines = json.loads(answer.content)
            if not machines:
                break
            found += machines
    return found


def ours(url: str, authority: str) -> list[object]:
    with DataCenter(url, verify=authority) as sdc:
        return [*sdc.machines()]


CLIENTS: dict[str, Callable[[str, str], list[object]]] = {"bare": bare, "ours": ours}


def measure(client: str, url: str, authority: str) -> None:
    """List twice; print the CPU time of the second list, and the most memory."""
    CLIENTS[client](url, authority)  # the server makes its pages
    began = time.process_time()
    found = CLIENTS[client](url, authority)
    took = time.process_time() - began
    print(len(found), took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--machines", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--processes", type=int, default=5, help="of each client; the least counts")
    options = parser.parse_args()
    for name in list(os.environ):  # a bare session would use them
        if name.lower().endswith(("_proxy", "_ca_bundle")):
            del os.environ[name]
    print(f"Python {sys.version.split()[0]}, requests {requests.__version__}, {os.cpu_count()} cores")
    return max(compare(number, options.processes) for number in options.machines)


def compare(number: int, processes: int) -> int:
    program = [sys.executable, __file__]
    results: dict[str, list[tuple[float, float]]] = {client: [] for client in CLIENTS}
    with subprocess.Popen([*program, "serve", str(number)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        place = server.stdout.readline().split()
        for _ in range(processes):
            for client in CLIENTS:
                ended = subprocess.run(
                    [*program, "measure", client, *place], check=True, stdout=subprocess.PIPE, text=True
                )
                listed, took, memory = ended.stdout.split()
                assert int(listed) == number
                results[client].append((float(took), int(memory) / 1024))
        server.terminate()
    least = {
        client: [min(values) for values in zip(*found, strict=True)] for client, found in results.items()
    }
    ratios = [mine / other for mine, other in zip(least["ours"], least["bare"], strict=True)]
    kept = ratios[0] <= CPU_LIMIT and ratios[1] <= MEMORY_LIMIT
    for client, (took, memory) in least.items():
        print(f"{number:7} machines, {client}: {took:6.3f} s of CPU, {memory:4.0f} MB at most")
    print(
        f"ratio of CPU {ratios[0]:.2f} (limit {CPU_LIMIT}), of memory {ratios[1]:.2f} (limit {MEMORY_LIMIT})"
    )
    print("limits kept" if kept else "limits EXCEEDED")
    return int(not kept)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
    elif sys.argv[1:2] == ["measure"]:
        measure(*sys.argv[2:])
    else:
        sys.exit(main())
