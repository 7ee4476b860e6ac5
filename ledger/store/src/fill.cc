#include "testamur/store/fill.h"

#include "gap.h"
#include "registry_tree.h"
#include "state.h"
#include "status_tree.h"

namespace testamur::store {
namespace {

Error invalid(std::string message) { return {ErrorCode::invalid, std::move(message)}; }

bool is_versioned(ByteView key) {
  for (const Bytes& prefix : {keys::record_versions(), keys::registry_tree(), keys::status_versions()}) {
    if (key[0] == prefix[0]) return true;
  }
  return false;
}

Height version_of(ByteView key) { return Height{stored_u64(key.last(sizeof(std::uint64_t)), "key")}; }

/// What a block has done to one register so far.
struct Replayed {
  RegisterState* state = nullptr;
  std::uint64_t issued_before = 0;
  StatusOverlay statuses;
};

}  // namespace

class HistoryFill::Impl {
 public:
  Impl(std::shared_ptr<storage::KeyValueStore> store, const Gap& gap) : store_(std::move(store)), gap_(gap) { load(); }

  std::optional<Height> next() const {
    if (gap_.filled == gap_.snapshot) return std::nullopt;
    return Height{gap_.filled.value + 1};
  }
  Result<void> take(const OlderBlock& block);
  Result<bool> close(std::size_t entries);

 private:
  void load();
  Result<BlockRecord> check(const OlderBlock& block, const storage::View& view) const;
  Result<void> check_payload(LogIndex payload, Height height, const storage::View& view) const;
  void replay(const OlderBlock& block, const BlockRecord& record);
  void replay_statement(ByteView leaf, std::map<RecordIndex, Replayed>& touched);
  Hash finish_register(Replayed& replayed, Height height, const storage::View& view, BlockWrites& writes) const;
  void finish();

  std::shared_ptr<storage::KeyValueStore> store_;
  Gap gap_;
  // As of the newest block filled in:
  Registry registry_;
  std::uint32_t registry_size_ = 0;
  std::uint64_t next_leaf_ = 0;
  Hash block_leaf_{};
  /// Once replaying was cut short, memory and disk may differ.
  std::optional<Error> broken_;

  Bytes close_at_;  // where close() goes on
};

void HistoryFill::Impl::load() {
  const auto view = store_->view();
  const BlockRecord newest = read_block(*view, gap_.filled);
  registry_size_ = newest.registry_size;
  registry_ = Registry::load(*view, registry_size_, gap_.filled);
  next_leaf_ = read_block_index(*view, gap_.filled).value + 1;
  block_leaf_ = merkle::leaf_hash(encode(newest));
}

/// Whether these are the leaves of the next block, all of them. The leaf hashes are those under the certified head, so what hashes to them
/// is true; what is left to see is that they are from one block record to the next.
Result<BlockRecord> HistoryFill::Impl::check(const OlderBlock& block, const storage::View& view) const {
  const std::vector<Bytes>& leaves = block.leaves.data;
  if (block.leaves.first.value != next_leaf_) {
    return Error{ErrorCode::conflict, "fill: expected the block that begins at leaf " + std::to_string(next_leaf_) +
                                          ", found " + std::to_string(block.leaves.first.value)};
  }
  if (leaves.empty() || leaves.size() > gap_.size - next_leaf_) {
    return invalid("fill: expected 1 to " + std::to_string(gap_.size - next_leaf_) + " leaves, found " +
                   std::to_string(leaves.size()));
  }
  AppendTree log(view, keys::log_tree());
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const std::uint64_t at = next_leaf_ + i;
    if (merkle::leaf_hash(leaves[i]) != log.node(0, at)) {
      return invalid("fill: expected leaf " + std::to_string(at) + " with the hash in the log, found another");
    }
    const bool is_last = i + 1 == leaves.size();
    if (bool(decode_block_record(leaves[i])) != is_last) {
      return invalid("fill: expected a block record in the last leaf and no other, found leaf " + std::to_string(at));
    }
  }
  const BlockRecord record = *decode_block_record(leaves.back());
  if (const auto payload = check_payload(block.payload, record.height, view); !payload) return payload.error();
  if (record.height.value != gap_.filled.value + 1 || record.first_leaf.value != next_leaf_ ||
      record.previous != block_leaf_) {
    return Error{ErrorCode::corrupt, "fill: expected block " + std::to_string(gap_.filled.value + 1) + " at leaf " +
                                         std::to_string(next_leaf_) + " of the log, found block " +
                                         std::to_string(record.height.value)};
  }
  return record;
}

