#include "reach.h"

#include "answer.h"

namespace testamur::tool {

std::optional<Failure> read_reach(const std::vector<std::string>& nodes, const std::string& timeout,
                                  const std::string& policy, Reach& reach) {
  auto addresses = parse_nodes(nodes);
  if (!addresses) return failure_of(addresses.error(), kUsage);
  const auto timeout_ms = parse_duration(timeout);
  if (!timeout_ms) {
    return failure_of(Error{timeout_ms.error().code, "--timeout: " + timeout_ms.error().message}, kUsage);
  }
  auto read = read_policy(policy);
  if (!read) return failure_of(read.error());
  reach = {std::move(*addresses), *timeout_ms, std::move(*read)};
  return std::nullopt;
}

}  // namespace testamur::tool
