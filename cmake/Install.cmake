# What `cmake --install` puts where: program, library in both forms, headers, pkg-config and CMake files, man pages
# (src/cli/CMakeLists.txt), documentation, recipes. tests/install builds a program against the result.
include(CMakePackageConfigHelpers)

install(TARGETS capmill RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS capmill_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(CAPMILL_LINK_PLAIN AND CMAKE_STRIP)
  # The compiler's intermediate form is of use to this very version of it alone.
  set(_archive ${CMAKE_STATIC_LIBRARY_PREFIX}capmill${CMAKE_STATIC_LIBRARY_SUFFIX})
  install(CODE "execute_process(COMMAND ${CMAKE_STRIP} --enable-deterministic-archives --strip-debug
                                --remove-section=.gnu.lto_* --remove-section=.gnu.debuglto_*
                                \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/${_archive}\"
                                COMMAND_ERROR_IS_FATAL ANY)")
endif()
if(TARGET capmill_shared)
  install(TARGETS capmill_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/capmill DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")

# What a program needs beside the archive; the shared library knows it of itself. The C++ runtime is not among it: the
# one room that needs it belongs to the program, which holds it.
set(_libs "")
if(WIN32)
  list(APPEND _libs synchronization shell32)
elseif(URING_INCLUDE_DIR AND URING_LIBRARY)
  list(APPEND _libs uring)
endif()
foreach(_pair "PCAP pcap" "HYPERSCAN hs" "NETTLE nettle" "SNAPPY snappy" "ZSTD zstd" "ZLIB z" "LZ4 lz4")
  separate_arguments(_pair)
  list(GET _pair 0 _what)
  if(CAPMILL_HAVE_${_what})
    list(GET _pair 1 _name)
    list(APPEND _libs ${_name})
  endif()
endforeach()
set(CAPMILL_PRIVATE_LIBS "")
foreach(_name ${_libs})
  string(APPEND CAPMILL_PRIVATE_LIBS "-l${_name} ")
endforeach()
set(CAPMILL_PRIVATE_TARGETS Threads::Threads ${_libs})
string(APPEND CAPMILL_PRIVATE_LIBS "-pthread")

# Both files find their own prefix, so that an installed tree can be moved as a whole.
cmake_path(SET _pkgconfig_dir NORMALIZE /${CMAKE_INSTALL_LIBDIR}/pkgconfig)
cmake_path(RELATIVE_PATH _pkgconfig_dir BASE_DIRECTORY /)
string(REGEX REPLACE "[^/]+" ".." CAPMILL_PKGCONFIG_TO_PREFIX "${_pkgconfig_dir}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/capmill.pc.in ${PROJECT_BINARY_DIR}/generated/capmill.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/generated/capmill.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/capmill-config.cmake.in
                              ${PROJECT_BINARY_DIR}/generated/capmill-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/capmill
                              PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/generated/capmill-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/generated/capmill-config.cmake
              ${PROJECT_BINARY_DIR}/generated/capmill-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/capmill)

install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${PROJECT_SOURCE_DIR}/LICENSE
              ${PROJECT_SOURCE_DIR}/config.example.toml
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/datasets/ DESTINATION ${CMAKE_INSTALL_DATADIR}/capmill/recipes
        FILES_MATCHING PATTERN "*.recipe")
