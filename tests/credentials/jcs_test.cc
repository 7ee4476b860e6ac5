// Goal: JSON documents have RFC 8785's form, with its published cases; JSON that could mean two things is refused.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <charconv>

#include "testamur/credentials/document.h"
#include "world.h"

namespace testamur::credentials {
namespace {

std::string jcs(std::string_view json) {
  const auto canonical = canonical_json(json);
  return canonical ? *canonical : "refused: " + std::string(name(canonical.error().code));
}

TEST(Jcs, NumbersOfRfc8785AppendixB) {
  struct Case {
    std::uint64_t bits;
    std::string_view expected;
  };
  // IEEE 754 bits and text, RFC 8785 appendix B.
  constexpr std::array cases = {
      Case{0x0000000000000000, "0"},
      Case{0x8000000000000000, "0"},
      Case{0x0000000000000001, "5e-324"},
      Case{0x8000000000000001, "-5e-324"},
      Case{0x7fefffffffffffff, "1.7976931348623157e+308"},
      Case{0xffefffffffffffff, "-1.7976931348623157e+308"},
      Case{0x4340000000000000, "9007199254740992"},
      Case{0xc340000000000000, "-9007199254740992"},
      Case{0x4430000000000000, "295147905179352830000"},
      Case{0x44b52d02c7e14af5, "9.999999999999997e+22"},
      Case{0x44b52d02c7e14af6, "1e+23"},
      Case{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      Case{0x444b1ae4d6e2ef4e, "999999999999999700000"},
      Case{0x444b1ae4d6e2ef4f, "999999999999999900000"},
      Case{0x444b1ae4d6e2ef50, "1e+21"},
      Case{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      Case{0x3eb0c6f7a0b5ed8d, "0.000001"},
      Case{0x41b3de4355555553, "333333333.3333332"},
      Case{0x41b3de4355555554, "333333333.33333325"},
      Case{0x41b3de4355555555, "333333333.3333333"},
      Case{0x41b3de4355555556, "333333333.3333334"},
      Case{0x41b3de4355555557, "333333333.33333343"},
      Case{0xbecbf647612f3696, "-0.0000033333333333333333"},
      Case{0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const Case& c : cases) {
    std::array<char, 64> text;
    const auto written = std::to_chars(text.data(), text.data() + text.size(), std::bit_cast<double>(c.bits),
                                       std::chars_format::scientific, 17);
    EXPECT_EQ(jcs(std::string(text.data(), written.ptr)), c.expected);
    EXPECT_EQ(jcs(c.expected), c.expected) << "it stays as it is";
  }
}

TEST(Jcs, NumbersAsWritten) {
  EXPECT_EQ(jcs("4.50"), "4.5");
  EXPECT_EQ(jcs("-0"), "0");
  EXPECT_EQ(jcs("-0.0e5"), "0");
  EXPECT_EQ(jcs("1E30"), "1e+30");
  EXPECT_EQ(jcs("2e-3"), "0.002");
  EXPECT_EQ(jcs("100"), "100");
  EXPECT_EQ(jcs("1e2"), "100");
  EXPECT_EQ(jcs("0.1e1"), "1");
  EXPECT_EQ(jcs("123456789012345678901234567890"), "1.2345678901234568e+29");
  EXPECT_EQ(jcs("18446744073709551615"), "18446744073709552000");
  EXPECT_EQ(jcs("9007199254740993"), "9007199254740992") << "binary64 decides";
  EXPECT_EQ(jcs("2.2250738585072011e-308"), "2.225073858507201e-308");
  EXPECT_EQ(jcs("1e-400"), "0") << "below the least number";
  EXPECT_EQ(jcs("-1e-400"), "0");
  EXPECT_EQ(jcs("0e999999"), "0");
  EXPECT_EQ(jcs("0.0000000001e-400"), "0");
  EXPECT_EQ(jcs("1e400"), "refused: invalid");
  EXPECT_EQ(jcs("-1e309"), "refused: invalid");
  EXPECT_EQ(jcs("0.000001e400"), "refused: invalid");
  EXPECT_EQ(jcs("1e99999999999999999999"), "refused: invalid");
  for (const std::string_view bad : {"01", "+1", "1.", ".5", "1e", "0x1", "NaN", "Infinity", "-"}) {
    EXPECT_EQ(jcs(bad), "refused: malformed") << bad;
  }
}

TEST(Jcs, TheExampleOfRfc8785) {
  EXPECT_EQ(jcs(R"({
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
})"),
            R"({"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":")"
            "\xe2\x82\xac"
            R"($\u000f\nA'B\"\\\\\"/"})");
}

TEST(Jcs, NamesSortByTheirUtf16CodeUnits) {
  // RFC 8785 3.2.3: the emoji's surrogates sort before U+FB33, though its code point is larger.
  EXPECT_EQ(
      jcs(R"({"\u20ac":5,"\r":1,"\ufb33":7,"1":2,"\ud83d\ude00":6,"\u0080":3,"\u00f6":4})"),
      "{\"\\r\":1,\"1\":2,\"\xc2\x80\":3,\"\xc3\xb6\":4,\"\xe2\x82\xac\":5,\"\xf0\x9f\x98\x80\":6,\"\xef\xac\xb3\":7}");
  EXPECT_EQ(jcs(R"({"b":{"d":1,"c":2},"a":[{"z":1,"y":2}],"":0,"aa":1})"),
            R"({"":0,"a":[{"y":2,"z":1}],"aa":1,"b":{"c":2,"d":1}})");
}

TEST(Jcs, StringsEscapeOnlyWhatTheyMust) {
  EXPECT_EQ(jcs(R"("\u0000\u001f\b\t\n\f\r\"\\\/\u007f\u00e9")"),
            "\"\\u0000\\u001f\\b\\t\\n\\f\\r\\\"\\\\/\x7f\xc3\xa9\"");
}

TEST(Jcs, RefusesNamesThatStandTwice) {
  EXPECT_EQ(jcs(R"({"a":1,"a":1})"), "refused: invalid");
  EXPECT_EQ(jcs(R"({"a":1,"\u0061":1})"), "refused: invalid") << "the same name, written another way";
  EXPECT_EQ(jcs(R"([{"x":{"a":1,"b":2,"a":3}}])"), "refused: invalid");
  EXPECT_EQ(jcs(R"({"a":{"a":1},"b":{"a":1}})"), R"({"a":{"a":1},"b":{"a":1}})");
  const auto refused = canonical_json(R"({"degree":1,"degree":2})");
  EXPECT_NE(refused.error().message.find("\"degree\" twice"), std::string::npos) << refused.error().message;
}

TEST(Jcs, RefusesTextThatIsNotUnicode) {
  for (const std::string_view bad :
       {R"({"a":"\ud800"})", R"({"a":"\udc00"})", R"({"a":"\ud800x"})", R"({"a":"\ud800\n"})",
        R"({"a":"\ud800\ud800"})", R"({"\udfff":1})", R"({"a":"\\\ud83d"})", R"({"a":"\ud800)"}) {
    EXPECT_EQ(jcs(bad), "refused: invalid") << bad;
  }
  EXPECT_EQ(jcs("{\"a\":\"\xff\"}"), "refused: malformed");
  EXPECT_EQ(jcs(R"({"a":"\\ud800"})"), R"({"a":"\\ud800"})") << "an escaped backslash begins no surrogate";
}

TEST(Jcs, RefusesWhatIsNoJson) {
  for (const std::string_view bad : {"", " ", "{", "{}x", "{} {}", "[1,]", "{\"a\":1,}", "{a:1}", "'a'",
                                     "\xef\xbb\xbf{}", "// c\n{}", "\"\n\"", "tru", "{\"a\":\"\\", "{\"\\u12"}) {
    EXPECT_EQ(jcs(bad), "refused: malformed") << bad;
  }
}

TEST(Jcs, NestingHasABound) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(jcs(nested(128)), nested(128));
  EXPECT_EQ(jcs(nested(129)), "refused: invalid");
  EXPECT_EQ(jcs(nested(1'000'000)), "refused: invalid");
}

}  // namespace
}  // namespace testamur::credentials
