"""The data centers of the cloud, which list each other, and the services of each."""

from __future__ import annotations

from smartdc.emulator.http.answers import Answer, Refusal, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.routes import Route
from smartdc.emulator.state.site import Site


def list_datacenters(site: Site, request: Incoming) -> Answer:
    """``GET /:account/datacenters``."""
    return Answer(dict(site.shared.urls), headers={"Triton-Datacenter-Name": site.name})


def get_datacenter(site: Site, request: Incoming) -> Answer:
    """``GET /:account/datacenters/:dc``: a redirect, even for the data center that answers.

    See docs/cloudapi/requests.md#datacenter-is-a-redirect.
    """
    name = str(request.params["dc"])
    if name not in site.shared.urls:
        raise not_found(f"{name} is not an available datacenter")
    # The server's template for the message is empty, so the message has only its two arguments.
    url = site.shared.urls[name]
    return Answer({"code": "ResourceMoved", "message": f" {name} {url}"}, 302, {"Location": url})


def foreign_datacenters(site: Site, request: Incoming) -> Answer:
    """``GET`` and ``POST /:account/foreigndatacenters``: only for applications with a delegated token."""
    message = "method requires HTTP signature auth token delegated authorization"
    raise Refusal(403, "Forbidden", message)


def list_services(site: Site, request: Incoming) -> Answer:
    """``GET /:account/services``."""
    return Answer({"cloudapi": site.url, **site.services})


ROUTES = [
    Route("ListDatacenters", "GET", "/:account/datacenters", list_datacenters),
    Route("GetDatacenter", "GET", "/:account/datacenters/:dc", get_datacenter),
    Route("ListForeignDatacenters", "GET", "/:account/foreigndatacenters", foreign_datacenters),
    Route("AddForeignDatacenter", "POST", "/:account/foreigndatacenters", foreign_datacenters),
]

SERVICE_ROUTES = [
    Route("ListServices", "GET", "/:account/services", list_services),
]
