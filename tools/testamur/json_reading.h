// Reading JSON objects of our own formats strictly: every member is known, there, and of its type. Like encoding's Reader, the
// first thing that is wrong is kept with its place, and everything read after it is empty.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"

namespace testamur::tool {

/// The first error of a document, shared by the readers of its parts.
class JsonErrors {
 public:
  void add(Error error) {
    if (!first_) first_ = std::move(error);
  }
  const std::optional<Error>& first() const { return first_; }

 private:
  std::optional<Error> first_;
};

class JsonReader {
 public:
  /// Views the object and the errors, which must outlive it. `place` names the object in messages.
  JsonReader(const boost::json::object& object, std::string place, JsonErrors& errors);

  bool has(std::string_view name) const;
  std::string text(std::string_view name);
  /// 0 to `most`.
  std::uint64_t integer(std::string_view name, std::uint64_t most);
  /// 32 bytes in lower-case hex.
  Hash hash(std::string_view name);
  JsonReader child(std::string_view name);
  /// An array of objects, `most` at most.
  std::vector<JsonReader> list(std::string_view name, std::size_t most);

  void expect(bool condition, std::string_view name, std::string_view expected);
  /// Everything that is there was asked for.
  void finish();

 private:
  const boost::json::value* take(std::string_view name);

  const boost::json::object* object_;
  std::string place_;
  JsonErrors* errors_;
  std::set<std::string, std::less<>> taken_;
};

}  // namespace testamur::tool
