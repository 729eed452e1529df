// The program `hopyard`: the command line.
#include "cli/cli.h"

int main(int argc, char** argv) {
    return hopyard::cli::run(argc, argv);
}
