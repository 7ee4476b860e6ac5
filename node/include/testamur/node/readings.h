// What an operator may ask of a node, read when it is asked for: nothing here is counted twice.
#pragma once

#include "testamur/consensus/driver.h"
#include "testamur/ledger/ordinal.h"

namespace testamur::node {

struct Readings {
  struct Certified {
    consensus::Index index;  ///< of the entry that made the block; 0 for genesis
    Height height;
    std::uint64_t seconds = 0;  ///< when it was cosigned, since 1970
  };
  struct Peer {
    consensus::NodeId id;
    std::string name;
    bool is_member = false;  ///< it takes part now; one that was removed need not even be there
    bool connected = false;
    std::uint64_t sends_dropped = 0;  ///< messages and letters to it
  };

  consensus::Standing standing;
  consensus::Counts counts;
  consensus::Written written;
  std::vector<consensus::PeerProgress> progress;
  consensus::Index applied;
  Height height;  ///< applied
  std::optional<Certified> certified;
  std::size_t pending = 0;  ///< statements
  std::vector<Peer> peers;  ///< every other node
};

std::string_view name(consensus::Role role);
std::string_view name(consensus::PeerProgress::State state);

}  // namespace testamur::node
