// Golden ledgers: whole ledgers as JSON, applied on a real store and compared field by field, block by block.
//
// A file holds a genesis, the submissions of each block, and what each block must come to.
#pragma once

#include "json_file.h"

namespace testamur::vectors {

/// Applies the ledger and compares every field; says what it held. Throws Mismatch, which names the first difference by its
/// block and field.
std::string check_golden(const boost::json::value& json);

}  // namespace testamur::vectors
