#include "faults.h"

namespace testamur::consensus::simulation {

Faults draw_faults(Random& random) {
  // Often none of a kind, mostly few, at times many.
  const auto rate = [&](unsigned few, unsigned many) -> unsigned {
    const std::uint64_t kind = random.below(8);
    if (kind < 3) return 0;
    return static_cast<unsigned>(1 + random.below(kind < 7 ? few : many));
  };
  Faults faults;
  faults.lose_per_mille = rate(30, 300);
  faults.double_per_mille = rate(50, 200);
  faults.reorder_per_mille = rate(100, 500);
  faults.max_delay_ms = 1 + rate(50, 1200);
  faults.cut_per_mille = rate(20, 100);
  faults.clog_per_mille = rate(20, 100);
  faults.hang_up_per_mille = rate(20, 200);
  faults.crash_per_mille = rate(10, 50);
  faults.crash_at_write_per_mille = rate(10, 80);
  faults.pause_per_mille = rate(10, 50);
  faults.drift_percent = rate(10, 40);
  faults.max_write_ms = 1 + rate(50, 1500);
  faults.slow_write_per_mille = rate(3, 20);
  faults.fail_write_per_mille = rate(2, 10);
  faults.damage_per_mille = rate(200, 600);
  faults.lose_log_per_mille = rate(100, 300);
  faults.refuse_per_mille = rate(50, 300);
  faults.flush_per_mille = 5 + rate(100, 500);
  faults.change_per_mille = rate(30, 150);
  faults.transfer_per_mille = rate(20, 80);
  faults.compact_per_mille = rate(50, 200);
  faults.propose_per_mille = static_cast<unsigned>(50 + random.below(600));
  faults.read_per_mille = rate(100, 300);
  return faults;
}

}  // namespace testamur::consensus::simulation
