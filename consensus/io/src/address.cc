#include "testamur/consensus/address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "testamur/encoding/bytes.h"

namespace testamur::consensus {
namespace {

Error no_address(const std::string& address) {
  return Error{ErrorCode::invalid, "\"" + address + "\" is no address: expected host:port, as node.example.edu:7411"};
}

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};

/// 0, or the error number.
int try_bind(const addrinfo& at) {
  const int descriptor = ::socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC, at.ai_protocol);
  if (descriptor < 0) return errno;
  // As gRPC binds: a port is free whose last connections are only waiting out their time.
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int error = ::bind(descriptor, at.ai_addr, at.ai_addrlen) == 0 ? 0 : errno;
  ::close(descriptor);
  return error;
}

}  // namespace

Result<HostPort> parse_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return no_address(address);
  std::string host = address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto of_host = [bracketed](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || c == '.' || c == '-' || c == '_' || (bracketed && (c == ':' || c == '%'));
  };
  const auto port = from_decimal(std::string_view(address).substr(colon + 1));
  if (host.empty() || !std::all_of(host.begin(), host.end(), of_host) || !port || *port > 65'535) {
    return no_address(address);
  }
  return HostPort{std::move(host), static_cast<std::uint16_t>(*port)};
}

Result<void> check_can_listen(const std::string& address) {
  const auto parsed = parse_address(address);
  if (!parsed) return parsed.error();
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int unknown = ::getaddrinfo(parsed->host.c_str(), std::to_string(parsed->port).c_str(), &hints, &found);
  if (unknown != 0) {
    return Error{ErrorCode::invalid, "cannot listen on " + address + ": " + ::gai_strerror(unknown)};
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const int error = try_bind(*at);
    if (error == EADDRINUSE) {
      return Error{ErrorCode::conflict, "cannot listen on " + address + ": port " + std::to_string(parsed->port) +
                                            " is in use by another program"};
    }
    // A host without IPv6 still has names that stand for an IPv6 address.
    const bool skipped = at->ai_family == AF_INET6 && (error == EADDRNOTAVAIL || error == EAFNOSUPPORT);
    if (error != 0 && !(skipped && found->ai_next != nullptr)) {
      return Error{ErrorCode::invalid, "cannot listen on " + address + ": " + std::generic_category().message(error)};
    }
  }
  return {};
}

}  // namespace testamur::consensus
