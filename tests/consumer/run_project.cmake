# Configures and builds one of the projects beside this file, and runs its programs.
# cmake -DPROJECT=<folder> -DWORK_DIR=<scratch> -DCONFIGURE=<arguments, joined by |> [-DINSTALL=<prefix>]
#   [-DCLONE=<repository>] -P run_project.cmake
# INSTALL: what was built is installed there. CLONE: the project gets a clone of the repository as the source of
# callwarden.
cmake_minimum_required(VERSION 3.24)

file(REMOVE_RECURSE "${WORK_DIR}")
string(REPLACE "|" ";" arguments "${CONFIGURE}")
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
if(CLONE)
  # What strangers get: the last commit, without what is only in this working tree.
  find_package(Git QUIET)
  set(result "no git")
  if(GIT_FOUND)
    execute_process(COMMAND "${GIT_EXECUTABLE}" clone --quiet --depth 1 "file://${CLONE}" "${WORK_DIR}/clone"
      RESULT_VARIABLE result ERROR_VARIABLE output)
  endif()
  if(result EQUAL 0)
    set(CLONE "${WORK_DIR}/clone")
  else()
    message(STATUS "no clone, so the sources are taken as they stand: ${result} ${output}")
  endif()
  list(APPEND arguments "-DFETCHCONTENT_SOURCE_DIR_CALLWARDEN=${CLONE}")
endif()
set(build "${WORK_DIR}/build")
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/${PROJECT}" -B "${build}" ${arguments}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${build}" --parallel ${cores} COMMAND_ERROR_IS_FATAL ANY)
file(GLOB programs "${build}/*_host")
list(LENGTH programs count)
if(count LESS 2)
  message(FATAL_ERROR "only ${count} programs were built")
endif()
foreach(program IN LISTS programs)
  execute_process(COMMAND "${program}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
if(INSTALL)
  file(REMOVE_RECURSE "${INSTALL}")
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${build}" --prefix "${INSTALL}"
    COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endif()
file(REMOVE_RECURSE "${WORK_DIR}")
