# fhe_add_model(NAME MODEL.onnx [ARGS options of fhe-compile...] [DEPENDS files...])
#
# Compiles a model at build time. Gives three targets to link:
#   NAME         header, object, fhe_server and fhe_client
#   NAME_client  header and fhe_client
#   NAME_server  header, object and fhe_server
# The generated header is <NAME.h>. Uses the fhe-compile of this build, else the one on the PATH.
include_guard(GLOBAL)

function(fhe_add_model name model)
  cmake_parse_arguments(PARSE_ARGV 2 ARG "" "" "ARGS;DEPENDS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "fhe_add_model(${name}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT name MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    message(FATAL_ERROR "fhe_add_model(${name}): the name must be a C identifier")
  endif()
  get_filename_component(source ${model} ABSOLUTE)
  if(TARGET fhe-compile)
    set(compiler $<TARGET_FILE:fhe-compile>)
    set(compiler_dependency fhe-compile)
  else()
    find_program(FHE_COMPILE_PROGRAM fhe-compile REQUIRED)
    set(compiler ${FHE_COMPILE_PROGRAM})
    set(compiler_dependency ${FHE_COMPILE_PROGRAM})
  endif()

  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name}.model)
  file(MAKE_DIRECTORY ${folder})
  set(object ${folder}/${name}.o)
  set(header ${folder}/${name}.h)
  add_custom_command(
    OUTPUT ${object} ${header} ${folder}/${name}.json
    COMMAND ${compiler} ${source} -o ${object} --name ${name} --quiet ${ARG_ARGS}
    DEPENDS ${source} ${compiler_dependency} ${ARG_DEPENDS}
    COMMENT "Compiling ${model} to ${name}.o"
    VERBATIM)
  add_custom_target(${name}_files DEPENDS ${object} ${header})

  add_library(${name}_client INTERFACE)
  add_dependencies(${name}_client ${name}_files)
  target_include_directories(${name}_client INTERFACE ${folder})
  target_link_libraries(${name}_client INTERFACE fhe_client)

  set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  add_library(${name}_object STATIC ${object})
  set_target_properties(${name}_object PROPERTIES LINKER_LANGUAGE C)
  add_dependencies(${name}_object ${name}_files)

  add_library(${name}_server INTERFACE)
  target_include_directories(${name}_server INTERFACE ${folder})
  target_link_libraries(${name}_server INTERFACE ${name}_object fhe_server)

  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE ${name}_client ${name}_server)
endfunction()
