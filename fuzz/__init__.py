"""Fuzzing of everything that reads what others wrote: one target an entry, a runner, and atheris behind one door.

A target says what may come of any bytes at all; whatever else comes of them is a finding. Targets call the same public
functions as the product, run without atheris as well, and never write outside a temporary folder.
"""
