#include "node/console/pages.h"

#include <algorithm>

#include <fmt/format.h>

namespace hopyard::node::console {
namespace {

std::string document(const std::string& title, const std::string& head, const std::string& body) {
    return fmt::format(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n"
        "<link rel=\"stylesheet\" href=\"/console.css\">\n"
        "<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">\n"
        "<script src=\"/console.js\" defer></script>\n{}</head>\n<body>\n{}</body>\n</html>\n",
        escape_html(title),
        head,
        body);
}

std::string form_token(const Session& session) {
    return fmt::format("<input type=\"hidden\" name=\"token\" value=\"{}\">",
                       escape_html(session.form_token));
}

std::string bar(const std::string& cluster, const Session& session) {
    return fmt::format(
        "<a class=\"skip\" href=\"#main\">Skip to content</a>\n<header class=\"bar\">"
        "<a class=\"brand\" href=\"/\"><img src=\"/icon.svg\" alt=\"\" width=\"28\" height=\"28\">"
        "<span>{}</span></a><span class=\"who\">{}</span>"
        "<form method=\"post\" action=\"/sign-out\">{}<button class=\"quiet\">Sign out</button>"
        "</form></header>\n",
        escape_html(cluster),
        escape_html(session.user),
        form_token(session));
}

std::string alert(const std::optional<Error>& error) {
    if (!error) return "";
    auto message = escape_html(error->message);
    if (!message.empty() && message[0] >= 'a' && message[0] <= 'z') message[0] -= 'a' - 'A';
    return fmt::format("<div class=\"alert\" role=\"alert\"><strong>{}</strong>{}</div>",
                       message,
                       error->next_action.empty()
                           ? ""
                           : fmt::format("<p>{}</p>", escape_html(error->next_action)));
}

/// The colour of a state: what is well, what is under way, what needs a look, what is at rest.
std::string_view tone_of(std::string_view state) {
    for (const auto word : {"idle", "completed", "ready"}) {
        if (state == word) return "good";
    }
    for (const auto word : {"allocated", "mixed", "running"}) {
        if (state == word) return "busy";
    }
    for (const auto word : {"down", "failed", "timed_out", "not responding"}) {
        if (state == word) return "bad";
    }
    return "calm";
}

std::string badge(std::string_view state) {
    std::string words(state);
    std::replace(words.begin(), words.end(), '_', ' ');
    return fmt::format("<span class=\"badge {}\">{}</span>", tone_of(state), escape_html(words));
}

std::string ago(Timestamp then, Timestamp now) {
    const auto age = std::max(now - then, Milliseconds(0));
    const auto whole = std::chrono::floor<Seconds>(age);
    return fmt::format("<time datetime=\"{}\">{} ago</time>",
                       to_rfc3339(then),
                       whole.count() < 60 ? fmt::format("{} s", whole.count()) : to_human(whole));
}

std::string run_time(const Job& job, Timestamp now) {
    if (!job.started_at) return "–";
    return to_human(std::max(job.ended_at.value_or(now) - *job.started_at, Milliseconds(0)));
}

std::string memory(std::int64_t mb) {
    return mb < 1024 ? fmt::format("{} MB", mb) : fmt::format("{:.1f} GB", double(mb) / 1024.0);
}

std::string tile(std::string_view label, const std::string& number, std::string_view of) {
    return fmt::format(
        "<div class=\"tile\"><dt>{}</dt><dd>{}<small>{}</small></dd></div>", label, number, of);
}

std::string tiles(const Overview& view) {
    const auto nodes = [&](auto... states) {
        return std::to_string(
            std::count_if(view.nodes.begin(), view.nodes.end(), [&](const auto& row) {
                return !row.is_head && ((row.state == states) || ...);
            }));
    };
    const auto jobs = [&](JobState state) {
        return view.queue_failure ? std::string("–")
                                  : std::to_string(std::count_if(
                                        view.jobs.begin(), view.jobs.end(), [&](const auto& job) {
                                            return job.state == state;
                                        }));
    };
    const auto workers = std::count_if(
        view.nodes.begin(), view.nodes.end(), [](const auto& row) { return !row.is_head; });
    const auto of = fmt::format(" of {}", workers);
    return "<dl class=\"tiles\">" + tile("Workers idle", nodes("idle"), of) +
           tile("Workers busy", nodes("allocated", "mixed"), of) +
           tile("Jobs running", jobs(JobState::running), "") +
           tile("Jobs waiting", jobs(JobState::pending), "") + "</dl>\n";
}

/// On a narrow screen a row becomes a list, and the label stands before the value.
std::string cell(std::string_view label, const std::string& html) {
    return fmt::format("<td data-label=\"{}\"><div>{}</div></td>", label, html);
}

std::string node_row(const NodeRow& row) {
    const auto share = row.cpus > 0 ? std::clamp(row.allocated_cpus * 100 / row.cpus, 0, 100) : 0;
    const auto gpus = row.gpus > 0 ? fmt::format(", {} GPU", row.gpus) : "";
    const auto use = fmt::format(
        "<meter min=\"0\" max=\"100\" value=\"{0}\">{0} %</meter> "
        "<span class=\"used\">{1}/{2} CPU</span>",
        share,
        row.allocated_cpus,
        row.cpus);
    return fmt::format("<tr><th scope=\"row\"><span class=\"name\">{}</span><small>{}</small></th>",
                       escape_html(row.name),
                       escape_html(row.is_head ? "head · " + row.address : row.address)) +
           cell("State", badge(row.state)) + cell("In use", row.is_head ? "–" : use) +
           cell("Size", fmt::format("{} CPU, {}{}", row.cpus, memory(row.memory_mb), gpus)) +
           cell("Jobs", row.is_head ? "–" : std::to_string(row.jobs)) + "</tr>\n";
}

std::string nodes_card(const Overview& view) {
    std::string rows;
    for (const auto& row : view.nodes) rows += node_row(row);
    const bool has_workers = view.nodes.size() > 1;
    return fmt::format(
        "<section class=\"card\" aria-labelledby=\"nodes\"><h2 id=\"nodes\">Nodes</h2>"
        "<table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">State</th>"
        "<th scope=\"col\">In use</th><th scope=\"col\">Size</th>"
        "<th scope=\"col\">Jobs</th></tr></thead><tbody>{}</tbody></table>{}"
        "</section>\n",
        rows,
        has_workers ? ""
                    : "<p class=\"empty\">There are no workers yet. Jobs wait until some are "
                      "added.</p>");
}

std::string job_row(const Job& job, Timestamp now) {
    const auto small = [](const std::string& text) {
        return text.empty() ? "" : fmt::format(" <small>{}</small>", escape_html(text));
    };
    return fmt::format(
               "<tr><th scope=\"row\"><a href=\"/jobs/{0}\">{0} "
               "<span class=\"name\">{1}</span></a></th>",
               job.id,
               escape_html(job.name)) +
           cell("State", badge(to_string(job.state)) + small(job.reason)) +
           cell("User", escape_html(job.user)) +
           cell("Nodes", std::to_string(job.nodes) + small(job.on)) +
           cell("Submitted", ago(job.submitted_at, now)) + cell("Run time", run_time(job, now)) +
           "</tr>\n";
}

std::string jobs_card(const Overview& view) {
    std::string content;
    if (view.queue_failure) {
        content = alert(view.queue_failure);
    } else if (view.jobs.empty()) {
        content =
            "<p class=\"empty\">The queue is empty. Submit a command, or use <code>sbatch</code> "
            "on the head.</p>";
    } else {
        std::string rows;
        for (const auto& job : view.jobs) rows += job_row(job, view.now);
        content = fmt::format(
            "<table><thead><tr><th scope=\"col\">Job</th><th scope=\"col\">State</th>"
            "<th scope=\"col\">User</th><th scope=\"col\">Nodes</th>"
            "<th scope=\"col\">Submitted</th><th scope=\"col\">Run time</th></tr></thead>"
            "<tbody>{}</tbody></table>",
            rows);
    }
    return "<section class=\"card\" aria-labelledby=\"jobs\"><h2 id=\"jobs\">Jobs</h2>" + content +
           "</section>\n";
}

std::string submit_card(const Overview& view) {
    const auto checked = [](bool is) { return is ? " checked" : ""; };
    return fmt::format(
        "<section class=\"card submit\" aria-labelledby=\"run\"><h2 id=\"run\">Run a command</h2>"
        "<form method=\"post\" action=\"/jobs\" data-busy=\"Submitting…\">{}{}"
        "<label for=\"command\">Command</label>"
        "<textarea id=\"command\" name=\"command\" rows=\"4\" spellcheck=\"false\" "
        "autocapitalize=\"off\" autocomplete=\"off\" required "
        "placeholder=\"hostname\">{}</textarea>"
        "<label for=\"nodes-wanted\">Nodes</label>"
        "<input id=\"nodes-wanted\" name=\"nodes\" type=\"number\" min=\"1\" max=\"1024\" "
        "value=\"{}\" required inputmode=\"numeric\">"
        "<fieldset><legend>Runs</legend>"
        "<label class=\"choice\"><input type=\"radio\" name=\"runs\" value=\"every\"{}> once on "
        "every node</label>"
        "<label class=\"choice\"><input type=\"radio\" name=\"runs\" value=\"first\"{}> on the "
        "first node; it calls <code>srun</code> itself</label></fieldset>"
        "<button class=\"primary\">Submit</button></form></section>\n",
        alert(view.refusal),
        form_token(view.session),
        escape_html(view.form.command),
        view.form.nodes,
        checked(view.form.every_node),
        checked(!view.form.every_node));
}

std::string fact(std::string_view name, const std::string& html) {
    return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, html);
}

std::string job_facts(const JobView& view) {
    const auto& job = view.job;
    auto nodes = std::to_string(job.nodes);
    if (!job.on.empty()) nodes += fmt::format(" <small>{}</small>", escape_html(job.on));
    std::string facts = fact("User", escape_html(job.user)) + fact("Nodes", nodes) +
                        fact("Submitted", ago(job.submitted_at, view.now)) +
                        fact("Run time", run_time(job, view.now));
    if (job.exit_code) facts += fact("Exit code", std::to_string(*job.exit_code));
    if (!job.reason.empty()) facts += fact("Waits for", escape_html(job.reason));
    return "<dl class=\"facts\">" + facts + "</dl>";
}

std::string output_card(const JobView& view) {
    const auto& output = view.output;
    std::string content;
    if (!output.complete) {
        content = fmt::format(
            "<p class=\"wait\"><span class=\"spinner\" aria-hidden=\"true\">"
            "</span>{}</p>",
            escape_html(output.note));
    } else if (!output.note.empty()) {
        content = fmt::format("<p class=\"empty\">{}</p>", escape_html(output.note));
    } else if (output.text.empty()) {
        content = "<p class=\"empty\">The command printed nothing.</p>";
    } else {
        content =
            fmt::format("<pre class=\"output\" tabindex=\"0\">{}</pre>", escape_html(output.text));
    }
    return "<section class=\"card\" aria-labelledby=\"output\"><h2 id=\"output\">Output</h2>" +
           content + "</section>";
}

}  // namespace

