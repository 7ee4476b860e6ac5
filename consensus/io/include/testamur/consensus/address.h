// Addresses as operators write them, host:port, checked before gRPC sees them: it takes much else for a target ("unix:...") and
// says nothing when it cannot listen.
#pragma once

#include <cstdint>
#include <string>

#include "testamur/encoding/result.h"

namespace testamur::consensus {

struct HostPort {
  std::string host;  ///< without the brackets of an IPv6 address
  std::uint16_t port = 0;
};

/// "host:port", or "[IPv6]:port". Errors: invalid.
Result<HostPort> parse_address(const std::string& address);

/// Whether each address that the host stands for can be listened on. Errors: conflict (in use), invalid (unknown host, not of
/// this machine, not permitted).
Result<void> check_can_listen(const std::string& address);

}  // namespace testamur::consensus
