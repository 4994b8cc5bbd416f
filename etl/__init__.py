"""Export DataCite metadata whole, typed and proved complete."""

__version__ = "0.1.0"
