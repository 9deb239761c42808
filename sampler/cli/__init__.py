"""The ``sampler`` command: one file per command."""
