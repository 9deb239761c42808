# The whole source of pe/nsis-installer/nsis-installer.exe: an installer that shows one line and installs nothing.
Unicode true
Name "Fixture"
OutFile "nsis-installer.exe"
RequestExecutionLevel user
SetCompress off
Section
  DetailPrint "hello"
SectionEnd
