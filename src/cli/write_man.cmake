# cmake -DPROGRAM=capmill -DCOMMAND=sort -DPAGE=out.1 -P write_man.cmake: one man page, whole or not at all.
execute_process(COMMAND ${PROGRAM} --man ${COMMAND} OUTPUT_VARIABLE _text RESULT_VARIABLE _result)
if(NOT _result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} --man ${COMMAND}: exit status ${_result}")
endif()
file(WRITE ${PAGE} "${_text}")
