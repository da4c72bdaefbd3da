# What `cmake --install` puts where, and the targets that gather what is installed.

get_property(modules GLOBAL PROPERTY LAMPLIGHT_MODULES)
set(programs "")
foreach(program IN ITEMS lamplightd lamplight lamplight-evt lamplight-sim lamplight-bench)
    if(TARGET ${program})
        list(APPEND programs ${program})
    endif()
endforeach()

# All that runs, without any test.
add_custom_target(programs DEPENDS ${programs} ${modules})

foreach(program IN LISTS programs)
    set(place "${CMAKE_INSTALL_BINDIR}")
    if(program STREQUAL "lamplightd")
        set(place "${CMAKE_INSTALL_SBINDIR}")
    endif()
    set_target_properties(${program} PROPERTIES INSTALL_RPATH "$ORIGIN/../${LAMPLIGHT_LIBRARY_INSTALL_DIR}")
    install(TARGETS ${program} RUNTIME DESTINATION "${place}")
endforeach()
if(modules)
    install(TARGETS ${modules} LIBRARY DESTINATION "${LAMPLIGHT_MODULE_INSTALL_DIR}")
endif()

# Samples are something to copy from: an installation never writes into /etc/lamplight.
if(TARGET lamplight_samples)
    add_dependencies(programs lamplight_samples)
    install(DIRECTORY "${CMAKE_BINARY_DIR}/configs/" DESTINATION "${CMAKE_INSTALL_DATADIR}/lamplight/configs")
endif()
foreach(section IN ITEMS 1 8)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs/man/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}"
            FILES_MATCHING PATTERN "*.${section}")
endforeach()
file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/man")
install(DIRECTORY "${CMAKE_BINARY_DIR}/man/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man5" FILES_MATCHING PATTERN "*.5")
install(FILES "${PROJECT_SOURCE_DIR}/packaging/completion/lamplight"
              "${PROJECT_SOURCE_DIR}/packaging/completion/lamplight-evt"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/README.md" "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
        DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# The unit names the program by the place it was installed to.
configure_file("${PROJECT_SOURCE_DIR}/packaging/lamplightd.service.in" "${CMAKE_BINARY_DIR}/lamplightd.service.in" COPYONLY)
install(CODE "
    set(LAMPLIGHT_SBINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
    configure_file(\"${CMAKE_BINARY_DIR}/lamplightd.service.in\" \"${CMAKE_BINARY_DIR}/lamplightd.service\" @ONLY)")
install(FILES "${CMAKE_BINARY_DIR}/lamplightd.service" DESTINATION "lib/systemd/system")
install(FILES "${PROJECT_SOURCE_DIR}/packaging/lamplight.sysusers" DESTINATION "lib/sysusers.d" RENAME lamplight.conf)

# Corosync's own folder stays its own: an operator, or a package, copies it there.
if(LAMPLIGHT_WITH_RING)
    install(FILES "${PROJECT_SOURCE_DIR}/packaging/corosync-uidgid"
            DESTINATION "${CMAKE_INSTALL_DATADIR}/lamplight/corosync/uidgid.d" RENAME lamplight)
endif()
