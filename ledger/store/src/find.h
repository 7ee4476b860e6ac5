// Finding what stands in the log.
#pragma once

#include "keys.h"
#include "testamur/storage/key_value.h"
#include "testamur/store/ledger.h"

namespace testamur::store {

/// The record's index in the registry, by "institution" or "institution/register".
std::optional<RecordIndex> find_record(const storage::View& view, std::string_view name);

/// The batch that an issued number lies in.
BatchEntry find_batch(const storage::View& view, RecordIndex record, EntryNumber number);

/// Where these very bytes stand, certified or not. A statement names the number or the event it is to be, so there is one place
/// to look, and no index of statements is needed.
std::optional<Placed> find_statement(const storage::View& view, ByteView signed_statement);

}  // namespace testamur::store
