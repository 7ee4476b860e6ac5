// The parser is Boost.JSON's event parser: its values merge doubled names and misread some numbers, its events do neither.
#include "json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <optional>
#include <set>

namespace testamur::credentials {
namespace {

using boost::json::string_view;
using boost::system::error_code;

/// Builds the value from the parser's events. Names are checked as each object ends.
class Builder {
 public:
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;

  Json take() { return std::move(root_); }
  const std::optional<std::string>& doubled() const { return doubled_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return open(Json::Kind::object); }
  bool on_object_end(std::size_t, error_code& error) {
    Json object = std::move(open_.back().value);
    std::set<std::string_view> names;
    for (const Json::Member& member : object.members) {
      if (!names.insert(member.name).second) {
        doubled_ = member.name;
        error = boost::json::make_error_code(boost::json::error::syntax);
        return false;
      }
    }
    return close(std::move(object));
  }
  bool on_array_begin(error_code&) { return open(Json::Kind::array); }
  bool on_array_end(std::size_t, error_code&) { return close(std::move(open_.back().value)); }

  bool on_key_part(string_view part, std::size_t, error_code&) { return gather(part); }
  bool on_key(string_view part, std::size_t, error_code&) {
    gather(part);
    open_.back().name = std::move(gathered_);
    gathered_.clear();
    return true;
  }
  bool on_string_part(string_view part, std::size_t, error_code&) { return gather(part); }
  bool on_string(string_view part, std::size_t, error_code&) { return scalar(part, Json::Kind::string); }
  bool on_number_part(string_view part, error_code&) { return gather(part); }
  bool on_int64(std::int64_t, string_view part, error_code&) { return scalar(part, Json::Kind::number); }
  bool on_uint64(std::uint64_t, string_view part, error_code&) { return scalar(part, Json::Kind::number); }
  bool on_double(double, string_view part, error_code&) { return scalar(part, Json::Kind::number); }
  bool on_bool(bool truth, error_code&) {
    Json value;
    value.kind = Json::Kind::boolean;
    value.truth = truth;
    return put(std::move(value));
  }
  bool on_null(error_code&) { return put(Json{}); }
  bool on_comment_part(string_view, error_code&) { return false; }
  bool on_comment(string_view, error_code&) { return false; }

 private:
  struct Open {
    Json value;
    std::string name;  // of the member being read
  };

  bool open(Json::Kind kind) {
    open_.emplace_back();
    open_.back().value.kind = kind;
    return true;
  }
  bool close(Json value) {
    open_.pop_back();
    return put(std::move(value));
  }
  bool gather(string_view part) {
    gathered_.append(part.data(), part.size());
    return true;
  }
  bool scalar(string_view part, Json::Kind kind) {
    gather(part);
    Json value;
    value.kind = kind;
    value.text = std::move(gathered_);
    gathered_.clear();
    return put(std::move(value));
  }
  bool put(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Open& parent = open_.back(); parent.value.kind == Json::Kind::array) {
      parent.value.items.push_back(std::move(value));
    } else {
      parent.value.members.push_back({std::move(parent.name), std::move(value)});
    }
    return true;
  }

  Json root_;
  std::vector<Open> open_;
  std::string gathered_;
  std::optional<std::string> doubled_;
};

bool breaks_i_json(const error_code& code) {
  using boost::json::error;
  const auto is = [&](boost::json::error e) { return code == boost::json::make_error_code(e); };
  return is(error::too_deep) || is(error::exponent_overflow);
}

/// The parser's errors do not tell half a surrogate pair from text that is no JSON at all.
bool has_lone_surrogate(std::string_view text) {
  const auto unit_at = [&](std::size_t at) -> std::optional<unsigned> {
    unsigned unit = 0;
    if (text.size() < at + 6 || text.substr(at, 2) != "\\u") return std::nullopt;
    const auto read = std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16);
    return read.ptr == text.data() + at + 6 ? std::optional(unit) : std::nullopt;
  };
  for (std::size_t at = text.find('\\'); at < text.size(); at = text.find('\\', at)) {
    const unsigned unit = unit_at(at).value_or(0);
    const unsigned next = unit_at(at + 6).value_or(0);
    const bool leads = unit >= 0xd800 && unit < 0xdc00;
    if (leads && next >= 0xdc00 && next < 0xe000) {
      at += 12;
    } else if (unit >= 0xd800 && unit < 0xe000) {
      return true;
    } else {
      at += 2;
    }
  }
  return false;
}

}  // namespace

const Json* Json::find(std::string_view name) const {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const Member& member) { return member.name == name; });
  return found == members.end() ? nullptr : &found->value;
}

Result<Json> parse_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::basic_parser<Builder> parser(options);
  error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (const auto& doubled = parser.handler().doubled()) {
    return Error{ErrorCode::invalid, "JSON: expected each name once in an object, found \"" + *doubled + "\" twice"};
  }
  if (!error && read < text.size()) error = boost::json::make_error_code(boost::json::error::extra_data);
  if (error) {
    const std::string message = "JSON: " + error.message() + " at byte " + std::to_string(read);
    return Error{breaks_i_json(error) || has_lone_surrogate(text) ? ErrorCode::invalid : ErrorCode::malformed, message};
  }
  return parser.handler().take();
}

}  // namespace testamur::credentials
