"""The version, which the package's metadata and every model file take from here."""

__version__ = "0.1.0"
