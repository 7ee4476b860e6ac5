// The first word on each stream, both ways: it shows two nodes that they are of one ledger and speak one version.
#pragma once

#include <optional>

#include "stream.h"

namespace testamur::consensus {

enum class HelloFault : std::uint8_t { version, ledger, name };

struct HelloRefusal {
  HelloFault fault;
  std::string why;  ///< what was said, and what was expected
};

/// Why this hello from the node known by its key as `name` is not to be answered; nothing when it is.
std::optional<HelloRefusal> check_hello(const peer::v1::Hello& hello, const Hash& ledger, const std::string& name);

}  // namespace testamur::consensus
