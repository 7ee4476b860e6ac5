// The entries of simulations: a hash that is cheap, and payloads that say which write of a client's they are, before the block that is
// proposed (FORMATS 9).
#pragma once

#include "testamur/consensus/log_store.h"
#include "testamur/ledger/payload.h"

namespace testamur::consensus::simulation {

/// Not a good hash, but one that depends on every bit: the simulation's liars do not look for collisions.
Digest hash_entry(const Entry& entry);

/// In the number of a payload that makes no block.
constexpr std::uint64_t kLate = std::uint64_t{1} << 49;
Payload payload_of(std::uint64_t number, const testamur::Payload& block);
std::uint64_t number_of(const Payload& payload);
/// Of what a cluster without liars committed.
bool makes_block(const Entry& entry);
ByteView block_in(const Payload& payload);

}  // namespace testamur::consensus::simulation
