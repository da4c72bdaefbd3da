# lamplight_core: the shared library that the daemon and its plugins have in common. It is made of the very objects of
# the folders that plugins need, so that each of them is in a process once. Unit tests of a pure folder link that
# folder's static library instead, and never both.

set(LAMPLIGHT_CORE_FOLDERS state wire sync group plain conf clm log console asio)

add_library(lamplight_core SHARED)
target_include_directories(lamplight_core PUBLIC "${PROJECT_SOURCE_DIR}/src")
foreach(folder IN LISTS LAMPLIGHT_CORE_FOLDERS)
    get_target_property(kind lamplight_${folder} TYPE)
    if(kind STREQUAL "STATIC_LIBRARY")
        target_sources(lamplight_core PRIVATE "$<TARGET_OBJECTS:lamplight_${folder}>")
        get_target_property(definitions lamplight_${folder} INTERFACE_COMPILE_DEFINITIONS)
        if(definitions)
            target_compile_definitions(lamplight_core PUBLIC ${definitions})
        endif()
    endif()
    # What the folder needs from outside; the folders themselves are inside already.
    get_target_property(needs lamplight_${folder} INTERFACE_LINK_LIBRARIES)
    if(needs)
        list(FILTER needs EXCLUDE REGEX "lamplight_")
        target_link_libraries(lamplight_core PUBLIC ${needs})
    endif()
endforeach()
set_target_properties(lamplight_core PROPERTIES LINKER_LANGUAGE CXX)
# What a plugin says in Plugin::build and the daemon compares.
target_compile_definitions(lamplight_core PUBLIC LAMPLIGHT_VERSION="${PROJECT_VERSION}")

install(TARGETS lamplight_core LIBRARY DESTINATION "${LAMPLIGHT_LIBRARY_INSTALL_DIR}")
