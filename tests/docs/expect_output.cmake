# Fails unless PROGRAM succeeds and prints exactly what the file EXPECTED holds, with the file INPUT as its input.
#   cmake -DPROGRAM=<program> -DEXPECTED=<file> [-DINPUT=<file>] -P expect_output.cmake
set(input "")
if(INPUT)
  set(input INPUT_FILE "${INPUT}")
endif()
execute_process(COMMAND "${PROGRAM}" ${input} OUTPUT_VARIABLE printed RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${result}")
endif()
file(READ "${EXPECTED}" expected)
if(NOT printed STREQUAL expected)
  message(FATAL_ERROR "${PROGRAM} printed\n${printed}but ${EXPECTED} holds\n${expected}")
endif()
