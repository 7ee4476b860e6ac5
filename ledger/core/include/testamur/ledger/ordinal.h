// The ledger's counts and positions.
#pragma once

#include "testamur/encoding/ordinal.h"

namespace testamur {

/// Position of a leaf in the log, from 0.
using LeafIndex = Ordinal<struct LeafIndexTag>;
/// Number of an entry in its register, from 0.
using EntryNumber = Ordinal<struct EntryNumberTag>;
/// Position of a block, 0 for genesis.
using Height = Ordinal<struct HeightTag>;
/// Position of an event in its register, from 0.
using EventSequence = Ordinal<struct EventSequenceTag>;

}  // namespace testamur
