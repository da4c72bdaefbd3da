# What the build needs, and each part that can be left out.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tl-expected REQUIRED)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

option(LAMPLIGHT_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)

lamplight_feature(bus_local
    HEADING "Resource Modules"
    SUMMARY "Nodes on one machine share device state through sockets")

lamplight_feature(res_corosync
    HEADING "Resource Modules"
    SUMMARY "Nodes and Asterisk servers share device state over a Corosync ring"
    PKGCONFIG libcpg libcfg libcmap libcorosync_common
    DEBIAN libcpg-dev libcfg-dev libcmap-dev FEDORA corosynclib-devel)
lamplight_feature(res_ais
    HEADING "Resource Modules"
    SUMMARY "Event channels and cluster membership of the SA Forum's AIS on a Corosync ring"
    PKGCONFIG libcpg libcfg libcmap libcorosync_common
    DEBIAN libcpg-dev libcfg-dev libcmap-dev FEDORA corosynclib-devel)
lamplight_feature(res_jabber
    HEADING "Resource Modules"
    SUMMARY "Nodes and Asterisk servers share device state through XMPP servers"
    PKGCONFIG expat libgsasl libcares openssl
    DEBIAN libexpat1-dev libgsasl-dev libc-ares-dev libssl-dev
    FEDORA expat-devel libgsasl-devel c-ares-devel openssl-devel)
# What the two on a ring stand on.
set(LAMPLIGHT_WITH_RING OFF)
if(LAMPLIGHT_WITH_RES_COROSYNC OR LAMPLIGHT_WITH_RES_AIS)
    set(LAMPLIGHT_WITH_RING ON)
    pkg_check_modules(COROSYNC REQUIRED QUIET IMPORTED_TARGET GLOBAL libcpg libcfg libcmap libcorosync_common)
endif()

lamplight_feature(lamplight_sim
    HEADING "Utilities"
    SUMMARY "Simulator: scenarios with a virtual clock and links")
lamplight_feature(lamplight_bench
    HEADING "Utilities"
    SUMMARY "Benchmarks of the engine and of whole daemons")

lamplight_feature(tests
    HEADING "Test Modules"
    SUMMARY "Unit, property, golden and system tests"
    PACKAGE GTest
    DEBIAN libgtest-dev libgmock-dev FEDORA gtest-devel gmock-devel)
lamplight_feature(fuzz
    HEADING "Test Modules"
    SUMMARY "Fuzz targets (without clang they replay their corpus)")

lamplight_feature(systemd
    HEADING "Compiler Flags"
    SUMMARY "Tells systemd when it is ready, reloading or stopping"
    PKGCONFIG libsystemd
    DEBIAN libsystemd-dev FEDORA systemd-devel)

# The name that presets and packagers know.
set(LAMPLIGHT_TESTS ${LAMPLIGHT_WITH_TESTS})
