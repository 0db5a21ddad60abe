"""Locations of data centers, profiles, and the account and key to sign in with."""
