// What a Ledger holds in memory, and what its two halves (ledger.cc, apply.cc) share.
#pragma once

#include "registry.h"
#include "registry_tree.h"
#include "testamur/ledger/genesis.h"
#include "testamur/store/ledger.h"

namespace testamur::store {

/// Runs `body`; a storage::StorageFault becomes an Error.
template <class Body>
auto guarded(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const storage::StorageFault& fault) {
    return fault.error();
  }
}

/// What `certified` holds on disk.
struct StoredCertified {
  Height height;
  CertifiedCheckpoint certified;
};

class Ledger::State {
 public:
  std::shared_ptr<storage::KeyValueStore> store;
  Hash id{};
  std::string origin;
  Head head;
  AppendEdge log;
  Registry registry;
  RegistryTree::Tiles registry_tiles;  // of the newest version; what is not here is read
  Height consortium_since;             // the block from which on the consortium record is what it is now
  Height certified_height;
  std::map<std::uint64_t, Head> uncertified;  // by size: of blocks applied since the ledger was opened
  /// Once a write has failed, memory and disk may differ: nothing more is done until the ledger is opened again.
  std::optional<Error> broken;

  /// Reads everything from the store.
  void load();
  Applied apply(LogIndex index, const Payload& payload, const SignatureCheck& check_signature);
  /// Checks a checkpoint against the block it names; returns what is kept of it.
  Result<StoredCertified> check(const storage::View& view, const CertifiedCheckpoint& certified,
                                const SignatureCheck& check_signature) const;
  void skip(LogIndex index);

  ConsortiumRecord consortium_at(const storage::View& view, Height height) const;

  /// Runs what changes memory and disk. Unless it comes to its end, they may differ, and the state is broken.
  template <class Body>
  auto change(Body&& body) -> decltype(body()) {
    broken = Error{ErrorCode::storage, "store: an earlier change was cut short"};
    auto done = guarded(std::forward<Body>(body));
    if (done) {
      broken.reset();
    } else {
      broken = done.error();
    }
    return done;
  }
};

/// Block 0: the records of genesis, and one block record. `bytes` are those of genesis.
BlockWrites genesis_writes(const Genesis& genesis, ByteView bytes, const storage::View& view);

Bytes encode(const Head& head);
Head decode_head(ByteView value);

Bytes encode(const StoredCertified& stored);
Result<StoredCertified> decode_certified(ByteView value, const std::string& origin);
std::optional<StoredCertified> read_certified(const storage::View& view, const std::string& origin);

/// Reads the block record of a height.
BlockRecord read_block(const storage::View& view, Height height);
LeafIndex read_block_index(const storage::View& view, Height height);
/// The payload that made this block; 0 for genesis.
LogIndex read_block_payload(const storage::View& view, Height height);
Bytes encode_block_place(LeafIndex leaf, LogIndex payload);
Bytes read_leaf(const storage::View& view, LeafIndex index);

/// The commitments of a listed batch of `count`, in order.
std::vector<Hash> read_listed(const storage::View& view, LeafIndex statement, std::uint32_t count);

/// Visits the complete binary ranges (level, index) that make up [first, first + count).
void for_each_range(EntryNumber first, std::uint64_t count, const std::function<void(unsigned, std::uint64_t)>& visit);

}  // namespace testamur::store
