#include "hello.h"

namespace testamur::consensus {

std::optional<HelloRefusal> check_hello(const peer::v1::Hello& hello, const Hash& ledger, const std::string& name) {
  if (hello.version() != kProtocolVersion) {
    return HelloRefusal{HelloFault::version, "it speaks version " + std::to_string(hello.version()) +
                                                 " of the peer protocol, expected " + std::to_string(kProtocolVersion)};
  }
  if (hello.ledger() != as_text(ledger)) {
    const bool a_hash = hello.ledger().size() == ledger.size();
    return HelloRefusal{HelloFault::ledger, "it is of ledger " + (a_hash ? to_hex(as_bytes(hello.ledger())) : "?") +
                                                ", expected " + to_hex(ledger)};
  }
  if (hello.name() != name) {
    return HelloRefusal{HelloFault::name,
                        "it says it is \"" + for_log(hello.name()) + "\", but its key is that of \"" + name + "\""};
  }
  return std::nullopt;
}

}  // namespace testamur::consensus
