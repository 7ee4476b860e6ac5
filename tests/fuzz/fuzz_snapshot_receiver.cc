// One chunk that a liar made, among good ones. The first byte says in whose place; the second whether it is said to be the last; the
// rest are its entries. Ledger, height, place and checksum are right, or nobody would look at them.
//
// Whatever it holds, the receiver refuses it, at once or in the end, or comes to the very ledger that the good ones make.
#include <map>

#include "fuzz.h"
#include "memory_store.h"
#include "snapshot_of_a_ledger.h"
#include "testamur/storage/checksum.h"

namespace testamur::test {
namespace {

using Contents = std::map<Bytes, Bytes>;

/// Every key and value but the store's own.
Contents contents_of(const storage::KeyValueStore& store) {
  Contents out;
  store.view()->scan({}, {}, [&](ByteView key, ByteView value) {
    if (key[0] != 0) out.emplace(Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
    return true;
  });
  return out;
}

class Receiving {
 public:
  Receiving() {
    auto receiver = open();
    take_good(*receiver, snapshot_.chunks().size());
    good_ = contents_of(*value_of(receiver->finish()));
    fuzz::require(!good_.empty());
  }

  void take(std::size_t place, bool last, ByteView entries) {
    const store::SnapshotChunk& good = snapshot_.chunks()[place % snapshot_.chunks().size()];
    auto receiver = open();
    take_good(*receiver, place % snapshot_.chunks().size());
    if (const auto taken = receiver->take(chunk(good, last, entries)); !taken) {
      return fuzz::require(!taken.error().message.empty());
    }
    while (!receiver->complete()) {
      const auto next = snapshot_.source().chunk(receiver->after());
      if (!next || !receiver->take(*next)) return;
    }
    const auto finished = receiver->finish();
    if (finished) fuzz::require(contents_of(**finished) == good_);
  }

 private:
  std::unique_ptr<store::SnapshotReceiver> open() const {
    return value_of(
        store::SnapshotReceiver::open(std::make_shared<MemoryStore>(), snapshot_.genesis(), snapshot_.manifest()));
  }
  void take_good(store::SnapshotReceiver& receiver, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) value_of(receiver.take(encode(snapshot_.chunks()[i])));
  }
  static Bytes chunk(const store::SnapshotChunk& like, bool last, ByteView entries) {
    store::SnapshotChunk head{like.ledger, like.height, like.after, last, {}};
    Bytes bytes = encode(head);
    bytes.resize(bytes.size() - sizeof(std::uint32_t));
    bytes.insert(bytes.end(), entries.begin(), entries.end());
    return Writer{}.raw(bytes).u32(storage::checksum(bytes)).bytes();
  }

  SnapshotOfALedger snapshot_;
  Contents good_;
};

}  // namespace
}  // namespace testamur::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static testamur::test::Receiving receiving;
  if (size < 2) return 0;
  receiving.take(data[0], data[1] % 2 == 1, {data + 2, size - 2});
  return 0;
}
