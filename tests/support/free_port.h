// Ports for listeners of tests.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

namespace testamur::test {

inline bool is_free(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return bound;
}

/// A port of loopback that nobody listens on. Tests run side by side, and a port is listened on only later: so they are given out in
/// turn, by a file that all tests share, from below those that the system gives to callers.
inline int free_port() {
  constexpr int kFirst = 10'000;
  constexpr int kCount = 20'000;
  const std::string path = "/tmp/testamur-test-ports-" + std::to_string(getuid());
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || flock(fd, LOCK_EX) != 0) throw std::runtime_error("cannot lock " + path);
  int turn = 0;
  if (pread(fd, &turn, sizeof turn, 0) != sizeof turn || turn < 0) turn = 0;
  int port = 0;
  for (int tries = 0; port == 0 && tries < kCount; ++tries) {
    turn = (turn + 1) % kCount;
    if (is_free(kFirst + turn)) port = kFirst + turn;
  }
  const bool kept = pwrite(fd, &turn, sizeof turn, 0) == sizeof turn;
  close(fd);
  if (!kept || port == 0) throw std::runtime_error("no free port");
  return port;
}

}  // namespace testamur::test
