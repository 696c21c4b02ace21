# cmake -DPROGRAM=capmill -DWHAT=--man -DARGUMENT=sort -DFILE=out.1 -P write_text.cmake: what the program prints about
# itself, whole or not at all.
execute_process(COMMAND ${PROGRAM} ${WHAT} ${ARGUMENT} OUTPUT_VARIABLE _text RESULT_VARIABLE _result)
if(NOT _result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ${WHAT} ${ARGUMENT}: exit status ${_result}")
endif()
file(WRITE ${FILE} "${_text}")
