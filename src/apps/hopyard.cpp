// The program `hopyard`: the command line, and the control plane behind `hopyard serve`.
#include "apps/serve.h"
#include "cli/cli.h"

int main(int argc, char** argv) {
    return hopyard::cli::run(argc, argv, hopyard::apps::serve);
}
