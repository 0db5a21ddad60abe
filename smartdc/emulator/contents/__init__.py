"""Files that people write for the emulator: what it holds, what goes wrong, whose keys it knows."""
