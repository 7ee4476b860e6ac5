// The entries of simulations: a hash that is cheap, and payloads that say which write of a client's they are, before the block that is
// proposed (FORMATS 9).
#pragma once

#include "testamur/consensus/log_store.h"
#include "testamur/ledger/payload.h"

namespace testamur::consensus::simulation {

/// Not a good hash, but one that depends on every bit: the simulation's liars do not look for collisions.
Digest hash_entry(const Entry& entry);

/// Such a hash is what its first word makes of it; another digest is told apart by that.
std::uint64_t first_word(const Digest& digest);
Digest digest_from(std::uint64_t first_word);

/// In the number of a payload that makes no block.
constexpr std::uint64_t kLate = std::uint64_t{1} << 49;
/// In those of payloads that liars made.
constexpr std::uint64_t kForged = std::uint64_t{1} << 50;
constexpr std::uint64_t kClaimed = std::uint64_t{1} << 51;
Payload payload_of(std::uint64_t number, const testamur::Payload& block);
std::uint64_t number_of(const Payload& payload);
/// Of what a cluster without liars committed.
bool makes_block(const Entry& entry);
ByteView block_in(const Payload& payload);

}  // namespace testamur::consensus::simulation
