#include "entries.h"

#include "state.h"

namespace testamur::store {

Hash add_batch(RecordIndex record, std::uint64_t number, const BatchEntry& entry, BlockWrites& writes) {
  const Bytes encoded = encode(entry);
  writes.add(keys::batch(record, entry.first), Writer{}.u64(number).raw(encoded).bytes());
  return merkle::leaf_hash(encoded);
}

Hash add_event(RecordIndex record, const Event& event, BlockWrites& writes) {
  Bytes encoded = encode(event);
  const Hash leaf = merkle::leaf_hash(encoded);
  writes.add(keys::event(record, event.sequence), std::move(encoded));
  for_each_range(event.change.first, event.change.count, [&](unsigned level, std::uint64_t index) {
    writes.add(keys::event_range(record, level, index, event.sequence), {});
  });
  return leaf;
}

void write_listed(std::span<const Hash> commitments, LeafIndex leaf, RecordIndex record, EntryNumber first,
                  BlockWrites& writes) {
  const Bytes tree = keys::listed_tree(leaf);
  AppendEdge edge;
  for (std::size_t i = 0; i < commitments.size(); ++i) {
    edge.append(merkle::leaf_hash(commitments[i]));
    // Rolling back finds these again from the commitments.
    writes.add_derived(keys::commitment(commitments[i], record, EntryNumber{first.value + i}), {});
  }
  for (const AppendEdge::Tile& tile : edge.take_touched()) {
    const auto hashes = tile.band == 0 ? commitments.subspan(tile.index * kTileWidth, tile.hashes.size())
                                       : std::span<const Hash>(tile.hashes);
    writes.add(keys::tile(tree, tile.band, tile.index), tile_bytes(hashes));
  }
}

}  // namespace testamur::store
