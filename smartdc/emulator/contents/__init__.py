"""Files that users write for the emulator: its contents, its faults, and public keys."""
