// The commands that have a file of their own.
#pragma once

#include "story.h"

namespace testamur::consensus::scenarios {

// lies.cc
Claim read_claim(Words& words);
Action read_hear(Words& words);
Action read_derive(Words& words);
Action read_install_of(Words& words, NodeId node);

}  // namespace testamur::consensus::scenarios
