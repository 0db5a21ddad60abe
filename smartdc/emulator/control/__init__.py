"""What people do with a running emulator: its methods, how clients get there, what the command says."""
