// Fixture: prints a word in a console window.
var shell = new ActiveXObject("WScript.Shell");
shell.Run("cmd.exe /c echo hello", 0, true);
