#include "node/workload/slurm_preload.h"

extern "C" {
extern const char hopyard_slurm_preload_begin[];
extern const char hopyard_slurm_preload_end[];
}

// clang-format off
asm(".section .rodata\n"
    ".global hopyard_slurm_preload_begin\n"
    ".global hopyard_slurm_preload_end\n"
    "hopyard_slurm_preload_begin:\n"
    ".incbin \"" HOPYARD_SLURM_PRELOAD "\"\n"
    "hopyard_slurm_preload_end:\n"
    ".byte 0\n"
    ".previous\n");
// clang-format on

namespace hopyard::node::workload {

std::string_view slurm_preload() {
    return {hopyard_slurm_preload_begin, hopyard_slurm_preload_end};
}

}  // namespace hopyard::node::workload
