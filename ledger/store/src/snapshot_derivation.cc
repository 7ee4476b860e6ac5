#include "snapshot_derivation.h"

#include "entries.h"
#include "gap.h"
#include "registry_tree.h"
#include "state.h"
#include "status_tree.h"

namespace testamur::store {
namespace {

constexpr std::uint64_t kStep = 4096;  // entries of which the results are held in memory

void expect(bool condition, const std::string& what) {
  if (!condition) throw Refused("snapshot: expected " + what);
}

void expect_root(const Hash& found, const Hash& expected, const std::string& of) {
  expect(found == expected, "the root " + to_hex(expected) + " of " + of + ", found " + to_hex(found));
}

std::string named(const RegisterRecord& record) { return register_key(record.institution, record.name); }

/// The entries below a prefix, whose keys end in a number.
void scan_numbered(const storage::View& view, const Bytes& prefix,
                   const std::function<void(std::uint64_t number, ByteView value)>& visit) {
  view.scan(prefix, prefix, [&](ByteView key, ByteView value) {
    visit(stored_u64(key.subspan(prefix.size()), "key"), value);
    return true;
  });
}

Bytes events_of(RecordIndex index) {
  Bytes key = keys::event(index, EventSequence{0});
  key.erase(key.end() - sizeof(std::uint64_t), key.end());
  return key;
}

Bytes lowest_band(Bytes tree) {
  tree.push_back(0);
  return tree;
}

}  // namespace

void SnapshotDerivation::put(BlockWrites& writes) {
  store_.write(writes.writes());
  writes = BlockWrites{};
}

void SnapshotDerivation::make_log() {
  const auto view = store_.view();
  AppendEdge log;
  storage::WriteSet writes;
  const auto put_upper = [&] {
    for (const AppendEdge::Tile& tile : log.take_touched()) {
      if (tile.band > 0) writes.put(keys::tile(keys::log_tree(), tile.band, tile.index), tile_bytes(tile.hashes));
    }
    store_.write(writes);
    writes.writes.clear();
  };
  std::uint64_t next = 0;
  scan_numbered(*view, lowest_band(keys::log_tree()), [&](std::uint64_t index, ByteView value) {
    expect(index == next, "tile " + std::to_string(next) + " of the log, found " + std::to_string(index));
    for (const Hash& hash : tile_hashes(value)) log.append(hash);
    if (++next % kStep == 0) put_upper();
  });
  put_upper();
  expect(log.size() == size(), std::to_string(size()) + " leaf hashes, found " + std::to_string(log.size()));
  expect_root(log.root(), manifest_.certified.checkpoint.root, "the log");
}

void SnapshotDerivation::make_records() {
  registers_.clear();
  named_.clear();
  const auto view = store_.view();
  BlockWrites writes;
  std::map<RecordIndex, Hash> leaves;
  for (RecordIndex index = 0; index < manifest_.block.registry_size; ++index) {
    const auto bytes = view->get(keys::record(index, height()));
    expect(bytes.has_value(), "record " + std::to_string(index) + ", found none");
    leaves[index] = merkle::leaf_hash(*bytes);
    const Record record = stored(decode_record(*bytes), "a record");
    if (const auto* institution = std::get_if<InstitutionRecord>(&record)) {
      writes.add(keys::record_name(institution->id), u64_bytes(index));
    } else if (const auto* registered = std::get_if<RegisterRecord>(&record)) {
      writes.add(keys::record_name(named(*registered)), u64_bytes(index));
      named_[named(*registered)] = index;
      registers_[index] = *registered;
    }
  }
  RegistryTree tree(*view, height(), 0);
  tree.update(leaves, height(), writes);
  expect_root(tree.root(), manifest_.block.registry_root, "the registry");
  expect_root(leaves.at(0), manifest_.block.consortium, "the consortium record");
  put(writes);
}

void SnapshotDerivation::make_batches() {
  const auto view = store_.view();
  std::map<RecordIndex, Growing> growing;
  BlockWrites writes;
  const auto put_all = [&] {
    for (auto& [index, grown] : growing) grown.batches.flush(keys::batches_tree(index), writes);
    put(writes);
  };
  std::uint64_t seen = 0;
  scan_numbered(*view, keys::leaves(), [&](std::uint64_t leaf, ByteView value) {
    const auto statement = issue_in(value);
    expect(statement.has_value(), "an issue statement in leaf " + std::to_string(leaf));
    add_issue(LeafIndex{leaf}, *statement, growing, writes);
    if (++seen % kStep == 0 || writes.writes().writes.size() > kStep) put_all();
  });
  put_all();
  for (const auto& [index, record] : registers_) {
    const Growing& grown = growing[index];
    expect(grown.batches.size() == record.batches && grown.issued == record.issued,
           std::to_string(record.batches) + " batches with " + std::to_string(record.issued) + " entries of " +
               named(record) + ", found " + std::to_string(grown.batches.size()) + " with " +
               std::to_string(grown.issued));
    expect_root(grown.batches.root(), record.batches_root, "the batches of " + named(record));
  }
}

void SnapshotDerivation::add_issue(LeafIndex leaf, const Statement& statement, std::map<RecordIndex, Growing>& growing,
                                   BlockWrites& writes) {
  const auto& issue = std::get<IssueBody>(statement.body);
  const std::string name = register_key(statement.institution, issue.register_name);
  const auto found = named_.find(name);
  expect(found != named_.end(), "a register of the registry in leaf " + std::to_string(leaf.value) + ", found " + name);
  Growing& grown = growing[found->second];
  expect(issue.first.value == grown.issued, "the batch of " + name + " that begins at " + std::to_string(grown.issued) +
                                                ", found " + std::to_string(issue.first.value));
  const BatchEntry entry{leaf, issue.first, issue.count, issue.batch_root};
  grown.batches.append(add_batch(found->second, grown.batches.size(), entry, writes));
  grown.issued += issue.count;
  if (issue.listed) add_listed(leaf, found->second, issue, writes);
}

void SnapshotDerivation::add_listed(LeafIndex leaf, RecordIndex index, const IssueBody& issue, BlockWrites& writes) {
  const auto view = store_.view();
  std::vector<Hash> commitments;
  AppendEdge tree;
  for (std::uint64_t tile = 0; tile < tiles_of(issue.count); ++tile) {
    const auto value = view->get(keys::tile(keys::listed_tree(leaf), 0, tile));
    expect(value.has_value(),
           "tile " + std::to_string(tile) + " of the commitments listed in leaf " + std::to_string(leaf.value));
    for (const Hash& commitment : tile_hashes(*value)) {
      commitments.push_back(commitment);
      tree.append(merkle::leaf_hash(commitment));
    }
  }
  expect(tree.size() == issue.count, std::to_string(issue.count) + " commitments listed in leaf " +
                                         std::to_string(leaf.value) + ", found " + std::to_string(tree.size()));
  expect_root(tree.root(), issue.batch_root, "the commitments listed in leaf " + std::to_string(leaf.value));
  write_listed(commitments, leaf, index, issue.first, writes);
}

void SnapshotDerivation::make_events() {
  for (const auto& [index, record] : registers_) {
    check_events(index, record);
    make_statuses(index, record);
  }
}

void SnapshotDerivation::check_events(RecordIndex index, const RegisterRecord& record) {
  const auto view = store_.view();
  AppendEdge events;
  BlockWrites writes;
  scan_numbered(*view, events_of(index), [&](std::uint64_t sequence, ByteView value) {
    expect(sequence == events.size(),
           "event " + std::to_string(events.size()) + " of " + named(record) + ", found " + std::to_string(sequence));
    events.append(merkle::leaf_hash(value));
    if (events.size() % kStep != 0) return;
    events.flush(keys::events_tree(index), writes);
    put(writes);
  });
  events.flush(keys::events_tree(index), writes);
  put(writes);
  expect(events.size() == record.events,
         std::to_string(record.events) + " events of " + named(record) + ", found " + std::to_string(events.size()));
  expect_root(events.root(), record.events_root, "the events of " + named(record));
}

/// Every status comes from an event. So many at a time: their last words are put together and set in the tree of those before.
void SnapshotDerivation::make_statuses(RecordIndex index, const RegisterRecord& record) {
  const Bytes prefix = keys::status_tree(index);
  const auto view = store_.view();
  BlockWrites writes;
  StatusOverlay overlay;
  std::uint64_t held = 0;
  const auto put_statuses = [&] {
    const auto newest = store_.view();
    StatusTree tree(*newest, prefix, height(), record.issued);
    tree.update(overlay.runs(), record.issued, height(), writes);
    put(writes);
    overlay = StatusOverlay{};
    held = 0;
  };
  scan_numbered(*view, events_of(index), [&](std::uint64_t sequence, ByteView value) {
    const Event event = stored(decode_event(value), "an event");
    const Change& change = event.change;
    expect(change.first.value <= record.issued && change.count <= record.issued - change.first.value,
           "event " + std::to_string(sequence) + " of " + named(record) + " within its entries");
    add_event(index, event, writes);
    overlay.set(change.first, change.count, change.status);
    if (++held == kStep) put_statuses();
  });
  put_statuses();
  expect_root(StatusTree(*store_.view(), prefix, height(), record.issued).root(), record.status_root,
              "the statuses of " + named(record));
}

void SnapshotDerivation::make_head(ByteView genesis_bytes) {
  const auto view = store_.view();
  const BlockRecord& block = manifest_.block;
  storage::WriteSet out;
  // Block 0 is known from genesis; of its writes, the log's tile has grown since.
  const Bytes log_prefix = keys::log_tree();
  BlockWrites genesis = genesis_writes(genesis_, genesis_bytes, *view);
  for (storage::WriteSet::Write& write : genesis.writes().writes) {
    const bool is_log = std::ranges::equal(ByteView(write.key).first(log_prefix.size()), log_prefix);
    if (!is_log) out.writes.push_back(std::move(write));
  }
  const LeafIndex last{size() - 1};
  const Bytes leaf = encode(block);
  out.put(keys::leaf(last), leaf);
  out.put(keys::block(height()), encode_block_place(last, manifest_.payload));
  out.put(keys::block_time(block.time), u64_bytes(height().value));
  out.put(keys::certified(), encode(StoredCertified{height(), manifest_.certified}));
  Head head;
  head.applied = manifest_.payload;
  head.height = height();
  head.time = block.time;
  head.size = size();
  head.root = manifest_.certified.checkpoint.root;
  head.block_leaf = merkle::leaf_hash(leaf);
  head.registry_size = block.registry_size;
  head.epoch = manifest_.certified.epoch;
  out.put(keys::head(), encode(head));
  if (height().value > 0) out.put(keys::gap(), encode(Gap{Height{0}, height(), size()}));
  out.remove(keys::snapshot());
  store_.write(out);
}

}  // namespace testamur::store
