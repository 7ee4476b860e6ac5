// What the two halves of History (history.cc: reading, prover.cc: proofs) share.
#pragma once

#include <map>

#include "gap.h"
#include "registry_tree.h"
#include "state.h"
#include "status_tree.h"
#include "testamur/store/history.h"

namespace testamur::store {

class History::Impl {
 public:
  Impl(std::shared_ptr<const storage::KeyValueStore> store, std::unique_ptr<storage::View> view,
       StoredCertified certified, Hash ledger)
      : store_(std::move(store)),
        view_(std::move(view)),
        height_(certified.height),
        certified_(std::move(certified.certified)),
        ledger_(ledger),
        gap_(read_gap(*view_)) {}

  const storage::View& view() const { return *view_; }
  Height height() const { return height_; }
  const CertifiedCheckpoint& certified() const { return certified_; }
  std::uint64_t size() const { return certified_.checkpoint.size; }

  /// Throws storage::StorageFault, not_here, where the state as of this block is not here yet.
  void require_here(Height height) const { store::require_here(gap_, height); }
  /// A record as of a block, of the kind it must be.
  template <class T>
  T read(RecordIndex index, Height height) const {
    require_here(height);
    auto record = stored(decode_record(read_record(*view_, index, height)), "a record");
    if (!std::holds_alternative<T>(record)) {
      throw storage::StorageFault(ErrorCode::corrupt,
                                  "store: expected another kind of record at index " + std::to_string(index));
    }
    return std::get<T>(std::move(record));
  }
  /// Height of the newest certified block at or before this time, of those that are here. The newest before a gap may stand for one
  /// in it: a proof shows the block after as well, and does not find that.
  std::optional<Height> height_at(Time time) const;
  Result<Proof> prove(const ProofRequest& request) const;

 private:
  /// What all proofs of one register as of one block show beside the entry.
  struct Shown {
    Height height;
    BlockRecord block;
    merkle::Path block_path;
    std::optional<LaterBlock> later;
    RecordIndex index = 0;
    RegisterRecord record;
    merkle::Path record_path;
    InstitutionProof institution;
  };
  Result<Height> choose_block(const ProofRequest& request) const;
  Result<Shown> read_shown(const ProofRequest& request, Height height, AppendTree& log) const;
  Result<const Shown*> shown_now(const ProofRequest& request, AppendTree& log) const;
  Result<Proof> prove_by(const ProofRequest& request, const Shown& shown, AppendTree& log) const;
  Result<EntryProof> prove_entry(const ProofRequest& request, const Shown& shown, AppendTree& log) const;
  Result<StatusEvidence> find_evidence(const Shown& shown, EntryNumber number, Status status) const;
  EventSequence last_event(const Shown& shown, EntryNumber number) const;

  std::shared_ptr<const storage::KeyValueStore> store_;  // outlives the view
  std::unique_ptr<storage::View> view_;
  Height height_;
  CertifiedCheckpoint certified_;
  Hash ledger_;
  std::optional<Gap> gap_;
  mutable std::map<std::string, Shown, std::less<>> shown_now_;  // of registers asked for, as of the newest block
};

}  // namespace testamur::store
