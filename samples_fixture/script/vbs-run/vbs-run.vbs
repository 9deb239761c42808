' Fixture: prints a word in a console window.
Option Explicit
Dim shell
Set shell = CreateObject("WScript.Shell")
shell.Run "cmd.exe /c echo hello", 0, True
