# Modules that real ones hope never to meet, in tests/modules of the build folder.
set(plugin_dir "${CMAKE_BINARY_DIR}/tests/modules")

# lamplight_test_plugin(NAME FILE DEFINITION...)
function(lamplight_test_plugin name file)
    add_library(test_${name} MODULE ${file})
    set_target_properties(test_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY "${plugin_dir}")
    target_compile_definitions(test_${name} PRIVATE PLUGIN_NAME="${name}.so" ${ARGN})
    target_link_libraries(test_${name} PRIVATE lamplight_core)
    add_dependencies(daemon_test test_${name})
endfunction()

lamplight_test_plugin(res_good test_plugin.cpp PLUGIN_FILE="good.conf")
lamplight_test_plugin(res_refusing test_plugin.cpp PLUGIN_FILE="refusing.conf" PLUGIN_REFUSES)
lamplight_test_plugin(res_other_interface test_plugin.cpp PLUGIN_FILE="other.conf" PLUGIN_ABI=99)
lamplight_test_plugin(res_other_build test_plugin.cpp PLUGIN_FILE="other.conf" PLUGIN_BUILD="0.0.1")
lamplight_test_plugin(bus_local test_plugin.cpp)
lamplight_test_plugin(res_jabber test_plugin.cpp PLUGIN_FILE="xmpp.conf")
lamplight_test_plugin(not_a_plugin not_a_plugin.cpp)

# Needs a library that nobody will find where it runs.
add_library(test_nowhere SHARED nowhere.cpp)
set_target_properties(test_nowhere PROPERTIES OUTPUT_NAME nowhere
                      LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/nowhere")
lamplight_test_plugin(res_corosync test_plugin.cpp PLUGIN_FILE="res_corosync.conf" PLUGIN_NEEDS_NOWHERE=nowhere)
target_link_libraries(test_res_corosync PRIVATE test_nowhere)
set_target_properties(test_res_corosync PROPERTIES SKIP_BUILD_RPATH TRUE)

# Needs it through a library that is found, as modules on a ring need Corosync's.
add_library(test_through SHARED through.cpp)
set_target_properties(test_through PROPERTIES OUTPUT_NAME through SKIP_BUILD_RPATH TRUE
                      LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/through")
target_link_libraries(test_through PRIVATE test_nowhere)
lamplight_test_plugin(res_through test_plugin.cpp PLUGIN_NEEDS_NOWHERE=through)
target_link_libraries(test_res_through PRIVATE test_through)

target_compile_definitions(daemon_test PRIVATE TEST_MODULES="${plugin_dir}")
