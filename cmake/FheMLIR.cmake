# Finds MLIR and gives the four functions the compiler's CMake files use.
find_package(MLIR 22.1 CONFIG)
if(NOT MLIR_FOUND)
  message(FATAL_ERROR
    "MLIR 22.1 was not found. On Debian 12 it is in the security archive: install "
    "libmlir-22-dev and mlir-22-tools (cmake/packages.txt has the whole list), or build only "
    "the runtime with -DFHE_BUILD_COMPILER=OFF.")
endif()
find_package(Protobuf REQUIRED)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
add_definitions(${LLVM_DEFINITIONS})

# fhe_tablegen(TARGET TD_FILE OUTPUT ARGS [OUTPUT ARGS]...): runs mlir-tblgen; each OUTPUT lies
# in the current binary folder, ARGS is one ;-free string such as "-gen-op-decls -dialect=qnn".
function(fhe_tablegen target td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(rest ${ARGN})
  while(rest)
    list(POP_FRONT rest output args)
    separate_arguments(args)
    mlir_tablegen(${output} ${args})
  endwhile()
  add_public_tablegen_target(${target})
endfunction()

# fhe_add_compiler_library(NAME SOURCES... [DEPENDS tablegen targets] [LINK libs]): a static
# library of the compiler half. Links the shared MLIR and LLVM; never mixes in libMLIR*.a.
function(fhe_add_compiler_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM PRIVATE fhe_warnings)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()
