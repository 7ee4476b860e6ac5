#include "json_file.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace testamur::vectors {

bool Field::has(std::string_view name) const { return value_.is_object() && value_.as_object().contains(name); }

Field Field::operator[](std::string_view name) const {
  if (!has(name)) fail("expected a field \"" + std::string(name) + "\", found none");
  return {value_.as_object().at(name), place_.empty() ? std::string(name) : place_ + "." + std::string(name)};
}

std::vector<Field> Field::items() const {
  if (!value_.is_array()) fail("expected an array");
  std::vector<Field> out;
  for (const auto& item : value_.as_array()) out.emplace_back(item, place_ + "[" + std::to_string(out.size()) + "]");
  return out;
}

std::vector<Field> Field::items_or_null() const { return value_.is_null() ? std::vector<Field>{} : items(); }

std::string Field::text() const {
  if (!value_.is_string()) fail("expected a string");
  return std::string(value_.as_string());
}

std::uint64_t Field::number() const {
  boost::system::error_code error;
  const auto number = value_.to_number<std::uint64_t>(error);
  if (error) fail("expected a whole number from 0 to 2^64 - 1");
  return number;
}

bool Field::boolean() const {
  if (!value_.is_bool()) fail("expected true or false");
  return value_.as_bool();
}

Bytes Field::hex() const {
  auto bytes = from_hex(text());
  if (!bytes) fail("expected lower-case hex");
  return std::move(*bytes);
}

Hash Field::hash() const {
  const auto hash = hash_from_hex(text());
  if (!hash) fail("expected 64 lower-case hex digits");
  return *hash;
}

Bytes Field::base64() const {
  auto bytes = from_base64(text());
  if (!bytes) fail("expected base64");
  return std::move(*bytes);
}

void Field::fail(const std::string& what) const { throw Mismatch(place_ + ": " + what); }

void Field::expect(std::string_view found) const {
  const std::string expected = text();
  if (expected == found) return;
  const auto differ = std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
  const auto at = static_cast<std::size_t>(differ.first - expected.begin());
  const auto around = [&](std::string_view text) {
    const std::size_t begin = at < 8 ? 0 : at - 8;
    return "\"" + std::string(text.substr(begin, 24)) + "\"";
  };
  fail("expected " + around(expected) + ", found " + around(found) + " (they differ from character " +
       std::to_string(at) + "; lengths " + std::to_string(expected.size()) + " and " + std::to_string(found.size()) +
       ")");
}

void Field::expect(std::uint64_t found) const {
  if (number() != found) fail("expected " + std::to_string(number()) + ", found " + std::to_string(found));
}

boost::json::value read_json(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Mismatch("cannot be read");
  std::stringstream bytes;
  bytes << file.rdbuf();
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(bytes.str(), error);
  if (error) throw Mismatch("is not JSON: " + error.message());
  return value;
}

int run_files(std::span<char*> files, std::string_view usage,
              const std::function<std::string(const std::string& path)>& check) {
  if (files.empty()) {
    std::fprintf(stderr, "usage: %.*s\n", static_cast<int>(usage.size()), usage.data());
    return 2;
  }
  int exit_code = 0;
  for (const char* path : files) {
    try {
      std::printf("%s: ok, %s\n", path, check(path).c_str());
    } catch (const Mismatch& mismatch) {
      std::printf("%s: MISMATCH: %s\n", path, mismatch.what());
      exit_code = 1;
    }
  }
  return exit_code;
}

}  // namespace testamur::vectors
