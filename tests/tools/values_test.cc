// Goal: what a person types is read strictly, and what is shown can be typed again.
#include "values.h"

#include <gtest/gtest.h>

namespace testamur::tool {
namespace {

TEST(Values, TimesAreUtcDatesAndTimes) {
  EXPECT_EQ(parse_time("1970-01-01")->value, 0u);
  EXPECT_EQ(parse_time("2026-07-01")->value, 1'782'864'000'000u);
  EXPECT_EQ(parse_time("2026-07-01T12:30:05Z")->value, 1'782'909'005'000u);
  EXPECT_EQ(parse_time("2026-07-01T12:30:05.25Z")->value, 1'782'909'005'250u);
  EXPECT_EQ(parse_time("2024-02-29")->value, 1'709'164'800'000u);
  for (const char* wrong :
       {"", "2026", "2026-7-1", "2026-02-29", "2026-13-01", "2026-07-01T12:30Z", "2026-07-01T24:00:00Z",
        "2026-07-01T12:30:05", "2026-07-01T12:30:05.Z", "2026-07-01T12:30:05.1234Z", "2026-07-01 ",
        "2026-07-01T12:30:05+01:00", "1969-12-31", "01/07/2026", "2026-07-01T", "2026-07-01TZ"}) {
    EXPECT_FALSE(parse_time(wrong)) << wrong;
  }
}

TEST(Values, WhatIsShownIsReadBack) {
  for (const std::uint64_t ms : {0ull, 1ull, 999ull, 1'782'909'005'250ull, 253'402'300'799'999ull}) {
    EXPECT_EQ(parse_time(format_time(Time{ms}))->value, ms) << format_time(Time{ms});
  }
  EXPECT_EQ(format_time(Time{1'782'909'005'000}), "2026-07-01T12:30:05Z");
  EXPECT_EQ(format_time(Time{UINT64_MAX}), "after the year 9999");
}

TEST(Values, DurationsHaveUnits) {
  EXPECT_EQ(*parse_duration("90s"), 90'000u);
  EXPECT_EQ(*parse_duration("24h"), 86'400'000u);
  EXPECT_EQ(*parse_duration("7d"), 7 * 86'400'000u);
  EXPECT_EQ(*parse_duration("0s"), 0u);
  for (const char* wrong : {"", "s", "24", "-1h", "1.5h", "1w", "36501d", "99999999999999999999s"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
  EXPECT_EQ(format_duration(500), "less than a second");
  EXPECT_EQ(format_duration(61'000), "1 minute");
  EXPECT_EQ(format_duration(3 * 86'400'000ull), "3 days");
}

TEST(Values, EntriesAndRanges) {
  EXPECT_EQ(*parse_entry("ulisboa.pt/diplomas/42"), (EntryName{{"ulisboa.pt", "diplomas"}, EntryNumber{42}}));
  EXPECT_EQ(format(*parse_entry("ulisboa.pt/diplomas/42")), "ulisboa.pt/diplomas/42");
  for (const char* wrong : {"ulisboa.pt/diplomas", "ulisboa/diplomas/1", "ulisboa.pt/Diplomas/1", "ulisboa.pt/d/01",
                            "ulisboa.pt/d/", "ulisboa.pt//1", "/", "", "ulisboa.pt/d/18446744073709551616"}) {
    EXPECT_FALSE(parse_entry(wrong)) << wrong;
  }
  EXPECT_EQ(*parse_range("42"), (NumberRange{EntryNumber{42}, 1}));
  EXPECT_EQ(*parse_range("42-57"), (NumberRange{EntryNumber{42}, 16}));
  EXPECT_EQ(format(*parse_range("42-57")), "42-57");
  for (const char* wrong : {"", "-", "5-4", "1-", "-1", "1-2-3", "0-4294967295", "a"}) {
    EXPECT_FALSE(parse_range(wrong)) << wrong;
  }
}

TEST(Values, ReasonsByNameOrCode) {
  EXPECT_EQ(*parse_reason("fraudulent_admission"), 4);
  EXPECT_EQ(*parse_reason("fraudulent-admission"), 4);
  EXPECT_EQ(*parse_reason("4"), 4);
  EXPECT_FALSE(parse_reason("12"));
  EXPECT_FALSE(parse_reason("04"));
  EXPECT_FALSE(parse_reason("because"));
}

TEST(Values, AddressesAndUses) {
  EXPECT_TRUE(parse_address("node.ulisboa.pt:7101"));
  for (const char* wrong : {"node", "node:", ":7101", "node:0", "node:65536", "node:07101", "Node:7101", "a b:1"}) {
    EXPECT_FALSE(parse_address(wrong)) << wrong;
  }
  EXPECT_EQ(*parse_uses("amend,issue"), 3);
  EXPECT_EQ(format_uses(3), "issue,amend");
  for (const char* wrong : {"", ",", "issue,", "issue,issue", "sign"}) EXPECT_FALSE(parse_uses(wrong)) << wrong;
}

}  // namespace
}  // namespace testamur::tool
