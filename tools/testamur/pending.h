// What `testamur issue` keeps in the proofs directory until it is done: the batch, and a signed statement for each part of it.
//
//   pending-ID.batch          documents' hashes, salts, order; written and synced first
//   pending-ID.N.statement    SignedStatement of part N; written and synced before it is sent
//   pending-ID.N.prepared     Statements of part N that others were asked to sign; written and synced before they leave
//   issued-ID.index           its documents' hashes and numbers (issued_index.h); written once every proof is on disk, and stays
//   issued-ID.batch           the batch, kept where each document has a proof file, so that a lost one can be made again; a bundle
//                             holds as much
//   issued-ID.json            what came of it; written last, and stays, so that the same command does nothing
//
// The batch goes first when everything is done, so that a statement never stands beside salts that are not its own.
#pragma once

#include "issued_index.h"

namespace testamur::tool {

/// What came of a batch: its parts in their order, one statement each.
struct Issued {
  struct Part {
    EntryNumber first;
    std::uint32_t count = 0;
    std::string bundle;  ///< name in the proofs directory; empty: a proof file for each document
  };
  std::vector<Part> parts;
  RegisterName in{};  ///< where it was read from a file

  std::uint64_t count() const;
};

/// Reads issued-ID.json. Errors: not_found, storage, malformed.
Result<Issued> read_issued(const std::string& path);
/// Reads a batch that is pending or kept. Errors: not_found, storage, malformed.
Result<Batch> read_batch_file(const std::string& path);

/// Whether classes are issued into the directory: it holds one that is done, or under way.
bool keeps_classes(const std::string& directory);

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

  /// Everything that was ever put up for the signatures of others, the newest last: any of it may come to be recorded.
  Result<std::vector<Bytes>> prepared(std::size_t part) const;
  Result<void> store_prepared(std::size_t part, const std::vector<Bytes>& statements) const;

  /// What came of this batch, where it is done. Errors: malformed.
  Result<std::optional<Issued>> issued() const;
  /// Writes what came of it, and lets go of the rest.
  Result<void> finish(const Batch& batch, const Issued& issued) const;
  /// Where the documents and their numbers are kept once it is done.
  std::string index_path() const;
  /// Names of bundles of classes in the directory that are done, others than this one.
  Result<std::vector<std::string>> other_bundles() const;
  /// Indexes of classes in the directory that are done, others than this one, in the order of their names.
  std::vector<std::string> other_indexes() const;
  const std::string& id() const { return id_; }

 private:
  std::string statement_path(std::size_t part) const;
  std::string prepared_path(std::size_t part) const;
  std::string issued_path() const;
  std::vector<std::string> others_named(std::string_view ending) const;
  Result<void> remove_statements() const;

  std::string directory_;
  std::string id_;      ///< the batch's, in hex, as far as names hold it
  std::string prefix_;  ///< "pending-" and the id
};

}  // namespace testamur::tool
