#include "find.h"

#include <algorithm>

#include "gap.h"
#include "registry.h"
#include "state.h"

namespace testamur::store {
namespace {

constexpr std::size_t kNumberBytes = sizeof(std::uint64_t);

std::optional<LeafIndex> place_named(const storage::View& view, const Statement& statement) {
  if (const auto* issue = std::get_if<IssueBody>(&statement.body)) {
    const auto record = find_record(view, register_key(statement.institution, issue->register_name));
    if (!record) return std::nullopt;
    const auto value = view.get(keys::batch(*record, issue->first));
    if (!value) return std::nullopt;
    return stored(decode_batch_entry(ByteView(*value).subspan(kNumberBytes)), "a batch").leaf_index;
  }
  if (const auto* amend = std::get_if<AmendBody>(&statement.body)) {
    const auto record = find_record(view, register_key(statement.institution, amend->register_name));
    if (!record) return std::nullopt;
    const auto value = view.get(keys::event(*record, EventSequence{amend->next_event}));
    if (!value) return std::nullopt;
    return stored(decode_event(*value), "an event").leaf_index;
  }
  return std::nullopt;
}

}  // namespace

std::optional<RecordIndex> find_record(const storage::View& view, std::string_view name) {
  const auto value = view.get(keys::record_name(name));
  if (!value) return std::nullopt;
  return static_cast<RecordIndex>(stored_u64(*value, "record_name"));
}

BatchEntry find_batch(const storage::View& view, RecordIndex record, EntryNumber number) {
  const Bytes key = keys::batch(record, number);
  const auto found = present(view.last_up_to(key, key.size() - kNumberBytes), "a batch");
  return stored(decode_batch_entry(ByteView(found.value).subspan(kNumberBytes)), "a batch");
}

std::optional<Placed> find_statement(const storage::View& view, ByteView signed_statement) {
  const auto decoded = decode_signed_statement(signed_statement);
  if (!decoded) return std::nullopt;
  const auto statement = decode_statement(decoded->statement);
  if (!statement) return std::nullopt;
  const auto at = place_named(view, *statement);
  if (!at) return std::nullopt;
  const Bytes data = read_leaf(view, *at);
  const StatementLeaf leaf = stored(decode_statement_leaf(data), "a statement leaf");
  // Other bytes were there first.
  if (!std::ranges::equal(data, statement_leaf(leaf.recorded_at, signed_statement))) return std::nullopt;
  const auto found = view.get(keys::block_time(leaf.recorded_at));
  if (!found) excuse_missing(view, *at);
  const Bytes height = present(found, "the block of a leaf");
  return Placed{*at, Height{stored_u64(height, "block_time")}, leaf.recorded_at};
}

}  // namespace testamur::store
