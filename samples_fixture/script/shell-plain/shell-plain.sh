#!/bin/sh
# Fixture: counts the files of a folder.
set -eu
ls -1 "${1:-.}" | wc -l