/// Payloads follow one another, and between this block and the snapshot's lies one for each block at least.
Result<void> HistoryFill::Impl::check_payload(LogIndex payload, Height height, const storage::View& view) const {
  const LogIndex before = read_block_payload(view, gap_.filled);
  const LogIndex last = read_block_payload(view, gap_.snapshot);
  const std::uint64_t after = gap_.snapshot.value - height.value;
  const bool is_between = payload > before && payload <= last && last.value - payload.value >= after;
  if (is_between && (after > 0 || payload == last)) return {};
  return invalid("fill: expected the place of the payload of block " + std::to_string(height.value) + " between " +
                 std::to_string(before.value) + " and " + std::to_string(last.value) + ", found " +
                 std::to_string(payload.value));
}

void HistoryFill::Impl::replay_statement(ByteView leaf, std::map<RecordIndex, Replayed>& touched) {
  const StatementLeaf decoded = stored(decode_statement_leaf(leaf), "a statement leaf");
  const Statement statement = stored(decode_statement(decoded.statement.statement), "a statement");
  const auto* issue = std::get_if<IssueBody>(&statement.body);
  const auto* amend = std::get_if<AmendBody>(&statement.body);
  const std::string name = issue != nullptr   ? issue->register_name
                           : amend != nullptr ? amend->register_name
                                              : std::string();
  RegisterState* state = registry_.find_register(statement.institution, name);
  if (state == nullptr) throw storage::StorageFault(ErrorCode::corrupt, "fill: expected a register, found " + name);
  const auto [place, is_new] = touched.try_emplace(state->index);
  Replayed& replayed = place->second;
  RegisterRecord& record = state->record;
  if (is_new) {
    replayed.state = state;
    replayed.issued_before = record.issued;
  }
  if (issue != nullptr) {
    record.batches += 1;
    record.issued += issue->count;
    return;
  }
  for (const Change& change : amend->changes) replayed.statuses.set(change.first, change.count, change.status);
  record.events += amend->changes.size();
}

/// The register's version of this block. Its batches and events are here already, with later ones; the trees of earlier
/// sizes can be read from those of later ones.
Hash HistoryFill::Impl::finish_register(Replayed& replayed, Height height, const storage::View& view,
                                        BlockWrites& writes) const {
  const RecordIndex index = replayed.state->index;
  RegisterRecord& record = replayed.state->record;
  StatusTree statuses(view, keys::status_tree(index), gap_.filled, replayed.issued_before);
  statuses.update(replayed.statuses.runs(), record.issued, height, writes);
  record.status_root = statuses.root();
  record.batches_root = AppendTree(view, keys::batches_tree(index)).root(record.batches);
  record.events_root = AppendTree(view, keys::events_tree(index)).root(record.events);
  Bytes encoded = encode(record);
  const Hash leaf = merkle::leaf_hash(encoded);
  writes.add(keys::record(index, height), std::move(encoded));
  return leaf;
}

