"""Using a running emulator: its methods, how clients reach it, and the output of the command."""
