// Options whose values are more than text.
#pragma once

#include "failure.h"

namespace testamur::tool {

/// Reads an option's text into place; the failure names the option.
template <class T, class Parse>
std::optional<Failure> read_into(T& out, const std::string& text, std::string_view option, Parse parse) {
  auto value = parse(text);
  if (!value) {
    return Failure{kUsage, std::string(name(value.error().code)), std::string(option) + ": " + value.error().message};
  }
  out = *value;
  return std::nullopt;
}

}  // namespace testamur::tool
