# Cross-build for Windows 10 and later on x86-64 (Debian: gcc-mingw-w64-x86-64). Tests run under Wine where it is there.
#   cmake -S . -B build-windows -DCMAKE_TOOLCHAIN_FILE=cmake/toolchains/mingw-w64.cmake
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# One program without DLLs of the compiler beside it.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")

# Debian keeps wine64 outside the PATH unless the package `wine` is installed as well.
find_program(CAPMILL_WINE NAMES wine64 wine PATHS /usr/lib/wine)
if(CAPMILL_WINE)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${CAPMILL_WINE})
endif()
