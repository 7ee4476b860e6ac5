// Reading the ledger as of any block, and making proofs. Everything is answered under the newest certified checkpoint: blocks
// above it are not final, and are not shown.
//
// Behind a snapshot (snapshot.h) older blocks are missing until they are filled in. A question that touches one answers not_here: it could
// not be checked here yet. That is never said as not_found.
//
// A History is one moment of the store, for one thread; it is cheap to make.
#pragma once

#include <mutex>

#include "testamur/ledger/proof.h"
#include "testamur/ledger/rules.h"
#include "testamur/storage/key_value.h"
#include "testamur/store/ledger.h"

namespace testamur::store {

struct ProofRequest {
  std::string institution;
  std::string register_name;
  EntryNumber number;
  std::optional<Time> at = std::nullopt;  ///< nothing: now
  bool full = true;                       ///< with the institution's record, under which the signatures are checked
  bool with_document = false;  ///< listed entries: tie the commitment in. A sealed entry's holder adds salt and path
};

/// A place where a listed commitment stands.
struct ListedEntry {
  std::string institution;
  std::string register_name;
  EntryNumber number;
  bool operator==(const ListedEntry&) const = default;
};

struct ListedPage {
  std::vector<ListedEntry> entries;
  Bytes next;  ///< where to go on; empty: there are no more
};

/// The leaves of one block, the block record last.
struct BlockLeaves {
  LeafIndex first;
  std::vector<Bytes> data;
};

class History {
 public:
  /// Errors: not_found when nothing is certified yet.
  static Result<std::unique_ptr<History>> open(std::shared_ptr<const storage::KeyValueStore> store);
  ~History();

  const CertifiedCheckpoint& certified() const;
  Height height() const;  ///< of the certified block

  Result<Bytes> genesis() const;
  Result<BlockRecord> block(Height height) const;
  Result<BlockLeaves> block_leaves(Height height) const;
  /// The place, in the log of the consensus, of the payload that made the block; 0 for genesis.
  Result<LogIndex> block_payload(Height height) const;
  Result<Bytes> leaf(LeafIndex index) const;
  Result<ConsortiumRecord> consortium_at(Height height) const;
  Result<InstitutionRecord> institution_at(std::string_view id, Height height) const;
  Result<RegisterRecord> register_at(std::string_view institution, std::string_view name, Height height) const;
  /// Runs of status that cover the numbers [first, first + count) as of a block.
  Result<std::vector<StatusRun>> statuses_at(std::string_view institution, std::string_view name, EntryNumber first,
                                             std::uint64_t count, Height height) const;
  /// The issue statement's leaf of an entry. Errors: not_found when the number is not issued.
  Result<LeafIndex> statement_of(std::string_view institution, std::string_view name, EntryNumber number) const;
  /// Where these very bytes stand; nothing when they do not.
  Result<std::optional<Placed>> find_statement(ByteView signed_statement) const;
  /// The entries that hold this listed commitment, `most` at a time; `after` is the `next` of the page before.
  Result<ListedPage> find_listed(const Hash& commitment, std::size_t most = 1000, ByteView after = {}) const;

  /// Errors: not_found (no such register; a time before the ledger's first block), invalid (a time after the head's, or a
  /// document asked of a sealed entry).
  Result<Proof> prove(const ProofRequest& request) const;

 private:
  friend class Histories;
  class Impl;
  explicit History(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Opens histories of one store. What never changes in it is read once.
class Histories {
 public:
  explicit Histories(std::shared_ptr<const storage::KeyValueStore> store) : store_(std::move(store)) {}

  /// As History::open. From any thread.
  Result<std::unique_ptr<History>> open() const;

 private:
  struct Named {
    Hash ledger{};
    std::string origin;
  };
  Named named(const storage::View& view) const;

  std::shared_ptr<const storage::KeyValueStore> store_;
  mutable std::mutex mutex_;
  mutable std::optional<Named> named_;
};

}  // namespace testamur::store
