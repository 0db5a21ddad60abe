"""What arguments become: names and ids, creation, tag and metadata values, search, roles."""
