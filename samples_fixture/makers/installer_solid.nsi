# The whole source of pe/nsis-solid/nsis-solid.exe: an installer that holds two files in one stream and unpacks none of them.
Unicode true
Name "Fixture"
OutFile "nsis-solid.exe"
RequestExecutionLevel user
SetCompressor /SOLID lzma
Section
  Goto behind
  SetOutPath "$TEMP\fixture"
  SetDateSave off
  File "installer.nsi"
  File "installer_solid.nsi"
  behind:
  DetailPrint "hello"
SectionEnd
