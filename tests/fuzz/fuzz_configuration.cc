// Who takes part, as a log entry or a letter has it. What is wrong with it has a name; what follows itself stays as it is.
#include "fuzz.h"
#include "testamur/consensus/configuration.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testamur;
  using namespace testamur::consensus;
  const auto decoded = decode_configuration({data, size});
  if (!decoded) return 0;
  const auto again = encode(*decoded);
  fuzz::require(std::equal(data, data + size, again->begin(), again->end()));
  for (const auto* part : {&decoded->voters.nodes, &decoded->outgoing.nodes, &decoded->learners,
                           &decoded->learners_next, &decoded->rising}) {
    fuzz::require(part->size() <= 1024);
  }
  fuzz::require(decoded->lives.size() <= 1024);
  fuzz::require(!to_string(*decoded).empty());
  if (!what_is_wrong(*decoded).empty()) return 0;
  // One that is right: quorums of its voters meet, and it may be left where it may be entered.
  fuzz::require(2 * decoded->voters.threshold > decoded->voters.nodes.size());
  fuzz::require(may_follow(*decoded, *decoded));
  const Changed left = leave_joint(*decoded);
  fuzz::require(left.error.empty() == decoded->is_joint());
  if (!left.error.empty()) return 0;
  fuzz::require(what_is_wrong(left.configuration).empty() && !left.configuration.is_joint());
  fuzz::require(may_follow(*decoded, left.configuration));
  return 0;
}
