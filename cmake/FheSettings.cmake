# Settings every target shares: language, warnings, build types, sanitizers, linker, ccache.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET default)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
# Dev keeps our assertions; -O1 because unoptimised kernels make the encrypted tests unusable.
set(CMAKE_C_FLAGS_DEV "-O1 -g1")
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1")

set(FHE_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")
if(FHE_SANITIZE)
  add_compile_options(-fsanitize=${FHE_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${FHE_SANITIZE})
  # Debian's libMLIR is not instrumented: vptr and container checks see half the program.
  if(FHE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=vptr,function)
  endif()
endif()
option(FHE_FUZZ "Build the fuzz targets with libFuzzer" OFF)
if(FHE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(FHE_CCACHE ccache)
if(FHE_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${FHE_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FHE_CCACHE})
endif()
find_program(FHE_LLD NAMES ld.lld-22 ld.lld)
if(FHE_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options(-fuse-ld=${FHE_LLD})
endif()

# Warnings for our own code (not for generated or system headers).
add_library(fhe_warnings INTERFACE)
target_compile_options(fhe_warnings INTERFACE -Wall -Wextra -Wno-unused-parameter)

# The include root is the repository root; generated headers live under the same paths in the
# build tree.
include_directories(${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
