"""The inside of a machine: its file system, its shell, and SSH."""
