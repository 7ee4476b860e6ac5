// A made-up life of a log: terms, votes, entries, truncations, claims, an owner's record; from a seed, so that another process, or a
// store that lost its power, can be held against it. Beside the writes it keeps, by the plainest means, what they come to.
#pragma once

#include <random>
#include <string>

#include "testamur/consensus/log_store.h"

namespace testamur::consensus {

class LogHistory {
 public:
  /// Payloads are up to `max_payload` bytes long.
  LogHistory(std::uint64_t seed, std::size_t max_payload) : random_(seed), max_payload_(max_payload) {}

  struct Step {
    std::vector<Write> writes;
    std::optional<std::vector<std::uint8_t>> owner_record;
  };
  /// What to hand to the store next.
  Step next();
  std::uint64_t steps() const { return steps_; }
  /// What a store holds that was handed every step so far.
  const Stored& stored() const { return stored_; }

 private:
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  Write draw_write();
  void drop_some(Write& write);
  void begin_anew(Write& write);
  Configuration draw_members();
  std::vector<std::uint8_t> draw_bytes(std::size_t count);

  std::mt19937_64 random_;
  std::size_t max_payload_;
  std::uint64_t steps_ = 0;
  Stored stored_;
};

bool same(const Stored& a, const Stored& b);
std::string summary(const Stored& stored);

}  // namespace testamur::consensus
