# Outside libraries, each as one target; what is absent is said at the flag that needs it (see `capmill --version`).
find_package(Threads REQUIRED)

# XXH3 is inlined from the one header of libxxhash, also for mingw-w64 (which has no package of it): the header is
# copied into the build tree so that no other header of the host is seen by a cross compiler.
find_path(XXHASH_INCLUDE_DIR xxhash.h PATHS /usr/include /usr/local/include NO_CMAKE_FIND_ROOT_PATH REQUIRED)
file(COPY ${XXHASH_INCLUDE_DIR}/xxhash.h DESTINATION ${CMAKE_BINARY_DIR}/generated/third)
add_library(capmill_xxhash INTERFACE)
target_include_directories(capmill_xxhash SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/generated/third)

add_library(capmill_uring INTERFACE)
if(NOT WIN32)
  find_path(URING_INCLUDE_DIR liburing.h)
  find_library(URING_LIBRARY uring)
  if(URING_INCLUDE_DIR AND URING_LIBRARY)
    target_link_libraries(capmill_uring INTERFACE ${URING_LIBRARY})
    target_compile_definitions(capmill_uring INTERFACE CAPMILL_HAVE_URING=1)
  endif()
endif()
