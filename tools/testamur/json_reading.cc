#include "json_reading.h"

#include <boost/json.hpp>

namespace testamur::tool {
namespace {

const boost::json::object kEmpty;

}  // namespace

JsonReader::JsonReader(const boost::json::object& object, std::string place, JsonErrors& errors)
    : object_(&object), place_(std::move(place)), errors_(&errors) {}

bool JsonReader::has(std::string_view name) const { return object_->contains(name); }

void JsonReader::expect(bool condition, std::string_view name, std::string_view expected) {
  if (condition) return;
  errors_->add({ErrorCode::malformed, place_ + "." + std::string(name) + ": expected " + std::string(expected)});
}

const boost::json::value* JsonReader::take(std::string_view name) {
  taken_.emplace(name);
  return object_->if_contains(name);
}

std::string JsonReader::text(std::string_view name) {
  const auto* value = take(name);
  const bool good = value != nullptr && value->is_string();
  expect(good, name, "a string");
  return good ? std::string(value->get_string()) : std::string();
}

std::uint64_t JsonReader::integer(std::string_view name, std::uint64_t most) {
  const auto* value = take(name);
  boost::json::error_code error;
  const std::uint64_t number =
      value == nullptr || !value->is_number() || value->is_double() ? most + 1 : value->to_number<std::uint64_t>(error);
  const bool good = !error && number <= most;
  expect(good, name, "an integer from 0 to " + std::to_string(most));
  return good ? number : 0;
}

Hash JsonReader::hash(std::string_view name) {
  const auto value = hash_from_hex(text(name));
  expect(value.has_value(), name, "32 bytes in lower-case hex");
  return value.value_or(Hash{});
}

JsonReader JsonReader::child(std::string_view name) {
  const auto* value = take(name);
  const bool good = value != nullptr && value->is_object();
  expect(good, name, "an object");
  return {good ? value->get_object() : kEmpty, place_ + "." + std::string(name), *errors_};
}

std::vector<JsonReader> JsonReader::list(std::string_view name, std::size_t most) {
  const auto* value = take(name);
  const bool good = value != nullptr && value->is_array() && value->get_array().size() <= most;
  expect(good, name, "an array of " + std::to_string(most) + " objects at most");
  std::vector<JsonReader> out;
  if (!good) return out;
  for (const auto& item : value->get_array()) {
    const std::string place = place_ + "." + std::string(name) + "[" + std::to_string(out.size()) + "]";
    if (!item.is_object()) {
      errors_->add({ErrorCode::malformed, place + ": expected an object"});
      break;
    }
    out.emplace_back(item.get_object(), place, *errors_);
  }
  return out;
}

void JsonReader::finish() {
  for (const auto& member : *object_) {
    const std::string_view name(member.key().data(), member.key().size());
    if (!taken_.contains(name)) expect(false, name, "no member of this name");
  }
}

}  // namespace testamur::tool
