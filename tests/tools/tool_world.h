// A registrar's desk: a ledger, a node that serves it, key files, a policy file, documents, and the command line.
#pragma once

#include <sstream>

#include "app.h"
#include "test_service.h"

namespace testamur::test {

/// What a command line came to.
struct Ran {
  int exit = 0;
  std::string out;
  std::string err;
};

/// Runs a command line in this process, at this time.
Ran run_tool(const std::vector<std::string>& arguments, Time now);

class ToolWorld {
 public:
  explicit ToolWorld(World world = World{});

  TestLedger& ledger() { return ledger_; }
  TestService& service() { return service_; }
  const std::string& directory() const { return scratch_.path(); }
  std::string path(std::string_view name) const { return scratch_.path() + "/" + std::string(name); }
  /// Two seconds after the newest block.
  Time now();

  /// Writes `count` documents to a directory of this name, and returns its path.
  std::string make_documents(const std::string& name, unsigned count);
  std::string write(const std::string& name, std::string_view contents);
  /// The file of institution 0's key of this role.
  std::string key_file(const std::string& role);

  Ran run(std::vector<std::string> arguments);
  /// issue into institution 0's register with keys a and b, proofs in `proofs`, and more arguments.
  Ran issue(const std::string& register_name, const std::string& proofs, std::vector<std::string> more);
  std::vector<std::string> files_in(const std::string& name) const;

 private:
  ScratchDirectory scratch_;
  TestLedger ledger_;
  TestService service_;
};

}  // namespace testamur::test
