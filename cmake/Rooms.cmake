# A room of src/ is one object library: cm_room(NAME [PROGRAM] SOURCES ... [USES ...] [LIBS ...]).
# USES names the rooms whose headers it includes; scripts/check_layers.py holds that against src/layers.txt.
# LIBS names outside libraries (targets from Dependencies.cmake) that only this room calls.
# PROGRAM: the room belongs to the program; libcapmill is made without it.
set(CAPMILL_ROOMS "" CACHE INTERNAL "rooms that exist, in the order they were added")

function(cm_room name)
  cmake_parse_arguments(ROOM "PROGRAM" "" "SOURCES;USES;LIBS" ${ARGN})
  add_library(cm_${name} OBJECT ${ROOM_SOURCES})
  target_include_directories(cm_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include
                                                ${PROJECT_BINARY_DIR}/generated)
  target_link_libraries(cm_${name} PRIVATE capmill_compile_options ${ROOM_LIBS})
  if(ROOM_PROGRAM)
    set_property(GLOBAL APPEND PROPERTY CAPMILL_PROGRAM_OBJECTS $<TARGET_OBJECTS:cm_${name}>)
  else()
    set_property(GLOBAL APPEND PROPERTY CAPMILL_ROOM_OBJECTS $<TARGET_OBJECTS:cm_${name}>)
    set_property(GLOBAL APPEND PROPERTY CAPMILL_ROOM_LIBS ${ROOM_LIBS})
  endif()
endfunction()
