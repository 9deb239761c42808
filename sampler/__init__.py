"""Sampler takes what an on-host scanner finds suspicious to an analysis queue, as far as the owner agreed."""

__version__ = "0.1.0"

__all__ = ["__version__"]
