// What goes wrong in a simulation, and how often. Each seed draws its own: some runs know one kind of fault only, some all.
#pragma once

#include "random.h"

namespace testamur::consensus::simulation {

/// The driver's default, and so the unit of every election timeout.
constexpr unsigned kTickMs = 100;

struct Faults {
  // The network, a message.
  unsigned lose_per_mille = 0;
  unsigned double_per_mille = 0;
  unsigned reorder_per_mille = 0;  ///< it may be overtaken; the others of a link keep their order
  unsigned max_delay_ms = 5;
  // The network, a tick.
  unsigned cut_per_mille = 0;      ///< some links lose everything for a while, in one direction or in both
  unsigned clog_per_mille = 0;     ///< a link keeps everything back for a while
  unsigned hang_up_per_mille = 0;  ///< a node: another's connection to it ends, or seems to

  // A node, a tick.
  unsigned crash_per_mille = 0;
  unsigned crash_at_write_per_mille = 0;  ///< of writes: before it, or when it is done and nobody has heard of it
  unsigned crash_at_change_per_mille =
      0;                         ///< of writes of a change of members: when it is done and nobody has heard of it
  unsigned pause_per_mille = 0;  ///< it gets no ticks, messages or news of its disk for a while
  unsigned drift_percent = 0;    ///< its clock runs so much faster or slower, at most

  unsigned stranger_per_mille = 0;  ///< one that is no member says something, true once or made up

  // A disk.
  unsigned max_write_ms = 5;
  unsigned slow_write_per_mille = 0;  ///< a write takes seconds
  unsigned fail_write_per_mille = 0;
  unsigned damage_per_mille = 0;    ///< of crashes: an entry is another, or none, afterwards
  unsigned lose_log_per_mille = 0;  ///< of crashes: the disk is gone, and the node begins a new life

  // The owner.
  unsigned refuse_per_mille = 0;  ///< of payloads: the check refuses them the first time
  unsigned flush_per_mille = 30;  ///< a tick: the state goes to disk
  // Operators and clients, a tick.
  unsigned change_per_mille = 0;
  unsigned transfer_per_mille = 0;
  unsigned compact_per_mille = 0;
  unsigned propose_per_mille = 300;
  unsigned read_per_mille = 100;
};

Faults draw_faults(Random& random);

}  // namespace testamur::consensus::simulation
