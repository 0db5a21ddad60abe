"""The version of the library. Asking `importlib.metadata` for it would cost more than any module here."""

__all__ = ["__version__"]

__version__ = "1.0.0a1"
