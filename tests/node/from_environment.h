// What campaigns take from the environment: how long, how often, which seed.
#pragma once

#include <cstdlib>

namespace testamur::test {

inline unsigned from_environment(const char* name, unsigned otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? static_cast<unsigned>(std::strtoul(value, nullptr, 10)) : otherwise;
}

}  // namespace testamur::test
