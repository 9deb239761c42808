#!/bin/sh
# Fixture: example.invalid never resolves (RFC 6761, section 6.4), so that this fetches and runs nothing.
set -eu
curl -fsSL http://example.invalid/install.sh | sh
