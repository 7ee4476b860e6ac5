// Time comes from outside, so that a day passes in a test.
#pragma once

#include <functional>

#include "testamur/encoding/ordinal.h"

namespace testamur::node {

using Clock = std::function<Time()>;

}  // namespace testamur::node
