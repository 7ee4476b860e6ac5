// Makes golden ledgers from a seed: random blocks in which every kind of statement and every code of refusal occurs.
#pragma once

#include <string>

#include "json_file.h"

namespace testamur::vectors {

/// The ledger that follows from the seed, with what our own code makes of it. The same seed gives the same file.
boost::json::object write_golden(std::uint64_t seed, unsigned blocks);
/// RFC 6962 trees with a proof of each kind, at sizes around powers of two.
boost::json::object write_trees(std::uint64_t seed);

}  // namespace testamur::vectors
