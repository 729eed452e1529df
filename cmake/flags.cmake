# Compiler and linker flags of every target of ours: warnings are errors, hardening is on (style B2).
find_program(CCACHE ccache)
if(CCACHE)
    # What ccache has to be told before it keeps what was compiled with a precompiled header.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        add_compile_options(-fpch-preprocess)
    else()
        add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
    endif()
endif()
find_program(MOLD mold)
if(MOLD)
    add_link_options(-fuse-ld=mold)
endif()

# Without the assertions of libraries: our own are CHECKs, which stay.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror
                    -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
# g++ 12 reports uninitialised and out-of-bounds uses inside std::variant and std::string that are
# not there (GCC bugs 105562, 105329, 107852).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds
                        -Wno-stringop-overflow -Wno-missing-field-initializers)
else()
    add_compile_options(-Wno-missing-field-initializers)
endif()
add_compile_options(-fstack-protector-strong)
if(NOT CMAKE_BUILD_TYPE STREQUAL Debug AND NOT HOPYARD_SANITIZE)
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
add_link_options(-pie -Wl,-z,relro -Wl,-z,now)
if(HOPYARD_SANITIZE)
    add_compile_options(-fsanitize=${HOPYARD_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${HOPYARD_SANITIZE})
    # Each compiler has a way of its own to tell the code.
    add_compile_definitions(HOPYARD_SANITIZED=1)
    if(HOPYARD_SANITIZE MATCHES address)
        add_compile_definitions(HOPYARD_ADDRESS_SANITIZER=1)
    endif()
    # The check of vtables needs type information that SOCI's library does not export.
    add_compile_options(-fno-sanitize=vptr)
endif()
if(HOPYARD_DEFECT)
    add_compile_definitions(HOPYARD_DEFECT_${HOPYARD_DEFECT}=1)
endif()
