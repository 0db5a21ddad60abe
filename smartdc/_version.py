"""The version of the library. Reading it by `importlib.metadata` would take longer than any import here."""

__all__ = ["__version__"]

__version__ = "1.0.0a1"
