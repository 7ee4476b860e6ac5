// The narrow interface between what is kept (the state of the ledger, the log of the consensus) and what keeps it: ordered keys,
// consistent views, atomic writes.
//
// A disk that fails or lies is an exception (StorageFault): it can happen at every read, deep in a
// tree, and there is nothing to do but stop. The public classes (Ledger, History) turn it into an Error.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>

#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"

namespace testamur::storage {

class StorageFault : public std::runtime_error {
 public:
  StorageFault(ErrorCode code, const std::string& what) : std::runtime_error(what), code_(code) {}
  Error error() const { return {code_, what()}; }

 private:
  ErrorCode code_;
};

struct KeyValue {
  Bytes key;
  Bytes value;
};

/// One moment of the store. Not to be shared between threads; make one for each.
class View {
 public:
  virtual ~View() = default;
  virtual std::optional<Bytes> get(ByteView key) const = 0;
  /// The entry with the largest key up to and including `key` that shares its first `prefix` bytes.
  virtual std::optional<KeyValue> last_up_to(ByteView key, std::size_t prefix) const = 0;
  /// Visits the entries from `from` (inclusive) whose keys begin with `prefix`, in order, until `visit` says false.
  virtual void scan(ByteView from, ByteView prefix,
                    const std::function<bool(ByteView key, ByteView value)>& visit) const = 0;
};

/// Puts and deletions that take effect together or not at all; of several for one key the last counts.
struct WriteSet {
  struct Write {
    Bytes key;
    std::optional<Bytes> value;  ///< nothing: delete
  };
  std::vector<Write> writes;

  void put(Bytes key, Bytes value) { writes.push_back({std::move(key), std::move(value)}); }
  void remove(Bytes key) { writes.push_back({std::move(key), std::nullopt}); }
};

class KeyValueStore {
 public:
  virtual ~KeyValueStore() = default;
  virtual std::unique_ptr<View> view() const = 0;
  /// Atomic; survives the death of the process, but not a loss of power until the next flush(), unless the store is a synced one.
  virtual void write(const WriteSet& writes) = 0;
  /// Everything written before survives a loss of power once this returns.
  virtual void flush() = 0;
};

}  // namespace testamur::storage
