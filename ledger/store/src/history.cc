#include "testamur/store/history.h"

#include <algorithm>

#include "find.h"
#include "history_impl.h"
#include "testamur/ledger/alphabet.h"
#include "testamur/ledger/genesis.h"

namespace testamur::store {
namespace {

Error not_found(std::string message) { return {ErrorCode::not_found, std::move(message)}; }

}  // namespace

Result<std::unique_ptr<History>> History::open(std::shared_ptr<const storage::KeyValueStore> store) {
  return Histories(std::move(store)).open();
}

/// The id is the hash of all of genesis.
Histories::Named Histories::named(const storage::View& view) const {
  const std::lock_guard lock(mutex_);
  if (!named_) {
    const Hash ledger = ledger_id(present(view.get(keys::genesis()), "genesis"));
    const Record consortium = stored(decode_record(read_record(view, 0, Height{0})), "the consortium record");
    named_ = {ledger, origin_line(std::get<ConsortiumRecord>(consortium).origin, ledger)};
  }
  return *named_;
}

Result<std::unique_ptr<History>> Histories::open() const {
  return guarded([&]() -> Result<std::unique_ptr<History>> {
    auto view = store_->view();
    auto certified = read_certified(*view, "");
    // An empty store is such a one, too: named() finds a genesis from here on.
    if (!certified) return not_found("store: expected a certified checkpoint, found none yet");
    Named named = this->named(*view);
    certified->certified.checkpoint.origin = std::move(named.origin);
    auto impl = std::make_unique<History::Impl>(store_, std::move(view), std::move(*certified), named.ledger);
    return std::unique_ptr<History>(new History(std::move(impl)));
  });
}

History::History(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
History::~History() = default;

const CertifiedCheckpoint& History::certified() const { return impl_->certified(); }
Height History::height() const { return impl_->height(); }

std::optional<Height> History::Impl::height_at(Time time) const {
  const auto found = view_->last_up_to(keys::block_time(time), 1);
  if (!found) return std::nullopt;
  return std::min(Height{stored_u64(found->value, "block_time")}, height_);
}

Result<BlockRecord> History::block(Height height) const {
  return guarded([&]() -> Result<BlockRecord> {
    if (height > impl_->height()) {
      return not_found("block: expected a height up to " + std::to_string(impl_->height().value) + ", found " +
                       std::to_string(height.value));
    }
    return read_block(impl_->view(), height);
  });
}

Result<BlockLeaves> History::block_leaves(Height height) const {
  const auto record = block(height);
  if (!record) return record.error();
  return guarded([&]() -> Result<BlockLeaves> {
    BlockLeaves leaves{record->first_leaf, {}};
    const LeafIndex last = read_block_index(impl_->view(), height);
    for (LeafIndex at = leaves.first; at <= last; ++at.value) leaves.data.push_back(read_leaf(impl_->view(), at));
    return leaves;
  });
}

Result<LogIndex> History::block_payload(Height height) const {
  const auto record = block(height);
  if (!record) return record.error();
  return guarded([&]() -> Result<LogIndex> { return read_block_payload(impl_->view(), height); });
}

Result<Bytes> History::leaf(LeafIndex index) const {
  return guarded([&]() -> Result<Bytes> {
    if (index.value >= impl_->size()) {
      return not_found("leaf: expected an index below " + std::to_string(impl_->size()) + ", found " +
                       std::to_string(index.value));
    }
    return read_leaf(impl_->view(), index);
  });
}

Result<Bytes> History::genesis() const {
  return guarded([&]() -> Result<Bytes> { return present(impl_->view().get(keys::genesis()), "genesis"); });
}

Result<ConsortiumRecord> History::consortium_at(Height height) const {
  return guarded([&]() -> Result<ConsortiumRecord> { return impl_->read<ConsortiumRecord>(0, height); });
}

Result<InstitutionRecord> History::institution_at(std::string_view id, Height height) const {
  return guarded([&]() -> Result<InstitutionRecord> {
    // The names of registers lie among those of institutions.
    const auto index = is_institution_id(id) ? find_record(impl_->view(), id) : std::nullopt;
    if (!index || height > impl_->height()) {
      return not_found("institution: expected an institution of this ledger and a certified height, found " +
                       std::string(id) + " at " + std::to_string(height.value));
    }
    return impl_->read<InstitutionRecord>(*index, height);
  });
}

Result<RegisterRecord> History::register_at(std::string_view institution, std::string_view name, Height height) const {
  return guarded([&]() -> Result<RegisterRecord> {
    const auto index = find_record(impl_->view(), register_key(institution, name));
    if (!index || height > impl_->height()) {
      return not_found("register: expected a register of this ledger and a certified height, found " +
                       register_key(institution, name) + " at " + std::to_string(height.value));
    }
    return impl_->read<RegisterRecord>(*index, height);
  });
}

Result<LeafIndex> History::statement_of(std::string_view institution, std::string_view name, EntryNumber number) const {
  const auto record = register_at(institution, name, height());
  if (!record) return record.error();
  return guarded([&]() -> Result<LeafIndex> {
    if (number.value >= record->issued) {
      return not_found("entry: expected a number below " + std::to_string(record->issued) + ", found " +
                       std::to_string(number.value));
    }
    return find_batch(impl_->view(), *find_record(impl_->view(), register_key(institution, name)), number).leaf_index;
  });
}

Result<std::optional<Placed>> History::find_statement(ByteView signed_statement) const {
  return guarded([&]() -> Result<std::optional<Placed>> {
    const auto placed = store::find_statement(impl_->view(), signed_statement);
    if (placed && placed->leaf.value >= impl_->size()) return std::optional<Placed>{};
    return placed;
  });
}

Result<std::vector<StatusRun>> History::statuses_at(std::string_view institution, std::string_view name,
                                                    EntryNumber first, std::uint64_t count, Height height) const {
  const auto record = register_at(institution, name, height);
  if (!record) return record.error();
  return guarded([&]() -> Result<std::vector<StatusRun>> {
    if (first.value > record->issued || count > record->issued - first.value) {
      return not_found("status: expected numbers below " + std::to_string(record->issued));
    }
    const RecordIndex index = *find_record(impl_->view(), register_key(institution, name));
    return StatusTree(impl_->view(), keys::status_tree(index), height, record->issued).runs(first, count);
  });
}

Result<ListedPage> History::find_listed(const Hash& commitment, std::size_t most, ByteView after) const {
  return guarded([&]() -> Result<ListedPage> {
    const Bytes prefix = keys::commitment_prefix(commitment);
    Bytes from = prefix;
    if (!after.empty()) from.insert(from.end(), after.begin(), after.end());
    ListedPage page;
    std::vector<Bytes> found;  // what follows the prefix: record and number
    impl_->view().scan(from, prefix, [&](ByteView key, ByteView) {
      const ByteView place = key.subspan(prefix.size());
      if (found.size() == most) {
        page.next.assign(place.begin(), place.end());
        return false;
      }
      found.emplace_back(place.begin(), place.end());
      return true;
    });
    for (const Bytes& place : found) {
      Reader reader(place, "commitment");
      const RecordIndex index = reader.u32("record");
      const EntryNumber number{reader.u64("number")};
      const auto registered = impl_->read<RegisterRecord>(index, impl_->height());
      // Entries of blocks that are not certified yet are not shown.
      if (number.value < registered.issued) page.entries.push_back({registered.institution, registered.name, number});
    }
    return page;
  });
}

Result<Proof> History::prove(const ProofRequest& request) const {
  return guarded([&]() -> Result<Proof> { return impl_->prove(request); });
}

}  // namespace testamur::store
