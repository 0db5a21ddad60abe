"""A Python console with `sdc` connected: ``python -m smartdc``."""

from __future__ import annotations

from smartdc.console import main

if __name__ == "__main__":
    raise SystemExit(main())
