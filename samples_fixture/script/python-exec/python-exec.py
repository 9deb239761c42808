#!/usr/bin/env python3
# Fixture: the decoded text prints a word.
import base64

exec(base64.b64decode("cHJpbnQoJ2hlbGxvJyk="))
