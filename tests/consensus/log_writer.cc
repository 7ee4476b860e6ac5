// log_writer DIRECTORY SEED STEPS WRITE_BUFFER: writes a made-up history to a log store, says so, and waits to be killed.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "log_history.h"

int main(int argc, char** argv) {
  using namespace testamur::consensus;
  if (argc != 5) return 2;
  const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
  const std::vector<std::uint8_t> owner = {1, 2, 3};
  LogStoreOptions options;
  options.write_buffer_bytes = number(4);
  const auto store = open_log_store(argv[1], owner, options);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  LogHistory history(number(2), 2000);
  while (history.steps() < number(3)) {
    const LogHistory::Step step = history.next();
    if (!(*store)->write(step.writes, step.owner_record)) return 1;
  }
  std::puts("written");
  std::fflush(stdout);
  for (;;) pause();
}
