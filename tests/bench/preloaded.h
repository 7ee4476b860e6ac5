// A ledger with many entries already in it: classes of 100, one entry of a hundred amended, seven voters.
#pragma once

#include <cstdlib>

#include "test_ledger.h"

namespace testamur::test {

inline constexpr std::uint32_t kClassSize = 100;

/// The ledger of about this many entries in register r1 of institution 0, certified. Made once a size, then kept.
TestLedger& preloaded(std::uint64_t entries);
/// Closes them all; to be called before the program ends.
void close_preloaded();

/// Random numbers of the preloaded register that have this status.
std::vector<std::uint64_t> numbers_with(TestLedger& test, Status status, std::size_t count);

/// In a trial run every size is small.
inline bool trial_run() { return std::getenv("TESTAMUR_BENCH_SMALL") != nullptr; }

}  // namespace testamur::test
