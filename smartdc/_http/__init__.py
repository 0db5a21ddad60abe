"""Private: from a request of an area to the answer that stands, or to an error."""
