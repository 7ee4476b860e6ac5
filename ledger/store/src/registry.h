// The newest records, decoded and found by name: what rules are judged against. The store is the truth; this is read from it
// at open and after a rollback, and follows it block by block.
#pragma once

#include <map>

#include "append_tree.h"
#include "keys.h"
#include "status_tree.h"
#include "testamur/ledger/record.h"

namespace testamur::store {

/// A register's record with the right edges of its two growing trees and the top of its statuses, read when first needed.
struct RegisterState {
  RecordIndex index = 0;
  RegisterRecord record;
  std::optional<AppendEdge> batches;
  std::optional<AppendEdge> events;
  std::optional<StatusTree::Tile> statuses;
};

std::string register_key(std::string_view institution, std::string_view name);

class Registry {
 public:
  /// The records as of block `version`.
  static Registry load(const storage::View& view, std::uint32_t size, Height version = Height{UINT64_MAX});

  void add(RecordIndex index, Record record);

  const ConsortiumRecord& consortium() const { return consortium_; }
  const InstitutionRecord* find_institution(std::string_view id) const;
  const RegisterState* find_register(std::string_view institution, std::string_view name) const;
  RegisterState* find_register(std::string_view institution, std::string_view name);

 private:
  ConsortiumRecord consortium_;
  std::map<std::string, InstitutionRecord, std::less<>> institutions_;
  std::map<std::string, RegisterState, std::less<>> registers_;
};

/// The newest version up to `version` of a record, in bytes. Throws storage::StorageFault when there is none.
Bytes read_record(const storage::View& view, RecordIndex index, Height version);

/// The block from which on a record has been what it is as of `version`.
Height read_record_version(const storage::View& view, RecordIndex index, Height version);

/// Decodes what the store holds; throws storage::StorageFault when it does not decode.
template <class T>
T stored(Result<T> decoded, std::string_view what) {
  if (!decoded) {
    throw storage::StorageFault(ErrorCode::corrupt,
                                "store: expected " + std::string(what) + "; " + decoded.error().message);
  }
  return std::move(*decoded);
}

/// A value that must be there; throws storage::StorageFault when it is not.
template <class T>
T present(std::optional<T> value, std::string_view what) {
  if (!value) throw storage::StorageFault(ErrorCode::corrupt, "store: expected " + std::string(what) + ", found none");
  return std::move(*value);
}

std::uint64_t stored_u64(ByteView value, std::string_view what);
Bytes u64_bytes(std::uint64_t value);

}  // namespace testamur::store
