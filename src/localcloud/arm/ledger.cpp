#include "localcloud/arm/ledger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "localcloud/arm/resource_id.h"

namespace hopyard::localcloud {

namespace {

constexpr int schema_version = 1;
constexpr const char* schema = R"sql(
CREATE TABLE resource (key TEXT PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL,
                       body TEXT NOT NULL, hidden TEXT NOT NULL,
                       etag TEXT NOT NULL, created INTEGER NOT NULL,
                       changed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE operation (id TEXT PRIMARY KEY, kind TEXT NOT NULL, target TEXT NOT NULL,
                        location TEXT NOT NULL, style INTEGER NOT NULL, arguments TEXT NOT NULL,
                        status INTEGER NOT NULL, error_code TEXT NOT NULL,
                        error_message TEXT NOT NULL, started INTEGER NOT NULL,
                        ended INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
)sql";

std::int64_t to_number(Timestamp time) {
    return time.time_since_epoch().count();
}
Timestamp to_time(std::int64_t number) {
    return Timestamp(Milliseconds(number));
}

/// One prepared statement; values are bound from 1.
class Statement {
  public:
    Statement(sqlite3* database, const char* sql) {
        sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
    }
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    Statement& bind(const std::string& text) {
        sqlite3_bind_text(
            statement_, ++bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
        return *this;
    }
    Statement& bind(std::int64_t number) {
        sqlite3_bind_int64(statement_, ++bound_, number);
        return *this;
    }
    bool row() { return statement_ && sqlite3_step(statement_) == SQLITE_ROW; }
    bool run() { return statement_ && sqlite3_step(statement_) == SQLITE_DONE; }
    std::string text(int column) const {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        return bytes
                   ? std::string(bytes,
                                 static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                   : std::string();
    }
    std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }

  private:
    sqlite3_stmt* statement_ = nullptr;
    int bound_ = 0;
};

bool write(sqlite3* database, const Resource& resource) {
    return Statement(database, "INSERT OR REPLACE INTO resource VALUES (?,?,?,?,?,?,?,?)")
        .bind(key_of(resource.id))
        .bind(resource.id)
        .bind(resource.type)
        .bind(to_text(*resource.body))
        .bind(to_text(*resource.hidden))
        .bind(resource.etag)
        .bind(to_number(resource.created))
        .bind(to_number(resource.changed))
        .run();
}

bool write(sqlite3* database, const Operation& operation) {
    return Statement(database, "INSERT OR REPLACE INTO operation VALUES (?,?,?,?,?,?,?,?,?,?,?)")
        .bind(operation.id)
        .bind(operation.kind)
        .bind(operation.target)
        .bind(operation.location)
        .bind(static_cast<std::int64_t>(operation.style))
        .bind(operation.arguments ? to_text(*operation.arguments) : "{}")
        .bind(static_cast<std::int64_t>(operation.status))
        .bind(operation.error_code)
        .bind(operation.error_message)
        .bind(to_number(operation.started))
        .bind(to_number(operation.ended))
        .run();
}

Failure damaged(const std::string& path, const std::string& cause) {
    Error error{
        .kind = ErrorKind::conflict,
        .code = "state_unusable",
        .message = fmt::format("the state file {} cannot be used: {}", path, cause),
        .field = "/state",
        .owner = Owner::administrator,
        .next_action = "restore the file from a copy, or start with another --state directory"};
    return Failure(std::move(error));
}

}  // namespace

struct Ledger::Database {
    std::string path;
    sqlite3* handle = nullptr;

    ~Database() { sqlite3_close(handle); }
    bool run(const char* sql) {
        return sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
    }
    Failure failure() const {
        Error error{.kind = ErrorKind::unavailable,
                    .code = "state_not_written",
                    .message = fmt::format("{}: {}", path, sqlite3_errmsg(handle)),
                    .owner = Owner::administrator,
                    .next_action = "make room on the disk that holds the state directory"};
        return Failure(std::move(error));
    }
};

Ledger::Ledger(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return damaged(path, "it cannot be opened for writing");
    ::close(file);
    auto database = std::make_unique<Database>();
    database->path = path;
    if (sqlite3_open(path.c_str(), &database->handle) != SQLITE_OK)
        return damaged(path, sqlite3_errmsg(database->handle));
    sqlite3_busy_timeout(database->handle, 5000);
    std::int64_t version = -1;
    {
        Statement check(database->handle, "PRAGMA quick_check(1)");
        if (!check.row() || check.text(0) != "ok") return damaged(path, "it is damaged");
        Statement ask(database->handle, "PRAGMA user_version");
        if (ask.row()) version = ask.number(0);
    }
    if (version > schema_version) return damaged(path, "a newer version of the program wrote it");
    if (!database->run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"))
        return database->failure();
    if (version == 0 &&
        (!database->run("BEGIN") || !database->run(schema) || !database->run("COMMIT")))
        return database->failure();
    std::unique_ptr<Ledger> ledger(new Ledger(std::move(database)));
    RETURN_IF_ERROR(ledger->load());
    return ledger;
}

Result<void> Ledger::load() {
    sqlite3* handle = database_->handle;
    auto read = [&](const std::string& text) -> Result<Document> {
        auto value = parse_json(text);
        if (!value) return damaged(database_->path, "it holds a document that is not JSON");
        return document(std::move(*value));
    };
    Statement resources(handle, "SELECT id,type,body,hidden,etag,created,changed FROM resource");
    while (resources.row()) {
        ASSIGN_OR_RETURN(auto body, read(resources.text(2)));
        ASSIGN_OR_RETURN(auto hidden, read(resources.text(3)));
        Resource resource{.id = resources.text(0),
                          .type = resources.text(1),
                          .body = body,
                          .hidden = hidden,
                          .etag = resources.text(4),
                          .created = to_time(resources.number(5)),
                          .changed = to_time(resources.number(6))};
        resources_[key_of(resource.id)] = resource;
    }
    Statement operations(handle,
                         "SELECT id,kind,target,location,style,arguments,status,error_code,"
                         "error_message,started,ended FROM operation");
    while (operations.row()) {
        ASSIGN_OR_RETURN(auto arguments, read(operations.text(5)));
        Operation operation{.id = operations.text(0),
                            .kind = operations.text(1),
                            .target = operations.text(2),
                            .location = operations.text(3),
                            .style = static_cast<Operation::Style>(operations.number(4)),
                            .arguments = arguments,
                            .status = static_cast<Operation::Status>(operations.number(6)),
                            .error_code = operations.text(7),
                            .error_message = operations.text(8),
                            .started = to_time(operations.number(9)),
                            .ended = to_time(operations.number(10))};
        operations_[operation.id] = operation;
    }
    Statement notes(handle, "SELECT name,value FROM note");
    while (notes.row()) notes_[notes.text(0)] = notes.text(1);
    return {};
}

std::optional<Resource> Ledger::find(const std::string& id) const {
    const auto lock = guard();
    const auto found = resources_.find(key_of(id));
    if (found == resources_.end()) return std::nullopt;
    return found->second;
}

std::vector<Resource> Ledger::list(const std::string& type, const std::string& below) const {
    const auto lock = guard();
    const std::string wanted = to_lower(type);
    std::vector<Resource> found;
    for (const auto& [key, resource] : resources_) {
        if (!below.empty() && !within(key, below)) continue;
        if (!wanted.empty() && to_lower(resource.type) != wanted) continue;
        found.push_back(resource);
    }
    return found;
}

std::optional<Operation> Ledger::operation(const std::string& id) const {
    const auto lock = guard();
    const auto found = operations_.find(to_lower(id));
    if (found == operations_.end()) return std::nullopt;
    return found->second;
}

std::vector<Operation> Ledger::running() const {
    const auto lock = guard();
    std::vector<Operation> found;
    for (const auto& [id, operation] : operations_)
        if (operation.status == Operation::Status::running) found.push_back(operation);
    std::ranges::sort(found, {}, &Operation::started);
    return found;
}

Result<void> Ledger::commit(const Batch& batch) {
    const auto lock = guard();
    sqlite3* handle = database_->handle;
    bool good = database_->run("BEGIN IMMEDIATE");
    for (const auto& id : batch.erase)
        good = good && Statement(handle, "DELETE FROM resource WHERE key=?").bind(key_of(id)).run();
    for (const auto& resource : batch.put) good = good && write(handle, resource);
    for (const auto& operation : batch.operations) good = good && write(handle, operation);
    good = good && database_->run("COMMIT");
    if (!good) {
        auto failure = database_->failure();
        database_->run("ROLLBACK");
        return failure;
    }
    for (const auto& id : batch.erase) resources_.erase(key_of(id));
    for (const auto& resource : batch.put) resources_[key_of(resource.id)] = resource;
    for (const auto& operation : batch.operations) operations_[operation.id] = operation;
    return {};
}

std::optional<std::string> Ledger::note(const std::string& name) const {
    const auto lock = guard();
    const auto found = notes_.find(name);
    if (found == notes_.end()) return std::nullopt;
    return found->second;
}

Result<void> Ledger::set_note(const std::string& name, const std::string& value) {
    const auto lock = guard();
    Statement put(database_->handle, "INSERT OR REPLACE INTO note VALUES (?,?)");
    if (!put.bind(name).bind(value).run()) return database_->failure();
    notes_[name] = value;
    return {};
}

Result<std::int64_t> Ledger::next_number(const std::string& series) {
    const auto lock = guard();
    const std::string name = "number:" + series;
    const std::int64_t next = std::strtoll(note(name).value_or("0").c_str(), nullptr, 10) + 1;
    RETURN_IF_ERROR(set_note(name, std::to_string(next)));
    return next;
}

void Ledger::forget_operations(Timestamp before) {
    const auto lock = guard();
    const bool done =
        Statement(database_->handle, "DELETE FROM operation WHERE status<>0 AND ended<?")
            .bind(to_number(before))
            .run();
    if (!done) return;
    std::erase_if(operations_, [&](const auto& entry) {
        return entry.second.status != Operation::Status::running && entry.second.ended < before;
    });
}

}  // namespace hopyard::localcloud
