// The input of fuzz_core: what happens to one node, step by step. A step is a byte that says its kind, one for its argument, and for a
// message two of its length (big-endian) and the message's bytes (peer.proto).
#pragma once

#include "testamur/consensus/messages.h"
#include "testamur/encoding/bytes.h"

namespace testamur::fuzz {

enum class StepKind : std::uint8_t {
  message,  ///< of node 2 + argument % 7, as its bytes are
  liar,     ///< the same, made to fit what the node holds: nobody who lies well gets an entry's hash wrong
  ticks,    ///< argument % 16 + 1 of them
  disk,     ///< argument % 2: the oldest write is done; all are
  owner,    ///< applies what is committed; the argument says what else it does
  link,     ///< argument % 2 with node 2 + argument / 2 % 7: reconnected, disconnected
  power,  ///< goes, and the node starts again; argument / 2: at the entry after so many that the owner lacks, argument % 2: its log is damaged
  kinds,
};

struct Step {
  StepKind kind = StepKind::ticks;
  std::uint8_t argument = 0;
  ByteView message = {};
};

/// The next step, and where the one after begins.
inline Step next_step(ByteView& bytes) {
  const auto byte = [&]() -> std::uint8_t {
    if (bytes.empty()) return 0;
    const std::uint8_t first = bytes.front();
    bytes = bytes.subspan(1);
    return first;
  };
  Step step;
  step.kind = static_cast<StepKind>(byte() % static_cast<std::uint8_t>(StepKind::kinds));
  step.argument = byte();
  if (step.kind != StepKind::message && step.kind != StepKind::liar) return step;
  const std::size_t high = byte();
  const std::size_t size = std::min(high << 8 | byte(), bytes.size());
  step.message = bytes.first(size);
  bytes = bytes.subspan(size);
  return step;
}

inline void add_step(Bytes& bytes, const Step& step) {
  bytes.push_back(static_cast<std::uint8_t>(step.kind));
  bytes.push_back(step.argument);
  if (step.kind != StepKind::message && step.kind != StepKind::liar) return;
  bytes.push_back(static_cast<std::uint8_t>(step.message.size() >> 8));
  bytes.push_back(static_cast<std::uint8_t>(step.message.size()));
  bytes.insert(bytes.end(), step.message.begin(), step.message.end());
}

}  // namespace testamur::fuzz
