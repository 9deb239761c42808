"""What makes the samples, one module a family; each yields a mapping of path under ``samples_fixture/`` to bytes.

Everything here is a pure function of its arguments: no clock, no randomness, no compression whose output depends on the
library at hand. Nothing that is made does harm when it is opened or run: code only returns, addresses are under
``example.invalid`` (RFC 6761, section 6.4), commands only print.
"""
