"""Checks arguments, and turns them into what the server reads: ids, creation, tags, filters, roles."""
