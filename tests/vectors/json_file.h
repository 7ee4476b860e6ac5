// Reading the JSON files of test vectors: every value is fetched with its place, so that a fault can be named.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <stdexcept>
#include <string>

#include "testamur/encoding/bytes.h"

namespace testamur::vectors {

/// What is wrong with a vector file, or with our answer to it: where, and how.
class Mismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A JSON value with its place in the file.
class Field {
 public:
  Field(const boost::json::value& value, std::string place) : value_(value), place_(std::move(place)) {}

  /// The same value under another name for its place.
  Field renamed(std::string place) const { return {value_, std::move(place)}; }
  bool has(std::string_view name) const;
  Field operator[](std::string_view name) const;
  std::vector<Field> items() const;
  /// The items of an array, none where it is null.
  std::vector<Field> items_or_null() const;
  std::string text() const;
  std::uint64_t number() const;
  bool boolean() const;
  Bytes hex() const;
  Hash hash() const;
  Bytes base64() const;

  [[noreturn]] void fail(const std::string& what) const;
  /// Compares texts; names the place and the first difference.
  void expect(std::string_view found) const;
  void expect(std::uint64_t found) const;
  void expect_hex(ByteView found) const { expect(std::string_view(to_hex(found))); }

 private:
  const boost::json::value& value_;
  std::string place_;
};

/// Reads and parses a file. Throws Mismatch.
boost::json::value read_json(const std::string& path);

/// Runs `check` over every file named on the command line and prints a line each. The exit code: 0 all well, 1 a mismatch,
/// 2 no file named.
int run_files(std::span<char*> files, std::string_view usage,
              const std::function<std::string(const std::string& path)>& check);

}  // namespace testamur::vectors
