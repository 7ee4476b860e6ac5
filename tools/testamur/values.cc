#include "values.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "testamur/ledger/alphabet.h"
#include "testamur/ledger/record.h"

namespace testamur::tool {
namespace {

Error expected(std::string_view what, std::string_view found) {
  return {ErrorCode::malformed, "expected " + std::string(what) + ", found \"" + std::string(found) + "\""};
}

/// Exactly `width` digits at `at`, or nothing.
std::optional<unsigned> digits(std::string_view text, std::size_t at, std::size_t width) {
  if (text.size() < at + width) return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(at, width)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

std::optional<std::uint64_t> parse_day(std::string_view text) {
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  if (!year || !month || !day || text[4] != '-' || text[7] != '-' || *year < 1970) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                         std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  return static_cast<std::uint64_t>(std::chrono::sys_days(date).time_since_epoch().count()) * 86'400'000;
}

/// "T12:30:00Z" or "T12:30:00.125Z", in milliseconds.
std::optional<std::uint64_t> parse_time_of_day(std::string_view text) {
  const auto hour = digits(text, 1, 2);
  const auto minute = digits(text, 4, 2);
  const auto second = digits(text, 7, 2);
  if (!hour || !minute || !second || text[0] != 'T' || text[3] != ':' || text[6] != ':' || !text.ends_with('Z')) {
    return std::nullopt;
  }
  if (*hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  std::uint64_t ms = ((*hour * 60ull + *minute) * 60 + *second) * 1000;
  const std::string_view fraction = text.substr(9, text.size() - 10);
  if (fraction.empty()) return ms;
  const std::size_t width = fraction.size() - 1;
  const auto value = digits(fraction, 1, width);
  if (fraction[0] != '.' || width < 1 || width > 3 || !value) return std::nullopt;
  return ms + *value * (width == 1 ? 100u : width == 2 ? 10u : 1u);
}

std::string padded(std::uint64_t value, std::size_t width) {
  const std::string text = std::to_string(value);
  return std::string(width > text.size() ? width - text.size() : 0, '0') + text;
}

struct Unit {
  std::uint64_t ms;
  char letter;
  std::string_view name;
};
constexpr std::array kUnits = {Unit{86'400'000, 'd', "day"}, Unit{3'600'000, 'h', "hour"}, Unit{60'000, 'm', "minute"},
                               Unit{1000, 's', "second"}};

struct Use {
  std::string_view name;
  std::uint8_t bit;
};
constexpr std::array kUses = {Use{"issue", kUseIssue}, Use{"amend", kUseAmend}, Use{"govern", kUseGovern}};

}  // namespace

Result<Time> parse_time(std::string_view text) {
  const auto day = parse_day(text.substr(0, 10));
  const std::string_view rest = text.substr(std::min<std::size_t>(text.size(), 10));
  const auto of_day = rest.empty() ? std::optional<std::uint64_t>(0) : parse_time_of_day(rest);
  if (!day || !of_day) return expected("a date in UTC, 2026-07-01 or 2026-07-01T12:30:00Z", text);
  return Time{*day + *of_day};
}

std::string format_time(Time time) {
  // Beyond the year 9999 four digits do not do; no such time is ever shown as if it were an ordinary one.
  constexpr std::uint64_t end = 253'402'300'800'000;
  if (time.value >= end) return "after the year 9999";
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int>(time.value / 86'400'000)))};
  const std::uint64_t ms = time.value % 86'400'000;
  std::string out = padded(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4) + "-" +
                    padded(static_cast<unsigned>(date.month()), 2) + "-" +
                    padded(static_cast<unsigned>(date.day()), 2) + "T" + padded(ms / 3'600'000, 2) + ":" +
                    padded(ms / 60'000 % 60, 2) + ":" + padded(ms / 1000 % 60, 2);
  if (ms % 1000 != 0) out += "." + padded(ms % 1000, 3);
  return out + "Z";
}

Result<std::uint64_t> parse_duration(std::string_view text) {
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return text.ends_with(u.letter); });
  const auto count = unit == kUnits.end() ? std::nullopt : from_decimal(text.substr(0, text.size() - 1));
  if (!count || *count > 36'500ull * 86'400'000 / unit->ms) {
    return expected("a duration of at most 36500 days, such as 90s, 15m, 24h or 7d", text);
  }
  return *count * unit->ms;
}

