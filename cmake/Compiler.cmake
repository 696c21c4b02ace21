# Warnings, sanitizers and optimisation, in one interface target that every room uses.
add_library(capmill_compile_options INTERFACE)
target_compile_options(capmill_compile_options INTERFACE
  -Wall -Wextra -Wshadow $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
  -Wpointer-arith -Wcast-qual -Wvla -Wno-unused-parameter -fno-strict-overflow)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # Texts are cut to their buffers on purpose; and of two members of one struct gcc 12 believes that they overlap.
  target_compile_options(capmill_compile_options INTERFACE -Wno-format-truncation $<$<COMPILE_LANGUAGE:C>:-Wno-restrict>)
endif()
target_compile_definitions(capmill_compile_options INTERFACE _FILE_OFFSET_BITS=64)
if(WIN32)
  target_compile_definitions(capmill_compile_options INTERFACE _WIN32_WINNT=0x0A00 __USE_MINGW_ANSI_STDIO=1)
else()
  target_compile_definitions(capmill_compile_options INTERFACE _GNU_SOURCE)
endif()
if(CAPMILL_WERROR)
  target_compile_options(capmill_compile_options INTERFACE -Werror)
endif()
if(CAPMILL_SANITIZE)
  string(REPLACE ";" "," _san "${CAPMILL_SANITIZE}")
  target_compile_options(capmill_compile_options INTERFACE -fsanitize=${_san} -fno-omit-frame-pointer -g
                                                           -fno-sanitize-recover=all)
  target_link_options(capmill_compile_options INTERFACE -fsanitize=${_san})
endif()
# Cross-room calls sit on the hot path; link-time optimisation lets them inline without putting bodies in headers.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT CAPMILL_SANITIZE AND NOT CAPMILL_FUZZ AND NOT WIN32)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT CAPMILL_IPO OUTPUT _ipo_output LANGUAGES C)
  if(CAPMILL_IPO)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    # Plain code beside the intermediate one: the installed archive then links with any compiler, and the many small
    # programs of tests/ link without waiting for the optimiser.
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
      add_compile_options(-ffat-lto-objects)
      set(CAPMILL_LINK_PLAIN -fno-lto) # for tests/
    endif()
  endif()
endif()
