"""Who may come in: signatures, roles, the throttle, read-only mode, and the things that a path names."""
