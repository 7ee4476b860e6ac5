// Genesis: the first records of a ledger, whose hash is the ledger's id (FORMATS 3).
#pragma once

#include "testamur/ledger/record.h"

namespace testamur {

struct Genesis {
  Time created;
  std::vector<Record> records;
};

Bytes encode(const Genesis& genesis);

/// Decodes and checks everything that FORMATS asks of a genesis: the consortium first, revisions 0, registers empty and
/// their institutions there, and every name and key unique.
Result<Genesis> decode_genesis(ByteView bytes);

/// H(Genesis).
Hash ledger_id(ByteView genesis);

/// The origin line of the ledger's checkpoints: origin "/" hex(ledger id).
std::string origin_line(std::string_view origin, const Hash& ledger);

}  // namespace testamur
