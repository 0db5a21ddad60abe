"""Control over HTTP: who may come in, what can be asked and told, the status page, a client."""
