"""One handler for each operation, in the module of its area; the areas are named as in the client."""
