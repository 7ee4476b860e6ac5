// A JSON value as JCS needs it: names in their order, doubled names seen, numbers kept as their text.
#pragma once

#include <string>
#include <vector>

#include "testamur/encoding/result.h"

namespace testamur::credentials {

struct Json {
  enum class Kind { null, boolean, number, string, array, object };
  struct Member;

  Kind kind = Kind::null;
  bool truth = false;           ///< boolean
  std::string text;             ///< string: UTF-8, unescaped; number: as written
  std::vector<Json> items;      ///< array
  std::vector<Member> members;  ///< object

  const Json* find(std::string_view name) const;
};

struct Json::Member {
  std::string name;
  Json value;
};

inline constexpr std::size_t kMaxDepth = 128;

/// Errors: malformed (not JSON), invalid (JSON that I-JSON refuses: a name twice, text that is not Unicode, or nesting
/// beyond kMaxDepth).
Result<Json> parse_json(std::string_view text);

/// RFC 8785. Errors: invalid (a number that binary64 does not hold).
Result<std::string> to_jcs(const Json& value);

}  // namespace testamur::credentials