std::string format_duration(std::uint64_t ms) {
  for (const Unit& unit : kUnits) {
    const std::uint64_t count = ms / unit.ms;
    if (count > 0) return std::to_string(count) + " " + std::string(unit.name) + (count == 1 ? "" : "s");
  }
  return "less than a second";
}

Result<RegisterName> parse_register(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos || !is_institution_id(text.substr(0, slash)) || !is_register_name(text.substr(slash + 1))) {
    return expected("a register, INSTITUTION/NAME such as ulisboa.pt/diplomas", text);
  }
  return RegisterName{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

std::string format(const RegisterName& name) { return name.institution + "/" + name.name; }

Result<EntryName> parse_entry(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  const auto in = parse_register(text.substr(0, slash == text.npos ? 0 : slash));
  const auto number = slash == text.npos ? std::nullopt : from_decimal(text.substr(slash + 1));
  if (!in || !number) return expected("an entry, INSTITUTION/REGISTER/NUMBER such as ulisboa.pt/diplomas/42", text);
  return EntryName{*in, EntryNumber{*number}};
}

std::string format(const EntryName& name) { return format(name.in) + "/" + std::to_string(name.number.value); }

Result<NumberRange> parse_range(std::string_view text) {
  const std::size_t hyphen = text.find('-');
  const auto first = from_decimal(text.substr(0, hyphen));
  const auto last = hyphen == text.npos ? first : from_decimal(text.substr(hyphen + 1));
  if (!first || !last || *last < *first || *last - *first >= UINT32_MAX) {
    return expected("a number or a range of numbers, 42 or 42-57", text);
  }
  return NumberRange{EntryNumber{*first}, static_cast<std::uint32_t>(*last - *first + 1)};
}

std::string format(const NumberRange& range) {
  const std::string first = std::to_string(range.first.value);
  return range.count == 1 ? first : first + "-" + std::to_string(range.first.value + range.count - 1);
}

Result<std::uint8_t> parse_reason(std::string_view text) {
  std::string name(text);
  std::replace(name.begin(), name.end(), '-', '_');
  for (std::uint8_t reason = 0; reason <= kLastReason; ++reason) {
    if (name == reason_name(reason) || text == std::to_string(reason)) return reason;
  }
  return expected("a reason, one of " + reason_names(), text);
}

std::string reason_names() {
  std::string out;
  for (std::uint8_t reason = 0; reason <= kLastReason; ++reason) {
    out += (reason == 0 ? "" : ", ") + std::string(reason_name(reason));
  }
  return out;
}

Result<std::string> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const auto port = colon == text.npos ? std::nullopt : from_decimal(text.substr(colon + 1));
  if (colon == 0 || !port || *port < 1 || *port > 65535 || !is_network_name(text)) {
    return expected("an address HOST:PORT in lower case, such as node.ulisboa.pt:7101", text);
  }
  return std::string(text);
}

Result<std::vector<std::string>> parse_nodes(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (const auto address = parse_address(text); !address) {
      return Error{address.error().code, "--node: " + address.error().message};
    }
  }
  if (texts.empty()) return Error{ErrorCode::malformed, "--node: expected HOST:PORT of a node"};
  return texts;
}

Result<std::uint8_t> parse_uses(std::string_view text) {
  unsigned uses = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    const auto use = std::find_if(kUses.begin(), kUses.end(), [&](const Use& u) { return u.name == word; });
    if (use == kUses.end() || (uses & use->bit) != 0) return expected("uses among issue,amend,govern, each once", text);
    uses |= use->bit;
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
  if (uses == 0 || text.ends_with(',')) return expected("uses among issue,amend,govern", text);
  return static_cast<std::uint8_t>(uses);
}

std::string format_uses(std::uint8_t uses) {
  std::string out;
  for (const Use& use : kUses) {
    if ((uses & use.bit) != 0) out += (out.empty() ? "" : ",") + std::string(use.name);
  }
  return out;
}

std::string fingerprint(const Hash& hash) {
  const std::string hex = to_hex(hash);
  std::string out;
  for (std::size_t i = 0; i < 32; i += 4) out += (i == 0 ? "" : " ") + hex.substr(i, 4);
  return out;
}

}  // namespace testamur::tool
