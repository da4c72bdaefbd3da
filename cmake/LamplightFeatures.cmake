# What the build needs, what it can use, and the table that says so.

option(LAMPLIGHT_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tl-expected REQUIRED)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
if(LAMPLIGHT_TESTS)
    find_package(GTest REQUIRED)
endif()

function(lamplight_report_features)
endfunction()