void HistoryFill::Impl::replay(const OlderBlock& block, const BlockRecord& record) {
  const auto view = store_->view();
  const std::vector<Bytes>& leaves = block.leaves.data;
  BlockWrites writes;
  std::map<RecordIndex, Replayed> touched;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (i + 1 < leaves.size()) replay_statement(leaves[i], touched);
    writes.add(keys::leaf(LeafIndex{next_leaf_ + i}), leaves[i]);
  }
  std::map<RecordIndex, Hash> changed;
  for (auto& [index, replayed] : touched) {
    changed[index] = finish_register(replayed, record.height, *view, writes);
  }
  RegistryTree tree(*view, gap_.filled, registry_size_);
  tree.update(changed, record.height, writes);
  if (tree.root() != record.registry_root) {
    throw storage::StorageFault(ErrorCode::corrupt,
                                "fill: expected the registry's root " + to_hex(record.registry_root) + " after block " +
                                    std::to_string(record.height.value) + ", found " + to_hex(tree.root()));
  }
  const LeafIndex last{next_leaf_ + leaves.size() - 1};
  writes.add(keys::block(record.height), encode_block_place(last, block.payload));
  writes.add(keys::block_time(record.time), u64_bytes(record.height.value));

  storage::WriteSet& out = writes.writes();
  if (record.height == gap_.snapshot) {
    std::vector<Bytes> kept;
    for (const storage::WriteSet::Write& write : out.writes) {
      if (is_versioned(write.key)) kept.push_back(keys::version_kept(write.key));
    }
    for (Bytes& key : kept) out.put(std::move(key), {});
  }
  gap_.filled = record.height;
  out.put(keys::gap(), encode(gap_));
  store_->write(out);
  registry_size_ = record.registry_size;
  next_leaf_ = last.value + 1;
  block_leaf_ = merkle::leaf_hash(leaves.back());
}

Result<void> HistoryFill::Impl::take(const OlderBlock& block) {
  if (broken_) return *broken_;
  if (!next()) return Error{ErrorCode::conflict, "fill: expected no more blocks, all are here"};
  return guarded([&]() -> Result<void> {
    const auto record = check(block, *store_->view());
    if (!record) return record.error();
    broken_ = Error{ErrorCode::storage, "fill: an earlier block was cut short"};
    replay(block, *record);
    broken_.reset();
    return {};
  });
}

Result<bool> HistoryFill::Impl::close(std::size_t entries) {
  if (next())
    return Error{ErrorCode::conflict,
                 "fill: expected every block first, found block " + std::to_string(next()->value) + " missing"};
  return guarded([&]() -> Result<bool> {
    const auto view = store_->view();
    storage::WriteSet writes;
    bool at_end = true;
    std::size_t seen = 0;
    for (const Bytes& kind : {keys::record_versions(), keys::registry_tree(), keys::status_versions()}) {
      view->scan(std::max(kind, close_at_), kind, [&](ByteView key, ByteView) {
        if (seen++ == entries) {
          close_at_.assign(key.begin(), key.end());
          at_end = false;
          return false;
        }
        if (version_of(key) == gap_.snapshot && !view->get(keys::version_kept(key))) {
          writes.remove(Bytes(key.begin(), key.end()));
        }
        return true;
      });
      if (!at_end) break;
    }
    store_->write(writes);
    if (at_end) finish();
    return at_end;
  });
}

void HistoryFill::Impl::finish() {
  storage::WriteSet writes;
  const Bytes marks = keys::version_kept({});
  store_->view()->scan(marks, marks, [&](ByteView key, ByteView) {
    writes.remove(Bytes(key.begin(), key.end()));
    return true;
  });
  writes.remove(keys::gap());
  store_->write(writes);
}

Result<std::optional<HistoryGap>> history_gap(const storage::KeyValueStore& store) {
  return guarded([&]() -> Result<std::optional<HistoryGap>> {
    const auto gap = read_gap(*store.view());
    if (!gap || gap->filled == gap->snapshot) return std::optional<HistoryGap>{};
    return std::optional(HistoryGap{Height{gap->filled.value + 1}, gap->snapshot});
  });
}

Result<std::unique_ptr<HistoryFill>> HistoryFill::open(std::shared_ptr<storage::KeyValueStore> store) {
  return guarded([&]() -> Result<std::unique_ptr<HistoryFill>> {
    const auto gap = read_gap(*store->view());
    if (!gap) return Error{ErrorCode::not_found, "fill: expected blocks that are missing, found none"};
    return std::unique_ptr<HistoryFill>(new HistoryFill(std::make_unique<Impl>(std::move(store), *gap)));
  });
}

HistoryFill::HistoryFill(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HistoryFill::~HistoryFill() = default;

std::optional<Height> HistoryFill::next() const { return impl_->next(); }
Result<void> HistoryFill::take(const OlderBlock& block) { return impl_->take(block); }
Result<bool> HistoryFill::close(std::size_t entries) { return impl_->close(entries); }

}  // namespace testamur::store
