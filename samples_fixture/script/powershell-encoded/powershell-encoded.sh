#!/bin/sh
# Fixture: the encoded command prints a word.
exec powershell.exe -NoProfile -EncodedCommand VwByAGkAdABlAC0ASABvAHMAdAAgACcAaABlAGwAbABvACcA
