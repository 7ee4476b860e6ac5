#include <benchmark/benchmark.h>

#include "preloaded.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  testamur::test::close_preloaded();
  return 0;
}
