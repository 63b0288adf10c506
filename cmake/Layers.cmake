# SPDX-License-Identifier: GPL-2.0-only
# Which folder sees which. Sources write the folder's name (#include "emu/machine.h"), and a folder
# answers to its name only for those linked with its library: each library has a directory of its own
# in the build tree that holds one symbolic link, from the name to the source folder.

# ringside_layer(TARGET FOLDER [INTERFACE]): FOLDER is what "FOLDER/x.h" means to TARGET's users.
function(ringside_layer target folder)
    set(scope PUBLIC)
    if("INTERFACE" IN_LIST ARGN)
        set(scope INTERFACE)
    endif()
    set(view ${PROJECT_BINARY_DIR}/include/${folder})
    file(MAKE_DIRECTORY ${view})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${view}/${folder} SYMBOLIC)
    target_include_directories(${target} ${scope} ${view})
endfunction()
