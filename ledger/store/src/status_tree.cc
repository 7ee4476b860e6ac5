#include "status_tree.h"

#include <algorithm>

#include "keys.h"

namespace testamur::store {
namespace {

constexpr unsigned kLevels = 64;

/// Chunks of one status throughout: hash of a complete subtree of 2^level of them.
const Hash& uniform_hash(Status status, unsigned level) {
  static const auto table = [] {
    std::array<std::array<Hash, kLevels>, 4> hashes;
    for (unsigned s = 0; s < 4; ++s) {
      Chunk chunk;
      chunk.fill(static_cast<std::uint8_t>(s * 0b01010101));
      hashes[s][0] = merkle::leaf_hash(chunk);
      for (unsigned l = 1; l < kLevels; ++l) hashes[s][l] = merkle::node_hash(hashes[s][l - 1], hashes[s][l - 1]);
    }
    return hashes;
  }();
  return table[static_cast<std::size_t>(status)][level];
}

/// The band whose tile 0 spans all chunks.
unsigned top_band(std::uint64_t issued) {
  unsigned band = 0;
  for (std::uint64_t tiles = chunk_count(issued); tiles > kTileWidth; tiles = (tiles + kTileWidth - 1) / kTileWidth) {
    ++band;
  }
  return band;
}

constexpr std::uint8_t kMixed = 0xff;

void append_run(std::vector<StatusRun>& out, std::uint64_t first, std::uint64_t count, Status status) {
  if (!out.empty() && out.back().status == status) {
    out.back().count += count;
  } else {
    out.push_back({EntryNumber{first}, count, status});
  }
}

}  // namespace

StatusTree::StatusTree(const storage::View& view, Bytes prefix, Height version, std::uint64_t issued,
                       const std::optional<Tile>& top)
    : view_(view), prefix_(std::move(prefix)), version_(version), issued_(issued), top_(top_band(issued)) {
  if (top) tiles_.emplace(std::pair(top_, std::uint64_t{0}), *top);
}

Bytes StatusTree::encode(const Tile& tile) {
  Writer writer;
  for (const Child& child : tile) writer.u8(child.mixed ? kMixed : static_cast<std::uint8_t>(child.uniform));
  for (const Child& child : tile) {
    if (child.mixed) writer.raw(child.value);
  }
  return std::move(writer).bytes();
}

StatusTree::Tile StatusTree::decode(ByteView value) {
  Tile tile;
  Reader reader(value, "status_tile");
  for (Child& child : tile) {
    const std::uint8_t tag = reader.u8("tag");
    reader.expect(tag <= 3 || tag == kMixed, "tag", "0 to 3, or 255");
    child.mixed = tag == kMixed;
    child.uniform = static_cast<Status>(child.mixed ? 0 : tag & 3);
  }
  for (Child& child : tile) {
    if (child.mixed) child.value = reader.hash("value");
  }
  if (const auto error = reader.finish()) throw storage::StorageFault(ErrorCode::corrupt, "store: " + error->message);
  return tile;
}

StatusTree::Tile StatusTree::uniform_tile(Status status) {
  Tile tile;
  tile.fill(Child{false, status, {}});
  return tile;
}

/// The numbers under tile `index` of `band`, as far as 64 bits count them.
StatusTree::Range StatusTree::range_of(unsigned band, std::uint64_t index) {
  constexpr unsigned chunk_bits = 7;
  const unsigned bits = chunk_bits + kTileLevels * (band + 1);
  if (bits >= 64) return {0, UINT64_MAX};
  const std::uint64_t first = index << bits;
  const std::uint64_t width = std::uint64_t{1} << bits;
  return {first, first > UINT64_MAX - width ? UINT64_MAX : first + width};
}

std::optional<StatusTree::Tile> StatusTree::stored(unsigned band, std::uint64_t index) const {
  Bytes key = keys::tile(prefix_, band, index);
  const std::size_t prefix = key.size();
  Writer versioned;
  versioned.raw(key).u64(version_.value);
  const auto found = view_.last_up_to(versioned.bytes(), prefix);
  if (!found) return std::nullopt;
  return decode(found->value);
}

const StatusTree::Tile& StatusTree::tile(unsigned band, std::uint64_t index) {
  const auto key = std::pair(band, index);
  if (const auto known = tiles_.find(key); known != tiles_.end()) return known->second;
  std::optional<Tile> found;
  if (band == top_) {
    found = stored(band, index).value_or(uniform_tile(Status::good));
  } else {
    const Child& child = tile(band + 1, index / kTileWidth)[index % kTileWidth];
    if (child.mixed) {
      found = stored(band, index);
      if (!found) {
        throw storage::StorageFault(ErrorCode::corrupt, "store: expected status tile " + std::to_string(index) +
                                                            " of band " + std::to_string(band) + ", found none");
      }
    } else {
      found = uniform_tile(child.uniform);
    }
  }
  return tiles_.emplace(key, *found).first->second;
}

Chunk StatusTree::chunk_of(const Child& child) const {
  if (child.mixed) return child.value;
  Chunk chunk;
  chunk.fill(static_cast<std::uint8_t>(static_cast<unsigned>(child.uniform) * 0b01010101));
  return chunk;
}

Hash StatusTree::child_hash(const Child& child, unsigned band) {
  if (!child.mixed) return uniform_hash(child.uniform, band * kTileLevels);
  return band == 0 ? merkle::leaf_hash(child.value) : child.value;
}

/// What a tile is to the one above it.
StatusTree::Child StatusTree::summary(const Tile& tile, unsigned band) const {
  const bool uniform = !tile[0].mixed && std::all_of(tile.begin(), tile.end(), [&](const Child& child) {
    return !child.mixed && child.uniform == tile[0].uniform;
  });
  if (uniform) return {false, tile[0].uniform, {}};
  std::array<Hash, kTileWidth> hashes;
  for (std::size_t i = 0; i < kTileWidth; ++i) hashes[i] = child_hash(tile[i], band);
  return {true, Status::good, fold_tile(hashes)};
}

Hash StatusTree::node(unsigned level, std::uint64_t index) {
  const unsigned band = level / kTileLevels;
  const unsigned height = level % kTileLevels;
  if (band > top_) return child_hash(summary(tile(top_, 0), top_), band);
  const std::uint64_t first = index << height;
  const Tile& children = tile(band, first / kTileWidth);
  std::array<Hash, kTileWidth> hashes;
  const std::size_t count = std::size_t{1} << height;
  for (std::size_t i = 0; i < count; ++i) hashes[i] = child_hash(children[first % kTileWidth + i], band);
  return fold_tile(std::span(hashes).first(count));
}

Chunk StatusTree::chunk(std::uint64_t index) { return chunk_of(tile(0, index / kTileWidth)[index % kTileWidth]); }

Hash StatusTree::root() {
  return merkle::root([this](unsigned level, std::uint64_t index) { return node(level, index); }, chunk_count(issued_));
}

merkle::Path StatusTree::inclusion_path(std::uint64_t chunk_index) {
  return merkle::inclusion_path([this](unsigned level, std::uint64_t index) { return node(level, index); }, chunk_index,
                                chunk_count(issued_));
}

std::vector<StatusRun> StatusTree::runs(EntryNumber first, std::uint64_t count) {
  std::vector<StatusRun> out;
  const std::uint64_t end = first.value + count;
  collect(top_, 0, {first.value, end}, out);
  // Numbers beyond the top tile were issued in the block under way, after this tree was read.
  const std::uint64_t beyond = std::max(first.value, range_of(top_, 0).end);
  if (beyond < end) append_run(out, beyond, end - beyond, Status::good);
  return out;
}

void StatusTree::collect(unsigned band, std::uint64_t index, Range wanted, std::vector<StatusRun>& out) {
  const Tile children = tile(band, index);
  const Range whole = range_of(band, index);
  const std::uint64_t width = kChunkEntries << (kTileLevels * band);
  // Only the children that the wanted range touches; the range begins and ends within this tile or beyond it.
  const std::uint64_t begin = std::max(wanted.first, whole.first);
  const std::uint64_t end = std::min(wanted.end, whole.end);
  for (std::uint64_t at = begin; at < end;) {
    const std::uint64_t child = (at - whole.first) / width;
    const std::uint64_t child_end = std::min(end - at, width - (at - whole.first) % width) + at;
    const Child& here = children[child];
    if (!here.mixed) {
      append_run(out, at, child_end - at, here.uniform);
    } else if (band > 0) {
      collect(band - 1, index * kTileWidth + child, {at, child_end}, out);
    } else {
      for (std::uint64_t n = at; n < child_end; ++n) append_run(out, n, 1, chunk_status(here.value, EntryNumber{n}));
    }
    at = child_end;
  }
}

/// A register that outgrows its top tile gets a higher one, whose first child is what was the whole tree.
void StatusTree::grow(std::uint64_t issued_after) {
  const unsigned top_after = top_band(issued_after);
  while (top_ < top_after) {
    Tile higher = uniform_tile(Status::good);
    higher[0] = summary(tile(top_, 0), top_);
    ++top_;
    tiles_.emplace(std::pair(top_, std::uint64_t{0}), higher);
  }
  issued_ = issued_after;
}

void StatusTree::update(std::span<const StatusRun> runs, std::uint64_t issued_after, Height version,
                        BlockWrites& writes) {
  const unsigned top_before = top_;
  grow(issued_after);
  version_ = version;
  written_.clear();
  if (!runs.empty()) set(top_, 0, runs, writes);
  // The tiles that growth put above the old top, where no run led through them.
  for (unsigned band = top_before + 1; band <= top_; ++band) {
    const Tile& higher = tile(band, 0);
    const bool needed = band == top_ ? higher != uniform_tile(Status::good) : summary(higher, band).mixed;
    if (needed && !written_.contains({band, 0})) write(band, 0, higher, writes);
  }
}

void StatusTree::write(unsigned band, std::uint64_t index, const Tile& tile, BlockWrites& writes) {
  Writer key;
  key.raw(keys::tile(prefix_, band, index)).u64(version_.value);
  writes.add(std::move(key).bytes(), encode(tile));
  written_.emplace(band, index);
}

StatusTree::Child StatusTree::set(unsigned band, std::uint64_t index, std::span<const StatusRun> runs,
                                  BlockWrites& writes) {
  Tile children = tile(band, index);
  const Range whole = range_of(band, index);
  const std::uint64_t width = kChunkEntries << (kTileLevels * band);
  for (std::size_t c = 0; c < kTileWidth; ++c) {
    const std::uint64_t first = whole.first + c * width;
    const std::uint64_t end = first + width;
    // The runs that touch this child.
    const auto from = std::find_if(runs.begin(), runs.end(),
                                   [&](const StatusRun& run) { return run.first.value + run.count > first; });
    const auto to = std::find_if(from, runs.end(), [&](const StatusRun& run) { return run.first.value >= end; });
    if (from == to) continue;
    const auto touching =
        runs.subspan(static_cast<std::size_t>(from - runs.begin()), static_cast<std::size_t>(to - from));
    const bool covered = touching[0].first.value <= first && touching[0].first.value + touching[0].count >= end;
    if (covered) {
      children[c] = {false, touching[0].status, {}};
    } else if (band > 0) {
      children[c] = set(band - 1, index * kTileWidth + c, touching, writes);
    } else {
      Chunk chunk = chunk_of(children[c]);
      for (const StatusRun& run : touching) {
        const std::uint64_t stop = std::min(run.first.value + run.count, end);
        for (std::uint64_t n = std::max(run.first.value, first); n < stop; ++n) {
          set_chunk_status(chunk, EntryNumber{n}, run.status);
        }
      }
      const Status status = chunk_status(chunk, EntryNumber{first});
      const Child uniform{false, status, {}};
      children[c] = chunk == chunk_of(uniform) ? uniform : Child{true, Status::good, chunk};
    }
  }
  tiles_[std::pair(band, index)] = children;
  const Child above = summary(children, band);
  // A uniform tile is told by its parent; only the top has none.
  if (above.mixed || band == top_) write(band, index, children, writes);
  return above;
}

}  // namespace testamur::store
