# Configures and builds one of the projects beside this file, and runs its programs.
# cmake -DPROJECT=<folder> -DWORK_DIR=<scratch> -DCONFIGURE=<arguments, joined by |> -P run_project.cmake
cmake_minimum_required(VERSION 3.24)

file(REMOVE_RECURSE "${WORK_DIR}")
string(REPLACE "|" ";" arguments "${CONFIGURE}")
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/${PROJECT}" -B "${WORK_DIR}" ${arguments}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK_DIR}" --parallel ${cores} COMMAND_ERROR_IS_FATAL ANY)
foreach(program plain_host bare_host)
  execute_process(COMMAND "${WORK_DIR}/${program}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
file(REMOVE_RECURSE "${WORK_DIR}")