std::string escape_html(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&':
                result += "&amp;";
                break;
            case '<':
                result += "&lt;";
                break;
            case '>':
                result += "&gt;";
                break;
            case '"':
                result += "&quot;";
                break;
            case '\'':
                result += "&#39;";
                break;
            case '\0':
                break;
            default:
                result += c;
        }
    }
    return result;
}

std::string sign_in_page(const SignInView& view) {
    const auto body = fmt::format(
        "<main id=\"main\" class=\"door\"><div class=\"card\">"
        "<img src=\"/icon.svg\" alt=\"\" width=\"48\" height=\"48\"><h1>{}</h1>"
        "<p>Sign in with an account of this cluster.</p>{}"
        "<form method=\"post\" action=\"/sign-in\" data-busy=\"Signing in…\">"
        "<label for=\"user\">User</label>"
        "<input id=\"user\" name=\"user\" value=\"{}\" autocomplete=\"username\" "
        "autocapitalize=\"off\" spellcheck=\"false\" maxlength=\"64\" required{}>"
        "<label for=\"password\">Password</label>"
        "<input id=\"password\" name=\"password\" type=\"password\" "
        "autocomplete=\"current-password\" maxlength=\"256\" required{}>"
        "<button class=\"primary\">Sign in</button></form></div></main>\n",
        escape_html(view.cluster),
        alert(view.refusal),
        escape_html(view.user),
        view.user.empty() ? " autofocus" : "",
        view.user.empty() ? "" : " autofocus");
    return document("Sign in · " + view.cluster, "", body);
}

