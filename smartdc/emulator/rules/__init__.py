"""The server's rules: provisioning, placement, limits, validation, and the languages of its policies."""
