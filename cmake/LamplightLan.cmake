# lamplight_lan: the shared library of the plugins on Corosync's ring. What they have in common (a thread, a group of the
# ring) needs code that is in the process once and stays there, whichever of them is unloaded first. Made of the very
# objects of its folders' static libraries; a program links these or lamplight_lan, never both.

add_library(
    lamplight_lan SHARED
    lan/own_group.cpp
    lan/question.cpp
    lan/ring_names.cpp
    lan/shared_ring.cpp
    "$<TARGET_OBJECTS:lamplight_ring>"
    "$<TARGET_OBJECTS:lamplight_link>")
set_target_properties(lamplight_lan PROPERTIES INSTALL_RPATH "$ORIGIN")
target_link_libraries(lamplight_lan PUBLIC lamplight_core PRIVATE PkgConfig::COROSYNC ${CMAKE_DL_LIBS})

install(TARGETS lamplight_lan LIBRARY DESTINATION "${LAMPLIGHT_LIBRARY_INSTALL_DIR}")
