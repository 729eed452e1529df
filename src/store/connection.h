// One connection with the statements that were asked over it: preparing one takes longer than
// running it. Private to this module; SOCI's exceptions pass.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <soci/soci.h>

namespace hopyard::store {

/// Not thread-safe, as a session is not.
class Connection : public soci::session {
  public:
    /// After the connection was lost: what was prepared went with it.
    void forget_prepared() { prepared_.clear(); }

  private:
    friend class Prepared;
    std::map<std::string, std::unique_ptr<soci::statement>> prepared_;
};

/// A statement of a connection in use, by one at a time: exchange into it and from it, execute it,
/// fetch all, and say done(). One that was not done is not used again.
class Prepared {
  public:
    Prepared(Connection& connection, const std::string& query);
    ~Prepared();
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;

    soci::statement& operator*() { return *statement_; }
    soci::statement* operator->() { return statement_.get(); }
    /// What was exchanged is let go of.
    void done();

  private:
    Connection& connection_;
    const std::string query_;
    std::unique_ptr<soci::statement> statement_;
};

}  // namespace hopyard::store
