"""Control of an emulator over HTTP: access, operations, the status page, and a client."""
