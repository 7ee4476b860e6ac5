// RFC 8785, the JSON Canonicalization Scheme.
#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "json.h"
#include "testamur/credentials/document.h"

namespace testamur::credentials {
namespace {

/// Names sort by their UTF-16 code units (RFC 8785 3.2.3), which is not the order of their UTF-8 bytes: a character beyond
/// U+FFFF has a surrogate first, below U+E000.
std::u16string utf16(std::string_view text) {
  std::u16string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
    const unsigned char first = byte(i);
    const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    char32_t code = length == 1 ? first : first & (0x7fu >> length);
    for (std::size_t k = 1; k < length; ++k) code = code << 6 | (byte(i + k) & 0x3fu);
    if (code < 0x10000) {
      out.push_back(static_cast<char16_t>(code));
    } else {
      out.push_back(static_cast<char16_t>(0xd800 + ((code - 0x10000) >> 10)));
      out.push_back(static_cast<char16_t>(0xdc00 + ((code - 0x10000) & 0x3ff)));
    }
    i += length;
  }
  return out;
}

void write_string(std::string_view text, std::string& out) {
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\f': out += "\\f"; break;
      case '\r': out += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += hex[static_cast<unsigned char>(c) >> 4];
          out += hex[static_cast<unsigned char>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

/// Whether a number outside binary64's range is too small, and not too large: whether its first digit that counts lies behind
/// the decimal point.
bool is_tiny(std::string_view number) {
  const std::size_t e = std::min(number.find_first_of("eE"), number.size());
  const std::string_view mantissa = number.substr(0, e);
  std::string_view exponent_text = e == number.size() ? "0" : number.substr(e + 1);
  if (exponent_text.front() == '+') exponent_text.remove_prefix(1);
  long long exponent = 0;
  const auto parsed = std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  if (parsed.ec == std::errc::result_out_of_range) return exponent_text.front() == '-';
  const std::size_t first = mantissa.find_first_of("123456789");
  if (first == mantissa.npos) return true;  // zero, whatever its exponent
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  return static_cast<long long>(point) - static_cast<long long>(first) + exponent <= 0;
}

/// The number as binary64, rounded to nearest even; nothing where it overflows.
std::optional<double> to_double(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return is_tiny(text) ? std::optional(0.0) : std::nullopt;
  return value;
}

/// ECMAScript's Number::toString, which RFC 8785 3.2.2.3 asks for: the shortest digits that read back to the same number,
/// plain from 1e-6 up to 1e21, with an exponent outside.
void write_number(double value, std::string& out) {
  if (value == 0) {
    out += '0';  // minus zero too
    return;
  }
  std::array<char, 32> buffer;
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  std::string_view text(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  if (text.front() == '-') {
    out += '-';
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  int exponent = 0;
  const std::size_t sign = text[e + 1] == '+' ? 1 : 0;
  std::from_chars(text.data() + e + 1 + sign, text.data() + text.size(), exponent);
  std::string digits(text.substr(0, 1));
  if (e > 2) digits += text.substr(2, e - 2);

  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // digits before the decimal point
  if (count <= point && point <= 21) {
    out += digits;
    out.append(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    out += digits.substr(0, static_cast<std::size_t>(point)) + '.' + digits.substr(static_cast<std::size_t>(point));
  } else if (-6 < point && point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-point), '0');
    out += digits;
  } else {
    out += digits[0];
    if (count > 1) out += '.' + digits.substr(1);
    out += exponent < 0 ? "e-" : "e+";
    out += std::to_string(std::abs(exponent));
  }
}

std::optional<Error> write(const Json& value, std::string& out);

std::optional<Error> write_object(const Json& object, std::string& out) {
  std::vector<std::pair<std::u16string, const Json::Member*>> sorted;
  for (const Json::Member& member : object.members) sorted.emplace_back(utf16(member.name), &member);
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  out += '{';
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0) out += ',';
    write_string(sorted[i].second->name, out);
    out += ':';
    if (auto error = write(sorted[i].second->value, out)) return error;
  }
  out += '}';
  return std::nullopt;
}

std::optional<Error> write(const Json& value, std::string& out) {
  switch (value.kind) {
    case Json::Kind::null: out += "null"; break;
    case Json::Kind::boolean: out += value.truth ? "true" : "false"; break;
    case Json::Kind::string: write_string(value.text, out); break;
    case Json::Kind::number: {
      const auto number = to_double(value.text);
      if (!number) {
        return Error{ErrorCode::invalid,
                     "JSON: expected a number that binary64 holds, found " + value.text.substr(0, 40)};
      }
      write_number(*number, out);
      break;
    }
    case Json::Kind::array:
      out += '[';
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        if (i > 0) out += ',';
        if (auto error = write(value.items[i], out)) return error;
      }
      out += ']';
      break;
    case Json::Kind::object: return write_object(value, out);
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> to_jcs(const Json& value) {
  std::string out;
  if (auto error = write(value, out)) return *error;
  return out;
}

Result<std::string> canonical_json(std::string_view json) {
  const auto parsed = parse_json(json);
  if (!parsed) return parsed.error();
  return to_jcs(*parsed);
}

}  // namespace testamur::credentials
