# A folder of src/ is a module, and a module is a static library (style S1).
#
#   hopyard_module(store USES model base LIBRARIES PkgConfig::SQLITE)
#
# takes every .cpp below the folder. Files named *_test.cpp become the test program NAME_test, beside
# the code they test. The link test NAME_link links the whole module with only what it may use, so a
# forbidden dependency does not build.
function(hopyard_module name)
    cmake_parse_arguments(ARG "" "" "USES;LIBRARIES;TEST_USES;TEST_LIBRARIES" ${ARGN})
    string(REPLACE "/" "_" id ${name})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    set(tests ${sources})
    list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")

    set(uses "")
    foreach(module ${ARG_USES})
        string(REPLACE "/" "_" module ${module})
        list(APPEND uses hopyard_${module})
    endforeach()

    if(sources)
        add_library(hopyard_${id} STATIC ${sources})
        target_precompile_headers(hopyard_${id} REUSE_FROM hopyard_common_headers)
        target_include_directories(hopyard_${id} PUBLIC ${CMAKE_SOURCE_DIR}/src)
        target_link_libraries(hopyard_${id} PUBLIC ${uses} PRIVATE ${ARG_LIBRARIES})
    else()
        add_library(hopyard_${id} INTERFACE)
        target_include_directories(hopyard_${id} INTERFACE ${CMAKE_SOURCE_DIR}/src)
        target_link_libraries(hopyard_${id} INTERFACE ${uses})
    endif()

    if(NOT HOPYARD_TESTS)
        return()
    endif()
    if(sources)
        add_executable(${id}_link ${CMAKE_SOURCE_DIR}/cmake/link_test.cpp)
        set_target_properties(${id}_link PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/link)
        target_link_libraries(${id}_link PRIVATE -Wl,--whole-archive hopyard_${id} -Wl,--no-whole-archive)
        add_test(NAME ${id}_link COMMAND ${id}_link)
    endif()
    if(tests)
        set(test_uses "")
        foreach(module ${ARG_TEST_USES})
            string(REPLACE "/" "_" module ${module})
            list(APPEND test_uses hopyard_${module})
        endforeach()
        add_executable(${id}_test ${tests})
        target_link_libraries(${id}_test PRIVATE hopyard_${id} ${test_uses} ${ARG_LIBRARIES}
                              ${ARG_TEST_LIBRARIES} GTest::gtest_main)
        hopyard_build_quickly(${id}_test)
        target_compile_definitions(${id}_test PRIVATE HOPYARD_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
        add_test(NAME ${id} COMMAND ${id}_test)
        set_tests_properties(${id} PROPERTIES LABELS unit)
        add_dependencies(unit_tests ${id}_test)
    endif()
endfunction()

# Test programs are compiled far more often than they are run: without optimisation, and from common
# headers that are read once.
function(hopyard_build_quickly target)
    target_compile_options(${target} PRIVATE -O0 -U_FORTIFY_SOURCE)
    target_precompile_headers(${target} REUSE_FROM hopyard_common_test_headers)
endfunction()
