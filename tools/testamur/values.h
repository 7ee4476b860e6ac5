// The small values of a command line, read strictly: times, durations, registers, entries, ranges, addresses.
#pragma once

#include <optional>

#include "testamur/ledger/statement.h"

namespace testamur::tool {

/// "2026-07-01" (midnight) or "2026-07-01T12:30:00Z", with up to three decimals of the second; UTC, years 1970 to 9999.
Result<Time> parse_time(std::string_view text);
/// "2026-07-01T12:30:00Z", with milliseconds where there are some.
std::string format_time(Time time);

/// "90s", "15m", "24h" or "7d", in milliseconds.
Result<std::uint64_t> parse_duration(std::string_view text);
/// In the largest unit that fits, rounded down: "3 days", "1 hour", "20 seconds".
std::string format_duration(std::uint64_t ms);

/// A register by its institution and name: "ulisboa.pt/diplomas".
struct RegisterName {
  std::string institution;
  std::string name;
  bool operator==(const RegisterName&) const = default;
};
Result<RegisterName> parse_register(std::string_view text);
std::string format(const RegisterName& name);

/// An entry: "ulisboa.pt/diplomas/42".
struct EntryName {
  RegisterName in;
  EntryNumber number;
  bool operator==(const EntryName&) const = default;
};
Result<EntryName> parse_entry(std::string_view text);
std::string format(const EntryName& name);

/// "42" or "42-57", both ends included.
struct NumberRange {
  EntryNumber first;
  std::uint32_t count = 0;
  bool operator==(const NumberRange&) const = default;
};
Result<NumberRange> parse_range(std::string_view text);
std::string format(const NumberRange& range);

/// A reason by its name ("fraudulent_admission", also with hyphens) or its code ("4").
Result<std::uint8_t> parse_reason(std::string_view text);
/// All names, for help texts.
std::string reason_names();

/// host:port in the alphabet of the ledger's names, port 1 to 65535.
Result<std::string> parse_address(std::string_view text);
/// The nodes of a command line, one at least.
Result<std::vector<std::string>> parse_nodes(const std::vector<std::string>& texts);

/// "issue,amend" to KeyUse, or'ed; and back.
Result<std::uint8_t> parse_uses(std::string_view text);
std::string format_uses(std::uint8_t uses);

/// The first 16 bytes of a hash in groups of four digits, for people who compare it over the telephone.
std::string fingerprint(const Hash& hash);

}  // namespace testamur::tool
