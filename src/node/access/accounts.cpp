#include "node/access/accounts.h"

#include <algorithm>

#include <fmt/format.h>

namespace hopyard::node::access {
namespace {

constexpr int first_uid_of_people = 1000;
constexpr int last_uid_of_people = 59'999;

/// One of the colon-separated tables of /etc.
class Table {
  public:
    using Row = std::vector<std::string>;

    Table(const std::string& text, std::size_t columns) : columns_(columns) {
        for (std::size_t at = 0; at < text.size();) {
            const auto end = std::min(text.find('\n', at), text.size());
            if (end > at) rows_.push_back(split(text.substr(at, end - at)));
            at = end + 1;
        }
    }

    Row* find(const std::string& name) {
        const auto found = std::find_if(
            rows_.begin(), rows_.end(), [&](const Row& row) { return row[0] == name; });
        return found == rows_.end() ? nullptr : &*found;
    }
    const Row* find_number(const std::string& number) const {
        const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) {
            return row.size() > 2 && row[2] == number;
        });
        return found == rows_.end() ? nullptr : &*found;
    }
    Row& add(const std::string& name) {
        if (auto* row = find(name)) return *row;
        rows_.push_back(Row(columns_));
        rows_.back()[0] = name;
        return rows_.back();
    }
    void remove(const std::string& name) {
        std::erase_if(rows_, [&](const Row& row) { return row[0] == name; });
    }
    std::vector<Row>& rows() { return rows_; }

    std::string text() const {
        std::string result;
        for (const auto& row : rows_) {
            for (std::size_t i = 0; i < row.size(); ++i) result += (i == 0 ? "" : ":") + row[i];
            result += '\n';
        }
        return result;
    }

  private:
    Row split(const std::string& line) const {
        Row row;
        std::size_t at = 0;
        for (;;) {
            const auto end = line.find(':', at);
            row.push_back(line.substr(at, end - at));
            if (end == std::string::npos) break;
            at = end + 1;
        }
        row.resize(std::max(row.size(), columns_));
        return row;
    }
    std::size_t columns_;
    std::vector<Row> rows_;
};

bool is_plain_name(const std::string& name) {
    if (name.empty() || name.size() > 32 || name[0] == '-' || (name[0] >= '0' && name[0] <= '9')) {
        return false;
    }
    return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
}

Failure conflict(std::string code, std::string message) {
    return fail(ErrorKind::conflict, std::move(code), std::move(message));
}

Result<void> check(const nodewire::User& user, Table& passwd) {
    if (!is_plain_name(user.name) || user.uid < first_uid_of_people ||
        user.uid > last_uid_of_people ||
        user.password_hash.find_first_of(":\n") != std::string::npos) {
        return fail(
            ErrorKind::invalid_argument,
            "user_malformed",
            fmt::format(
                "the user {} with number {} cannot be made", user.name.substr(0, 40), user.uid));
    }
    if (const auto* row = passwd.find(user.name)) {
        const int uid = std::atoi((*row)[2].c_str());
        if (uid < first_uid_of_people || uid > last_uid_of_people) {
            return conflict("user_is_a_system_account",
                            fmt::format("{} is an account of the system", user.name));
        }
    }
    const auto* owner = passwd.find_number(std::to_string(user.uid));
    if (owner != nullptr && (*owner)[0] != user.name) {
        return conflict(
            "uid_taken",
            fmt::format("the number {} of {} belongs to {}", user.uid, user.name, (*owner)[0]));
    }
    return {};
}

std::vector<std::string> members_of(const std::string& list) {
    std::vector<std::string> result;
    for (std::size_t at = 0; at < list.size();) {
        const auto end = std::min(list.find(',', at), list.size());
        if (end > at) result.push_back(list.substr(at, end - at));
        at = end + 1;
    }
    return result;
}

enum class Membership { in, out };

void set_membership(Table& group, const std::string& name, Membership membership) {
    auto* row = group.find("sudo");
    if (row == nullptr) return;
    auto members = members_of((*row)[3]);
    std::erase(members, name);
    if (membership == Membership::in) members.push_back(name);
    (*row)[3] = fmt::format("{}", fmt::join(members, ","));
}

void remove_others(Table& passwd,
                   Table& group,
                   Table& shadow,
                   const std::vector<nodewire::User>& users) {
    std::vector<std::string> gone;
    for (const auto& row : passwd.rows()) {
        const bool wanted = std::any_of(
            users.begin(), users.end(), [&](const auto& user) { return user.name == row[0]; });
        if (row[4] == account_mark && !wanted) gone.push_back(row[0]);
    }
    for (const auto& name : gone) {
        passwd.remove(name);
        shadow.remove(name);
        group.remove(name);
        set_membership(group, name, Membership::out);
    }
}

void put(Table& passwd, Table& group, Table& shadow, const nodewire::User& user) {
    const auto number = std::to_string(user.uid);
    passwd.add(user.name) = {
        user.name, "x", number, number, account_mark, home_of(user.name), "/bin/bash"};
    auto& own = group.add(user.name);
    own[1] = "x";
    own[2] = number;
    // Without a password there is none to guess; keys still let in. No last change: no ageing.
    shadow.add(user.name) = {user.name,
                             user.password_hash.empty() ? "*" : user.password_hash,
                             "",
                             "",
                             "",
                             "",
                             "",
                             "",
                             ""};
    set_membership(group, user.name, user.administrator ? Membership::in : Membership::out);
}

}  // namespace

std::string home_of(const std::string& name) {
    return "/home/" + name;
}

Result<AccountFiles> with_users(const AccountFiles& now, const std::vector<nodewire::User>& users) {
    Table passwd(now.passwd, 7), group(now.group, 4), shadow(now.shadow.reveal(), 9);
    remove_others(passwd, group, shadow, users);
    for (const auto& user : users) {
        RETURN_IF_ERROR(check(user, passwd));
        put(passwd, group, shadow, user);
    }
    return AccountFiles{passwd.text(), group.text(), Secret(shadow.text())};
}

}  // namespace hopyard::node::access
