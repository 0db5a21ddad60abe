"""The state directory of the emulator."""
