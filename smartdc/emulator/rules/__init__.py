"""What the server decides: provisioning, placement, limits, validation, and the languages of its rules."""
