"""The state directory, which keeps everything that an emulator holds across restarts."""