std::string overview_part(const Overview& view) {
    return tiles(view) + nodes_card(view) + jobs_card(view);
}

std::string overview_page(const Overview& view) {
    const auto body = fmt::format(
        "{}<main id=\"main\" class=\"overview\"><h1 class=\"unseen\">{}</h1>{}"
        "<div class=\"live\" data-part=\"/parts/overview\">{}</div></main>\n"
        "<p id=\"trouble\" class=\"trouble\" role=\"status\" hidden></p>\n",
        bar(view.cluster, view.session),
        escape_html(view.cluster),
        submit_card(view),
        overview_part(view));
    return document(view.cluster + " · Hopyard", "", body);
}

std::string job_part(const JobView& view) {
    std::string html = fmt::format(
        "<section class=\"card\" data-done=\"{}\"><h1>Job {} {}</h1>{}{}</section>\n",
        has_ended(view.job.state) && (view.output.complete || !view.is_own) ? "yes" : "no",
        view.job.id,
        badge(to_string(view.job.state)),
        job_facts(view),
        view.is_own && !view.job.command.empty()
            ? fmt::format("<pre class=\"command\"><code>{}</code></pre>",
                          escape_html(view.job.command))
            : "");
    if (view.is_own) html += output_card(view);
    return html;
}

std::string job_page(const JobView& view) {
    const bool waits = !has_ended(view.job.state) || !view.output.complete;
    const auto body = fmt::format(
        "{}<main id=\"main\" class=\"job\"><nav><a href=\"/\">← All jobs</a></nav>"
        "<div class=\"live\" data-part=\"/parts/jobs/{}\">{}</div></main>\n"
        "<p id=\"trouble\" class=\"trouble\" role=\"status\" hidden></p>\n",
        bar(view.cluster, view.session),
        view.job.id,
        job_part(view));
    return document(
        fmt::format("Job {} · {}", view.job.id, view.cluster),
        waits ? "<noscript><meta http-equiv=\"refresh\" content=\"3\"></noscript>\n" : "",
        body);
}

std::string error_page(const std::string& title, const Error& error) {
    return document(title,
                    "",
                    fmt::format("<main id=\"main\" class=\"door\"><div class=\"card\"><h1>{}</h1>{}"
                                "<p><a href=\"/\">Back to the cluster</a></p></div></main>\n",
                                escape_html(title),
                                alert(error)));
}

}  // namespace hopyard::node::console
