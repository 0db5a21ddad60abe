"""The checks before an operation: signatures, roles, the throttle, read-only mode, and named resources."""
