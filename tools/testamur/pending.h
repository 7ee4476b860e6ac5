// What `testamur issue` keeps in the proofs directory until it is done: the batch, and a signed statement for each part of it.
//
//   pending-ID.batch          documents' hashes, salts, order; written and synced first
//   pending-ID.N.statement    SignedStatement of part N; written and synced before it is sent
//
// The batch goes first when everything is done, so that a statement never stands beside salts that are not its own.
#pragma once

#include "batch.h"

namespace testamur::tool {

class Pending {
 public:
  /// The place for this batch in the directory.
  Pending(const std::string& directory, const Hash& batch_id);

  /// Names of batches in the directory that are not this one: somebody's unfinished work.
  std::vector<std::string> others() const;
  bool is_there() const;
  Result<Batch> load() const;
  /// Clears what an earlier one left, and writes.
  Result<void> store(const Batch& batch) const;

  /// Nothing when there is none. Errors: malformed.
  Result<std::optional<SignedStatement>> statement(std::size_t part) const;
  Result<void> store_statement(std::size_t part, const SignedStatement& statement) const;

  void remove() const;

 private:
  std::string statement_path(std::size_t part) const;
  Result<void> remove_statements() const;

  std::string directory_;
  std::string prefix_;  ///< "pending-" and the id
};

}  // namespace testamur::tool
