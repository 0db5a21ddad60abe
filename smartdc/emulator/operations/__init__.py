"""One handler for each operation, in the module of its area; the same area names as in the client."""
