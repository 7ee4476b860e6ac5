#include "testamur/store/ledger.h"

#include <algorithm>
#include <bit>

#include "find.h"
#include "gap.h"
#include "registry_tree.h"
#include "state.h"
#include "testamur/ledger/genesis.h"

namespace testamur::store {
namespace {

constexpr std::uint8_t kFormat = 1;

/// The keys that a listed batch's undo leaves out: where its commitments are found.
void remove_listed(const storage::View& view, Height height, const Registry& registry, storage::WriteSet& out) {
  const BlockRecord record = read_block(view, height);
  const LeafIndex end = read_block_index(view, height);
  for (LeafIndex at = record.first_leaf; at < end; ++at.value) {
    const StatementLeaf leaf = stored(decode_statement_leaf(read_leaf(view, at)), "a statement leaf");
    const Statement statement = stored(decode_statement(leaf.statement.statement), "a statement");
    const auto* issue = std::get_if<IssueBody>(&statement.body);
    if (issue == nullptr || !issue->listed) continue;
    const RegisterState* state = registry.find_register(statement.institution, issue->register_name);
    const auto commitments = read_listed(view, at, issue->count);
    for (std::size_t i = 0; i < commitments.size(); ++i) {
      out.remove(keys::commitment(commitments[i], state->index, EntryNumber{issue->first.value + i}));
    }
  }
}

Error conflict(std::string message) { return {ErrorCode::conflict, std::move(message)}; }

struct NamedBlock {
  Height height;
  Time time;
};

/// The block that ends where this checkpoint does. One that was applied a moment ago is known; any other is read.
Result<NamedBlock> block_of(const storage::View& view, const Checkpoint& checkpoint,
                            const std::map<std::uint64_t, Head>& known) {
  const auto other_root = [&] {
    return conflict("certify: this ledger has another root at size " + std::to_string(checkpoint.size));
  };
  if (const auto found = known.find(checkpoint.size); found != known.end()) {
    if (found->second.root != checkpoint.root) return other_root();
    return NamedBlock{found->second.height, found->second.time};
  }
  const auto record = decode_block_record(read_leaf(view, LeafIndex{checkpoint.size - 1}));
  if (!record) return conflict("certify: expected the size of a block, found one that no block ends at");
  if (AppendTree(view, keys::log_tree()).root(checkpoint.size) != checkpoint.root) return other_root();
  return NamedBlock{record->height, record->time};
}

}  // namespace

BlockWrites genesis_writes(const Genesis& genesis, ByteView bytes, const storage::View& view) {
  BlockWrites writes;
  std::map<RecordIndex, Hash> leaves;
  for (RecordIndex index = 0; index < genesis.records.size(); ++index) {
    const Record& record = genesis.records[index];
    Bytes encoded = encode(record);
    leaves[index] = merkle::leaf_hash(encoded);
    writes.add(keys::record(index, Height{0}), std::move(encoded));
    if (const auto* institution = std::get_if<InstitutionRecord>(&record)) {
      writes.add(keys::record_name(institution->id), u64_bytes(index));
    } else if (const auto* registered = std::get_if<RegisterRecord>(&record)) {
      writes.add(keys::record_name(register_key(registered->institution, registered->name)), u64_bytes(index));
    }
  }
  RegistryTree tree(view, Height{0}, 0);
  tree.update(leaves, Height{0}, writes);

  BlockRecord record;
  record.time = genesis.created;
  record.previous = ledger_id(bytes);
  record.registry_size = static_cast<std::uint32_t>(genesis.records.size());
  record.registry_root = tree.root();
  record.consortium = leaves.at(0);
  Bytes leaf = encode(record);
  Head head;
  head.time = record.time;
  head.size = 1;
  head.block_leaf = merkle::leaf_hash(leaf);
  head.root = head.block_leaf;
  head.registry_size = record.registry_size;
  AppendEdge log;
  log.append(head.block_leaf);
  log.flush(keys::log_tree(), writes);
  writes.add(keys::leaf(LeafIndex{0}), std::move(leaf));
  writes.add(keys::block(Height{0}), encode_block_place(LeafIndex{0}, LogIndex{0}));
  writes.add(keys::block_time(record.time), u64_bytes(0));
  writes.add(keys::genesis(), Bytes(bytes.begin(), bytes.end()));
  writes.add(keys::head(), encode(head));
  return writes;
}

Bytes encode(const Head& head) {
  return Writer{}
      .u8(kFormat)
      .u64(head.applied.value)
      .u64(head.height.value)
      .time(head.time)
      .u64(head.size)
      .raw(head.root)
      .raw(head.block_leaf)
      .u32(head.registry_size)
      .u32(head.epoch)
      .bytes();
}

Head decode_head(ByteView value) {
  Reader reader(value, "head");
  Head head;
  if (reader.u8("format") != kFormat) {
    throw storage::StorageFault(ErrorCode::unsupported,
                                "store: expected format 1; this ledger was written by a newer program");
  }
  head.applied = LogIndex{reader.u64("applied")};
  head.height = Height{reader.u64("height")};
  head.time = reader.time("time");
  head.size = reader.u64("size");
  head.root = reader.hash("root");
  head.block_leaf = reader.hash("block_leaf");
  head.registry_size = reader.u32("registry_size");
  head.epoch = reader.u32("epoch");
  if (const auto error = reader.finish()) throw storage::StorageFault(ErrorCode::corrupt, "store: " + error->message);
  return head;
}

Bytes encode(const StoredCertified& stored) {
  Writer writer;
  writer.u64(stored.height.value).u64(stored.certified.checkpoint.size).raw(stored.certified.checkpoint.root);
  writer.u32(stored.certified.epoch);
  write(writer, stored.certified.cosignatures);
  write(writer, stored.certified.previous);
  return std::move(writer).bytes();
}

Result<StoredCertified> decode_certified(ByteView value, const std::string& origin) {
  Reader reader(value, "certified");
  StoredCertified out;
  out.height = Height{reader.u64("height")};
  out.certified.checkpoint.origin = origin;
  out.certified.checkpoint.size = reader.u64("size");
  out.certified.checkpoint.root = reader.hash("root");
  out.certified.epoch = reader.u32("epoch");
  out.certified.cosignatures = read_cosignatures(reader, "cosignatures");
  out.certified.previous = read_cosignatures(reader, "previous");
  if (const auto error = reader.finish()) return *error;
  return out;
}

std::optional<StoredCertified> read_certified(const storage::View& view, const std::string& origin) {
  const auto value = view.get(keys::certified());
  if (!value) return std::nullopt;
  return stored(decode_certified(*value, origin), "a certified checkpoint");
}

namespace {

struct BlockPlace {
  LeafIndex leaf;
  LogIndex payload;
};

BlockPlace read_block_place(const storage::View& view, Height height) {
  const auto found = view.get(keys::block(height));
  if (!found) require_here(view, height);
  const Bytes value = present(found, "block " + std::to_string(height.value));
  Reader reader(value, "block");
  BlockPlace place;
  place.leaf = LeafIndex{reader.u64("leaf")};
  place.payload = LogIndex{reader.u64("payload")};
  if (const auto error = reader.finish()) throw storage::StorageFault(ErrorCode::corrupt, "store: " + error->message);
  return place;
}

}  // namespace

Bytes encode_block_place(LeafIndex leaf, LogIndex payload) {
  return Writer{}.u64(leaf.value).u64(payload.value).bytes();
}

LeafIndex read_block_index(const storage::View& view, Height height) { return read_block_place(view, height).leaf; }

LogIndex read_block_payload(const storage::View& view, Height height) { return read_block_place(view, height).payload; }

Bytes read_leaf(const storage::View& view, LeafIndex index) {
  auto data = view.get(keys::leaf(index));
  if (!data) excuse_missing(view, index);
  return present(std::move(data), "leaf " + std::to_string(index.value));
}

BlockRecord read_block(const storage::View& view, Height height) {
  return stored(decode_block_record(read_leaf(view, read_block_index(view, height))), "a block record");
}

std::vector<Hash> read_listed(const storage::View& view, LeafIndex statement, std::uint32_t count) {
  const Bytes tree = keys::listed_tree(statement);
  std::vector<Hash> out;
  for (std::uint64_t tile = 0; out.size() < count; ++tile) {
    const auto hashes = tile_hashes(present(view.get(keys::tile(tree, 0, tile)), "a listed batch"));
    out.insert(out.end(), hashes.begin(), hashes.end());
  }
  return out;
}

void for_each_range(EntryNumber first, std::uint64_t count, const std::function<void(unsigned, std::uint64_t)>& visit) {
  std::uint64_t begin = first.value;
  const std::uint64_t end = begin + count;
  while (begin < end) {
    const auto aligned = begin == 0 ? 63u : static_cast<unsigned>(std::countr_zero(begin));
    const auto fitting = static_cast<unsigned>(std::bit_width(end - begin) - 1);
    const unsigned level = std::min(aligned, fitting);
    visit(level, begin >> level);
    begin += std::uint64_t{1} << level;
  }
}

ConsortiumRecord Ledger::State::consortium_at(const storage::View& view, Height height) const {
  if (height >= consortium_since) return registry.consortium();
  return std::get<ConsortiumRecord>(stored(decode_record(read_record(view, 0, height)), "the consortium record"));
}

Result<StoredCertified> Ledger::State::check(const storage::View& view, const CertifiedCheckpoint& certified,
                                             const SignatureCheck& check_signature) const {
  const Checkpoint& checkpoint = certified.checkpoint;
  if (checkpoint.origin != origin) return conflict("certify: expected the origin " + origin);
  if (checkpoint.size == 0 || checkpoint.size > head.size) {
    return Error{ErrorCode::not_found, "certify: expected a size of 1 to " + std::to_string(head.size) + ", found " +
                                           std::to_string(checkpoint.size)};
  }
  const auto block = block_of(view, checkpoint, uncertified);
  if (!block) return block.error();
  const ConsortiumRecord consortium = consortium_at(view, block->height);
  const std::uint64_t not_before = block->time.value / 1000;
  const auto chosen =
      testamur::certify(checkpoint, quorum_of(consortium), certified.cosignatures, not_before, check_signature);
  if (!chosen) {
    return conflict("certify: expected cosignatures of " + std::to_string(consortium.threshold) +
                    " voters that verify");
  }
  StoredCertified out{block->height, {checkpoint, consortium.revision, *chosen, {}}};
  if (block->height.value > 0) {
    const ConsortiumRecord before = consortium_at(view, Height{block->height.value - 1});
    if (before.revision != consortium.revision) {
      const auto previous =
          testamur::certify(checkpoint, quorum_of(before), certified.previous, not_before, check_signature);
      if (!previous) return conflict("certify: expected cosignatures of the epoch before as well");
      out.certified.previous = *previous;
    }
  }
  return out;
}

void Ledger::State::load() {
  const auto view = store->view();
  const Bytes genesis = present(view->get(keys::genesis()), "genesis");
  id = ledger_id(genesis);
  head = decode_head(present(view->get(keys::head()), "a head"));
  log = AppendEdge::load(*view, keys::log_tree(), head.size);
  if (log.root() != head.root) {
    throw storage::StorageFault(
        ErrorCode::corrupt, "store: expected the log's root " + to_hex(head.root) + ", found " + to_hex(log.root()));
  }
  uncertified.clear();
  registry = Registry::load(*view, head.registry_size);
  consortium_since = read_record_version(*view, 0, head.height);
  RegistryTree tree(*view, head.height, head.registry_size);
  if (const BlockRecord newest = read_block(*view, head.height); tree.root() != newest.registry_root) {
    throw storage::StorageFault(
        ErrorCode::corrupt,
        "store: expected the registry's root " + to_hex(newest.registry_root) + ", found " + to_hex(tree.root()));
  }
  registry_tiles = tree.take_tiles();
  origin = origin_line(registry.consortium().origin, id);
  const auto certified = read_certified(*view, origin);
  certified_height = certified ? certified->height : Height{0};
}

Ledger::Ledger(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::create(std::shared_ptr<storage::KeyValueStore> store, ByteView genesis) {
  const auto decoded = decode_genesis(genesis);
  if (!decoded) return decoded.error();
  return guarded([&]() -> Result<std::unique_ptr<Ledger>> {
    if (store->view()->get(keys::head())) return conflict("store: expected an empty store, found a ledger");
    store->write(genesis_writes(*decoded, genesis, *store->view()).writes());
    store->flush();
    return open(std::move(store));
  });
}

Result<std::unique_ptr<Ledger>> Ledger::open(std::shared_ptr<storage::KeyValueStore> store) {
  return guarded([&]() -> Result<std::unique_ptr<Ledger>> {
    // A store without a head is one whose creation was cut short: nothing was promised of it yet.
    if (!store->view()->get(keys::head())) {
      return Error{ErrorCode::not_found, "store: expected a ledger, found an empty store"};
    }
    auto state = std::make_unique<State>();
    state->store = std::move(store);
    state->load();
    return std::unique_ptr<Ledger>(new Ledger(std::move(state)));
  });
}

const Hash& Ledger::id() const { return state_->id; }
const std::string& Ledger::origin() const { return state_->origin; }
const Head& Ledger::head() const { return state_->head; }
const ConsortiumRecord& Ledger::consortium() const { return state_->registry.consortium(); }
Height Ledger::certified_height() const { return state_->certified_height; }

Checkpoint Ledger::checkpoint() const { return {state_->origin, state_->head.size, state_->head.root}; }

Result<Bytes> Ledger::record(std::uint32_t index) const {
  return guarded([&]() -> Result<Bytes> { return read_record(*state_->store->view(), index, state_->head.height); });
}

Result<Bytes> Ledger::leaf(LeafIndex index) const {
  return guarded([&]() -> Result<Bytes> { return read_leaf(*state_->store->view(), index); });
}

Result<BlockHead> Ledger::block_head(Height height) const {
  return guarded([&]() -> Result<BlockHead> {
    if (height > state_->head.height) {
      return Error{ErrorCode::not_found, "block_head: expected a height up to " +
                                             std::to_string(state_->head.height.value) + ", found " +
                                             std::to_string(height.value)};
    }
    const auto view = state_->store->view();
    const std::uint64_t size = read_block_index(*view, height).value + 1;
    return BlockHead{read_block_payload(*view, height),
                     height,
                     read_block(*view, height).time,
                     {state_->origin, size, AppendTree(*view, keys::log_tree()).root(size)}};
  });
}

Result<std::optional<Placed>> Ledger::find_statement(ByteView signed_statement) const {
  return guarded([&]() -> Result<std::optional<Placed>> {
    return store::find_statement(*state_->store->view(), signed_statement);
  });
}

Result<Applied> Ledger::apply(LogIndex index, ByteView payload, const SignatureCheck& check_signature) {
  const auto decoded = decode_payload(payload);
  // Time 0 never rises, so what does not decode makes no block by the same rule as what comes too early.
  return apply(index, decoded ? *decoded : Payload{}, check_signature);
}

Result<Applied> Ledger::apply(LogIndex index, const Payload& payload, const SignatureCheck& check_signature) {
  if (state_->broken) return *state_->broken;
  const std::uint64_t expected = state_->head.applied.value + 1;
  if (index.value != expected) {
    return conflict("apply: expected log index " + std::to_string(expected) + ", found " + std::to_string(index.value));
  }
  return state_->change([&]() -> Result<Applied> {
    if (payload.time > state_->head.time) return state_->apply(index, payload, check_signature);
    state_->skip(index);
    return Applied{};
  });
}

Result<void> Ledger::certify(const CertifiedCheckpoint& certified, const SignatureCheck& check_signature) {
  if (state_->broken) return *state_->broken;
  return guarded([&]() -> Result<void> {
    const auto view = state_->store->view();
    const auto checked = state_->check(*view, certified, check_signature);
    if (!checked) return checked.error();
    if (checked->height < state_->certified_height) {
      return conflict("certify: block " + std::to_string(state_->certified_height.value) + " is certified already");
    }
    const auto known = read_certified(*view, state_->origin);
    if (known && known->height == checked->height &&
        head_seconds(known->certified) > head_seconds(checked->certified)) {
      return {};  // an older cosigning of the same head does not make it older again
    }
    storage::WriteSet writes;
    writes.put(keys::certified(), encode(*checked));
    // What is final is never taken back.
    for (Height at{state_->certified_height.value + 1}; at <= checked->height; ++at.value)
      writes.remove(keys::undo(at));
    state_->store->write(writes);
    state_->certified_height = checked->height;
    // The newest certified one may be cosigned anew.
    state_->uncertified.erase(state_->uncertified.begin(),
                              state_->uncertified.lower_bound(checked->certified.checkpoint.size));
    return {};
  });
}

std::optional<CertifiedCheckpoint> Ledger::certified() const {
  const auto stored = read_certified(*state_->store->view(), state_->origin);
  if (!stored) return std::nullopt;
  return stored->certified;
}

Result<void> Ledger::rollback(Height height) {
  if (state_->broken) return *state_->broken;
  if (height < state_->certified_height || height > state_->head.height) {
    return conflict("rollback: expected a height from " + std::to_string(state_->certified_height.value) + " to " +
                    std::to_string(state_->head.height.value) + ", found " + std::to_string(height.value));
  }
  return state_->change([&]() -> Result<void> {
    const auto view = state_->store->view();
    storage::WriteSet writes;
    for (Height at = state_->head.height; at > height; --at.value) {
      remove_listed(*view, at, state_->registry, writes);
      BlockWrites::undo_into(writes, present(view->get(keys::undo(at)), "undo of block " + std::to_string(at.value)));
      writes.remove(keys::undo(at));
    }
    // Payloads after that block which made none are taken back as well: other ones may come in their place.
    Head head = state_->head;
    for (const storage::WriteSet::Write& write : writes.writes) {
      if (write.key == keys::head()) head = decode_head(*write.value);
    }
    head.applied = read_block_payload(*view, height);
    writes.put(keys::head(), encode(head));
    state_->store->write(writes);
    // The log of the consensus goes on with other entries at these indexes: a power loss must not bring the old ones back.
    state_->store->flush();
    state_->load();
    return {};
  });
}

Result<void> Ledger::sync() {
  if (state_->broken) return *state_->broken;
  return state_->change([&]() -> Result<void> {
    state_->store->flush();
    return {};
  });
}

}  // namespace testamur::store
