// Goal: an address that is none is told before anything is tried, and a port that is taken is told as that.
#include "testamur/consensus/address.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace testamur::consensus {
namespace {

using testing::HasSubstr;

TEST(Address, HostAndPort) {
  const auto name = parse_address("node.a.example:7411");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->host, "node.a.example");
  EXPECT_EQ(name->port, 7411);
  const auto six = parse_address("[::1]:0");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->port, 0);
}

TEST(Address, WhatIsNone) {
  for (const char* text : {"", "host", ":1", "host:", "host:70000", "host:-1", "host: 1", "::1:7411", "[]:1",
                           "unix:/tmp/x", "dns:///host:1", "a/b:1", "host:http"}) {
    const auto parsed = parse_address(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid);
  }
}

TEST(Address, APortInUse) {
  const int taken = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(taken, reinterpret_cast<const sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(taken, 1), 0);
  ASSERT_EQ(::getsockname(taken, reinterpret_cast<sockaddr*>(&at), &size), 0);
  const std::string address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  const auto in_use = check_can_listen(address);
  ASSERT_FALSE(in_use);
  EXPECT_EQ(in_use.error().code, ErrorCode::conflict);
  EXPECT_THAT(in_use.error().message, HasSubstr("in use"));
  ::close(taken);
  EXPECT_TRUE(check_can_listen(address));
}

TEST(Address, NotOfThisMachine) {
  EXPECT_EQ(check_can_listen("192.0.2.1:7411").error().code, ErrorCode::invalid);  // RFC 5737: nobody's
  EXPECT_EQ(check_can_listen("no-such-host.invalid:7411").error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace testamur::consensus
