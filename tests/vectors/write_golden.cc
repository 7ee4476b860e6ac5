// write_golden ledger SEED BLOCKS | write_golden trees SEED: prints a golden file, as those in tests/vectors/data were made.
//
// Its own code can only show that nothing changed. The files count because an independent implementation made others in
// the same format, and because people read the differences when they change.
#include "golden_write.h"

#include <cstdio>

int main(int argc, char** argv) {
  using namespace testamur::vectors;
  const std::string_view kind = argc > 1 ? argv[1] : "";
  const auto seed = testamur::from_decimal(argc > 2 ? argv[2] : "");
  const auto blocks = testamur::from_decimal(argc > 3 ? argv[3] : "");
  boost::json::object out;
  if (kind == "ledger" && argc == 4 && seed && blocks) {
    out = write_golden(*seed, static_cast<unsigned>(*blocks));
  } else if (kind == "trees" && argc == 3 && seed) {
    out = write_trees(*seed);
  } else {
    std::fprintf(stderr, "usage: write_golden ledger SEED BLOCKS | write_golden trees SEED\n");
    return 2;
  }
  std::printf("%s\n", boost::json::serialize(out).c_str());
  return 0;
}
