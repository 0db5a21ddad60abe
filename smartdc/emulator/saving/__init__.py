"""The state directory: everything that an emulator holds, kept across restarts."""
