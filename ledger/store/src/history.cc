#include "testamur/store/history.h"

#include <algorithm>

#include "history_impl.h"
#include "testamur/ledger/genesis.h"

namespace testamur::store {
namespace {

Error not_found(std::string message) { return {ErrorCode::not_found, std::move(message)}; }

}  // namespace

Result<std::unique_ptr<History>> History::open(std::shared_ptr<const storage::KeyValueStore> store) {
  return guarded([&]() -> Result<std::unique_ptr<History>> {
    auto view = store->view();
    const auto genesis = view->get(keys::genesis());
    if (!genesis) return not_found("store: expected a ledger, found an empty store");
    const Hash ledger = ledger_id(*genesis);
    const Record consortium = stored(decode_record(read_record(*view, 0, Height{0})), "the consortium record");
    auto certified = read_certified(*view, origin_line(std::get<ConsortiumRecord>(consortium).origin, ledger));
    if (!certified) return not_found("store: expected a certified checkpoint, found none yet");
    auto impl = std::make_unique<Impl>(std::move(store), std::move(view), std::move(*certified), ledger);
    return std::unique_ptr<History>(new History(std::move(impl)));
  });
}

History::History(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
History::~History() = default;

const CertifiedCheckpoint& History::certified() const { return impl_->certified(); }
Height History::height() const { return impl_->height(); }

std::optional<RecordIndex> History::Impl::find_record(std::string_view name) const {
  const auto value = view_->get(keys::record_name(name));
  if (!value) return std::nullopt;
  return static_cast<RecordIndex>(stored_u64(*value, "record_name"));
}

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

Result<Bytes> History::leaf(LeafIndex index) const {
  return guarded([&]() -> Result<Bytes> {
    if (index.value >= impl_->size()) {
      return not_found("leaf: expected an index below " + std::to_string(impl_->size()) + ", found " +
                       std::to_string(index.value));
    }
    return read_leaf(impl_->view(), index);
  });
}

Result<RegisterRecord> History::register_at(std::string_view institution, std::string_view name, Height height) const {
  return guarded([&]() -> Result<RegisterRecord> {
    const auto index = impl_->find_record(register_key(institution, name));
    if (!index || height > impl_->height()) {
      return not_found("register: expected a register of this ledger and a certified height, found " +
                       register_key(institution, name) + " at " + std::to_string(height.value));
    }
    Record record = stored(decode_record(read_record(impl_->view(), *index, height)), "a register record");
    return std::get<RegisterRecord>(std::move(record));
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
    const RecordIndex index = *impl_->find_record(register_key(institution, name));
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
      const Record record = stored(decode_record(read_record(impl_->view(), index, impl_->height())), "a record");
      const auto& registered = std::get<RegisterRecord>(record);
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
