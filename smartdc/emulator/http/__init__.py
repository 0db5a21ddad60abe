"""HTTP: the web server, routes, parameters, media types, API versions, answers and faults."""
