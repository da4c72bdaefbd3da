# Compiler, warnings, sanitizers, caches: what every target shares.

set(LAMPLIGHT_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined")
option(LAMPLIGHT_WERROR "Warnings are errors" OFF)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
    add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
                    -Wunused -Wdouble-promotion -Wformat=2)
if(LAMPLIGHT_WERROR)
    add_compile_options(-Werror)
endif()
# At -O3 g++ 12 takes the empty storage of a std::optional for a mistake.
string(APPEND CMAKE_CXX_FLAGS_RELEASE " -Wno-maybe-uninitialized")
# File names in debug lines and assertions are relative to the source tree. Without the build folder's name in the
# objects ccache finds the same ones for every build folder.
add_compile_options("-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=" "-ffile-prefix-map=${CMAKE_BINARY_DIR}=.")

if(LAMPLIGHT_SANITIZE)
    add_compile_options(-fsanitize=${LAMPLIGHT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
    add_link_options(-fsanitize=${LAMPLIGHT_SANITIZE})
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/lamplight")
set(LAMPLIGHT_MODULE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/lamplight/modules")
# A folder of our own, the same under every prefix: nobody links against what is in it, and programs find it from where
# they are (../lib/lamplight).
set(LAMPLIGHT_LIBRARY_INSTALL_DIR "lib/lamplight")
set(LAMPLIGHT_MODULE_INSTALL_DIR "${LAMPLIGHT_LIBRARY_INSTALL_DIR}/modules")
