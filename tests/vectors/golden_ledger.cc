// golden_ledger FILE...: applies whole ledgers made elsewhere, and compares every field (golden_check.h).
#include "golden_check.h"

int main(int argc, char** argv) {
  using namespace testamur::vectors;
  return run_files({argv + 1, static_cast<std::size_t>(argc - 1)}, "golden_ledger FILE...",
                   [](const std::string& path) { return check_golden(read_json(path)); });
}
