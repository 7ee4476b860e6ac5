#include "registry.h"

namespace testamur::store {

std::string register_key(std::string_view institution, std::string_view name) {
  return std::string(institution) + "/" + std::string(name);
}

Registry Registry::load(const storage::View& view, std::uint32_t size, Height version) {
  Registry registry;
  for (RecordIndex index = 0; index < size; ++index) {
    registry.add(index, stored(decode_record(read_record(view, index, version)), "a record"));
  }
  return registry;
}

void Registry::add(RecordIndex index, Record record) {
  if (auto* consortium = std::get_if<ConsortiumRecord>(&record)) {
    consortium_ = std::move(*consortium);
  } else if (auto* institution = std::get_if<InstitutionRecord>(&record)) {
    std::string id = institution->id;
    institutions_.insert_or_assign(std::move(id), std::move(*institution));
  } else {
    auto& registered = std::get<RegisterRecord>(record);
    std::string key = register_key(registered.institution, registered.name);
    registers_.insert_or_assign(std::move(key), RegisterState{index, std::move(registered), {}, {}, {}});
  }
}

const InstitutionRecord* Registry::find_institution(std::string_view id) const {
  const auto found = institutions_.find(id);
  return found == institutions_.end() ? nullptr : &found->second;
}

const RegisterState* Registry::find_register(std::string_view institution, std::string_view name) const {
  const auto found = registers_.find(register_key(institution, name));
  return found == registers_.end() ? nullptr : &found->second;
}

RegisterState* Registry::find_register(std::string_view institution, std::string_view name) {
  const auto found = registers_.find(register_key(institution, name));
  return found == registers_.end() ? nullptr : &found->second;
}

namespace {

constexpr std::size_t kVersionBytes = 8;

storage::KeyValue newest_record(const storage::View& view, RecordIndex index, Height version) {
  const Bytes key = keys::record(index, version);
  return present(view.last_up_to(key, key.size() - kVersionBytes), "record " + std::to_string(index));
}

}  // namespace

Bytes read_record(const storage::View& view, RecordIndex index, Height version) {
  return newest_record(view, index, version).value;
}

Height read_record_version(const storage::View& view, RecordIndex index, Height version) {
  const Bytes key = newest_record(view, index, version).key;
  return Height{stored_u64(ByteView(key).last(kVersionBytes), "a record's version")};
}

std::uint64_t stored_u64(ByteView value, std::string_view what) {
  Reader reader(value, what);
  const std::uint64_t number = reader.u64("value");
  if (const auto error = reader.finish()) throw storage::StorageFault(ErrorCode::corrupt, "store: " + error->message);
  return number;
}

Bytes u64_bytes(std::uint64_t value) { return Writer{}.u64(value).bytes(); }

}  // namespace testamur::store
