// Putting statements up for others to sign, on other machines: a file that is carried from one to the next.
#pragma once

#include <functional>

#include "signers.h"
#include "signing_file.h"

namespace testamur::tool {

struct Prepared {
  std::size_t statements = 0;  ///< 0: everything is on the ledger already, and no file was written
  std::uint64_t entries = 0;
  std::size_t signatures = 0;  ///< that every statement has so far
  unsigned approvals = 0;
  EntryNumber first;  ///< of an issue
  Time until;         ///< the last moment to hand it in
  bool kept = false;  ///< the file held these statements already, with these signatures
};

/// What to do with the file next, for people; and for programs.
void say_next(Context& context, const std::string& path, const Prepared& prepared);
boost::json::object to_json(const Prepared& prepared, const std::string& path);

/// Makes statements as of a time.
using MakeStatements = std::function<std::vector<StatementToSign>(Time at)>;
/// The statements as of the time at which the file's own were made, where it holds these already; else as of now. So the same command
/// again leaves a file that is going round as it is.
std::vector<StatementToSign> as_prepared(const std::string& path, Time now, const MakeStatements& make);

/// Writes the file, signed with the keys that are given. Statements that a file of this name holds already keep their signatures. The
/// others that it holds give way where they can never be accepted any more, or issue what is here put up for other numbers; else the
/// file is a conflict.
std::optional<Failure> write_prepared(const std::string& path, const RegisterNow& now,
                                      std::vector<StatementToSign> statements, Signers& signers, Time at,
                                      Prepared& prepared);

}  // namespace testamur::tool
