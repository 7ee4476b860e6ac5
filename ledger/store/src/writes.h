// The writes of one block, with what it takes to undo them.
#pragma once

#include "testamur/encoding/encoding.h"
#include "testamur/storage/key_value.h"

namespace testamur::store {

/// Collects a block's writes. For each it is known whether the key is new or replaces a value, so rolling back is putting
/// back: after the undo the store holds the same bytes as if the block had never been.
class BlockWrites {
 public:
  /// A key that was not there before.
  void add(Bytes key, Bytes value) {
    undo_.u8(kRemove).opaque16(key);
    writes_.put(std::move(key), std::move(value));
  }
  /// A key that held `old`.
  void replace(Bytes key, ByteView old, Bytes value) {
    undo_.u8(kRestore).opaque16(key).opaque24(old);
    writes_.put(std::move(key), std::move(value));
  }
  /// A new key that rolling back finds by itself, so that its undo costs nothing.
  void add_derived(Bytes key, Bytes value) { writes_.put(std::move(key), std::move(value)); }

  storage::WriteSet& writes() { return writes_; }
  const Bytes& undo() const { return undo_.bytes(); }

  /// Turns an undo record back into writes.
  static void undo_into(storage::WriteSet& out, ByteView undo) {
    Reader reader(undo, "undo");
    while (reader.ok() && !reader.at_end()) {
      const bool restores = reader.u8_in("kind", kRemove, kRestore) == kRestore;
      const ByteView key = reader.opaque16("key");
      if (restores) {
        const ByteView old = reader.opaque24("value");
        out.put(Bytes(key.begin(), key.end()), Bytes(old.begin(), old.end()));
      } else {
        out.remove(Bytes(key.begin(), key.end()));
      }
    }
    if (const auto error = reader.finish()) throw storage::StorageFault(ErrorCode::corrupt, error->message);
  }

 private:
  enum Kind : std::uint8_t { kRemove = 1, kRestore = 2 };

  storage::WriteSet writes_;
  Writer undo_;
};

}  // namespace testamur::store
