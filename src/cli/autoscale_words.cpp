// The words of `hopyard autoscale`.
#include <CLI/CLI.hpp>

#include "cli/words.h"

namespace hopyard::cli {
namespace {

CLI::App* add(CLI::App& parent, Chosen& c, const char* name, const char* help) {
    CLI::App* command = parent.add_subcommand(name, help);
    command->add_option("cluster", c.autoscale.cluster, "Name or id")->required();
    return command;
}

const auto one_mode = CLI::IsMember({"standard", "adaptive"});
constexpr const char* mode_help = "standard: the rules alone; adaptive: learns from the past";

/// One group; `prefix` is "--" or "--gpu-".
void add_group(CLI::App& set, const std::string& prefix, AutoscaleGroupOptions& group) {
    set.add_option(prefix + "type", group.instance_type, "Instance type");
    set.add_option(prefix + "fallback",
                   group.fallback_types,
                   "Type when the cloud has none of those before; may be repeated; off: none")
        ->allow_extra_args(false);
    set.add_option(prefix + "disk", group.disk_gb, "GB");
    set.add_option(prefix + "min", group.min_workers, "Never fewer workers");
    set.add_option(prefix + "max", group.max_workers, "Never more workers");
    set.add_option(prefix + "standby",
                   group.standby_workers,
                   "Workers that stay free while anything runs; fractions allowed");
    set.add_option(prefix + "wait", group.downscale_wait_s, "Seconds unused before one leaves");
    set.add_option(prefix + "spot",
                   group.spot,
                   "Spot machines, at most at that percent of the price on demand; off: on demand");
    set.add_option_function<std::string>(
           prefix + "spot-fallback",
           [&group](const std::string& word) { group.spot_fallback = word == "yes"; },
           "On demand when there is none at that price; yes when left out")
        ->check(CLI::IsMember({"yes", "no"}));
    set.add_option(
        prefix + "standby-shape",
        group.standby_shape,
        "Room for jobs that stays free: cpus=4,memoryMb=16384,gpus=1,count=2; off: none");
    set.add_option(prefix + "schedule",
                   group.schedule,
                   "Another minimum at some hours, in UTC: \"mon-fri 08:00-18:00 min=2\"; may be "
                   "repeated; all are replaced; off: none")
        ->allow_extra_args(false);
}

void add_simulate(CLI::App& autoscale, Chosen& c) {
    SimulateOptions& options = c.simulate;
    CLI::App* simulate = autoscale.add_subcommand(
        "simulate", "Try a policy on a recorded workload: cost, waiting, workers over time");
    simulate->add_option("cluster", options.policy.cluster, "Name or id: its policy is tried");
    simulate->add_option("--trace", options.trace, "Workload, plain or packed by gzip; - is stdin")
        ->required();
    simulate->add_option("--format", options.format, "Of the workload; by its look when left out")
        ->check(CLI::IsMember({"swf", "openb"}));
    simulate->add_option("-f,--policy",
                         options.policy.file,
                         "Another policy: the autoscale part of a specification");
    simulate->add_option("--mode", options.policy.mode, mode_help)->check(one_mode);
    add_group(*simulate, "--", options.policy.general);
    add_group(*simulate, "--gpu-", options.policy.gpu);
    simulate->add_flag("--no-gpu", options.policy.no_gpu, "Without a GPU group");
    simulate->add_option("--location",
                         options.location,
                         "Whose sizes and prices count; the cluster's when left out");
    CLI::Option* boot = simulate->add_option(
        "--boot-seconds", options.boot_s, "Until a new worker takes work; 285 when left out");
    simulate->add_option("--boot-samples", options.boot_samples, "FILE of such seconds, in turn")
        ->excludes(boot);
    simulate->add_option("--cores", options.cores, "Of one processor of the workload")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    simulate->add_flag("--skip-bad-lines", options.skip_bad_lines, "Name them, and go on");
    simulate->add_option("--svg", options.svg, "FILE for a chart");
    simulate->footer(
        "Recorded workloads: the Parallel Workloads Archive (swf), cluster-trace-gpu-v2023 "
        "(openb).\n"
        "  hopyard autoscale simulate demo --trace week.swf.gz --mode adaptive --svg week.svg");
    simulate->callback([&c] {
        c.remote = [&c](Session& s) { return autoscale_simulate(s, c.output, c.simulate); };
    });
}

}  // namespace

void add_autoscale(CLI::App& app, Chosen& c) {
    CLI::App* autoscale = app.add_subcommand("autoscale", "Workers that follow demand");
    autoscale->require_subcommand(1);
    CLI::App* set = add(*autoscale, c, "set", "Set or change the policy; what is not named stays");
    set->add_option("-f,--file", c.autoscale.file, "Whole policy, YAML or JSON; - is stdin");
    set->add_option("--mode", c.autoscale.mode, mode_help)->check(one_mode);
    add_group(*set, "--", c.autoscale.general);
    add_group(*set, "--gpu-", c.autoscale.gpu);
    set->add_flag("--no-gpu", c.autoscale.no_gpu, "Without a GPU group");
    set->callback(
        [&c] { c.remote = [&c](Session& s) { return autoscale_set(s, c.output, c.autoscale); }; });
    add(*autoscale, c, "off", "Keep all workers as static ones")->callback([&c] {
        c.remote = [&c](Session& s) { return autoscale_off(s, c.autoscale.cluster); };
    });
    add(*autoscale, c, "show", "Show the policy, what waits, and what was refused")->callback([&c] {
        c.remote = [&c](Session& s) { return autoscale_show(s, c.output, c.autoscale.cluster); };
    });
    CLI::App* explain =
        add(*autoscale, c, "explain", "Why workers came and left, newest decision first");
    explain->add_option("-n,--number", c.autoscale.number, "Of decisions")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    explain->add_option("--save", c.autoscale.save, "FILE for them, with what they were made from");
    explain->callback([&c] {
        c.remote = [&c](Session& s) { return autoscale_explain(s, c.output, c.autoscale); };
    });
    add_simulate(*autoscale, c);
}

}  // namespace hopyard::cli
