// The connections of one store: one that writes and a few that read, so that a writer never waits
// in SQLite's own queue behind a writer of the same process. A connection that was lost is made
// anew when it is borrowed next. Thread-safe. Private to this module.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/connection.h"
#include "store/schema.h"

namespace hopyard::store {

enum class Access { read, write };

class Sessions {
  public:
    /// Throws SOCI's exceptions, as everything here does.
    Sessions(Dialect dialect, const std::string& where);

    /// A borrowed connection; goes back when it dies.
    class Loan {
      public:
        Loan(Sessions& from, Access access, std::unique_ptr<Connection> session)
            : from_(from), access_(access), session_(std::move(session)) {}
        ~Loan() { from_.give_back(access_, std::move(session_)); }
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;
        Connection& operator*() { return *session_; }

      private:
        Sessions& from_;
        Access access_;
        std::unique_ptr<Connection> session_;
    };

    /// Waits until one is free.
    Loan borrow(Access access);

  private:
    using Free = std::vector<std::unique_ptr<Connection>>;
    void give_back(Access access, std::unique_ptr<Connection> session);
    void configure(soci::session& session, Access access) const;
    Free& free_for(Access access) { return access == Access::write ? writers_ : readers_; }

    Dialect dialect_;
    std::mutex mutex_;
    std::condition_variable freed_;
    Free writers_;  // guarded by mutex_
    Free readers_;  // guarded by mutex_
};

}  // namespace hopyard::store
