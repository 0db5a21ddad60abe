"""Requests and answers: the web server, routes, parameters, media types, versions, faults."""
