#include "engine.h"

#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dask/dask.h"
#include "dask/programs.h"

namespace hopyard::test {
namespace {

using Json = nlohmann::json;

bool ran(const std::string& answer) {
    if (answer.starts_with("failed")) std::cerr << answer << "\n";
    return !answer.starts_with("failed");
}

class SlurmEngine final : public Engine {
  public:
    std::string name() const override { return "slurm"; }
    std::string image() const override { return base_image(); }
    bool can_hold() const override { return true; }

    bool submit(Lab& lab, const std::vector<Work>& works) const override {
        std::string commands = "set -e; ";
        for (const auto& work : works) commands += command(work) + "; ";
        return ran(lab.run(head, "root", commands));
    }

    void clear(Lab& lab) const override { lab.run(head, "root", "scancel -u root"); }

  private:
    static std::string command(const Work& work) {
        auto options = fmt::format("-J {0} -o /dev/null --requeue -N1 -n1 -c {1} --mem={2}",
                                   work.name,
                                   work.cpus,
                                   work.memory_mb);
        if (work.gpus > 0) options += fmt::format(" --gpus={}", work.gpus);
        if (!work.on.empty()) options += " -w " + work.on;
        if (work.held) options += " --hold";
        if (!work.after.empty())
            options += fmt::format(" --dependency=afterany:$(squeue -h -n {} -o %i)", work.after);
        return fmt::format(
            "for i in $(seq {0}); do sbatch {1} --wrap 'echo began >>/tmp/began-{2}; "
            "until test -e /tmp/end-{2}; do sleep 0.02; done; echo ended >>/tmp/ended-{2}'; done",
            work.count,
            options,
            work.name);
    }
};

class DaskEngine final : public Engine {
  public:
    std::string name() const override { return "dask"; }
    /// This machine's own: the packages that the tests need are installed there.
    std::string image() const override { return "/"; }
    bool can_hold() const override { return false; }

    bool submit(Lab& lab, const std::vector<Work>& works) const override {
        std::string list;
        for (const auto& work : works) list += wish(work).dump() + "\n";
        return ran(client(lab, "", list));
    }

    void clear(Lab& lab) const override { ran(client(lab, "--clear", "")); }

  private:
    static Json wish(const Work& work) {
        return Json::object({{"name", work.name},
                             {"count", work.count},
                             {"cpus", work.cpus},
                             {"memory_mb", work.memory_mb},
                             {"gpus", work.gpus},
                             {"on", work.on},
                             {"after", work.after}});
    }

    static std::string client(Lab& lab, const std::string& option, const std::string& list) {
        constexpr const char* file = "/tmp/submit.py";
        return lab.run(
            head,
            "root",
            fmt::format("test -e {0} || cat >{0} <<'PROGRAM'\n{1}\nPROGRAM\n"
                        "/usr/bin/python3 {0} $(hostname -I | cut -d' ' -f1):{2} {3} <<'LIST'\n"
                        "{4}LIST\n",
                        file,
                        submit_program(),
                        dask_port,
                        option,
                        list));
    }
};

}  // namespace

const Engine& slurm() {
    static const SlurmEngine engine;
    return engine;
}

const Engine& dask() {
    static const DaskEngine engine;
    return engine;
}

}  // namespace hopyard::test
