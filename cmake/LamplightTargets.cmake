# How targets are declared: a folder of src/ is one static library `lamplight_<folder>`; tests are named after it.

# lamplight_library(NAME SOURCES file... [LINK target...])
function(lamplight_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    if(ARG_SOURCES)
        add_library(lamplight_${name} STATIC ${ARG_SOURCES})
        target_include_directories(lamplight_${name} PUBLIC "${PROJECT_SOURCE_DIR}/src")
        target_link_libraries(lamplight_${name} PUBLIC ${ARG_LINK})
    else()
        add_library(lamplight_${name} INTERFACE)
        target_include_directories(lamplight_${name} INTERFACE "${PROJECT_SOURCE_DIR}/src")
        target_link_libraries(lamplight_${name} INTERFACE ${ARG_LINK})
    endif()
endfunction()

# lamplight_module(NAME SOURCES file... [LINK target...]): a plugin, NAME.so in lib/lamplight/modules.
function(lamplight_module name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_library(${name} MODULE ${ARG_SOURCES})
    set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY "${LAMPLIGHT_MODULE_OUTPUT_DIRECTORY}"
                                             INSTALL_RPATH "$ORIGIN/..")
    target_link_libraries(${name} PRIVATE lamplight_core ${ARG_LINK})
    set_property(GLOBAL APPEND PROPERTY LAMPLIGHT_MODULES ${name})
endfunction()

# A test's place says what it is: its label is the folder below tests/. What it counts it writes to results/NAME.xml,
# for the last line of `./dev test`.
function(lamplight_register_test name)
    file(RELATIVE_PATH place "${PROJECT_SOURCE_DIR}/tests" "${CMAKE_CURRENT_SOURCE_DIR}")
    string(REGEX REPLACE "/.*" "" label "${place}")
    set_tests_properties(${name} PROPERTIES LABELS "${label}" TIMEOUT 300
                         ENVIRONMENT "GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/results/${name}.xml")
endfunction()

# lamplight_test(NAME SOURCES file... [LINK target...]): a GoogleTest program, one test of ctest's.
function(lamplight_test name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest GTest::gtest_main)
    target_compile_definitions(${name} PRIVATE LAMPLIGHT_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    add_test(NAME ${name} COMMAND ${name})
    lamplight_register_test(${name})
endfunction()

# lamplight_fuzz(NAME SOURCES file... LINK target...): a libFuzzer target under clang with LAMPLIGHT_FUZZ, else a
# program that replays tests/corpus/NAME through the same LLVMFuzzerTestOneInput.
function(lamplight_fuzz name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    if(LAMPLIGHT_FUZZ)
        add_executable(${name} ${ARG_SOURCES})
        target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(${name} ${ARG_SOURCES} "${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cpp")
        add_test(NAME ${name}_replay COMMAND ${name} "${PROJECT_SOURCE_DIR}/tests/corpus/${name}")
        lamplight_register_test(${name}_replay)
    endif()
    target_link_libraries(${name} PRIVATE ${ARG_LINK})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    set_property(GLOBAL APPEND PROPERTY LAMPLIGHT_FUZZERS ${name})
endfunction()

# The target `fuzzers` builds all of them; fuzzers.txt names them, a line each.
function(lamplight_collect_fuzzers)
    get_property(fuzzers GLOBAL PROPERTY LAMPLIGHT_FUZZERS)
    add_custom_target(fuzzers DEPENDS ${fuzzers})
    list(JOIN fuzzers "\n" lines)
    file(WRITE "${CMAKE_BINARY_DIR}/fuzzers.txt" "${lines}\n")
endfunction()
