// Goal: names, hex, base64 and numbers have one text each; everything else is refused.
#include <gtest/gtest.h>

#include "testamur/encoding/bytes.h"
#include "testamur/ledger/alphabet.h"

namespace testamur {
namespace {

TEST(Alphabet, InstitutionIdsAreLowerCaseDnsNames) {
  const std::string label(63, 'a');
  for (const std::string& good : {std::string("a.b"), std::string("ulisboa.pt"), std::string("x-1.y"), label + ".pt",
                                  label + "." + label + "." + label + "." + std::string(61, 'b')}) {
    EXPECT_TRUE(is_institution_id(good)) << good;
  }
  for (const std::string& bad :
       {std::string(""), std::string("ab"), std::string("abc"), std::string("a."), std::string(".ab"),
        std::string("a..b"), std::string("-a.b"), std::string("a-.b"), std::string("A.b"), std::string("a_b.c"),
        std::string("a.b "), label + "a.pt", label + "." + label + "." + label + "." + std::string(62, 'b')}) {
    EXPECT_FALSE(is_institution_id(bad)) << bad;
  }
}

TEST(Alphabet, RegisterNames) {
  EXPECT_TRUE(is_register_name("diplomas-2026"));
  EXPECT_TRUE(is_register_name("-"));
  EXPECT_TRUE(is_register_name(std::string(64, 'a')));
  EXPECT_FALSE(is_register_name(""));
  EXPECT_FALSE(is_register_name(std::string(65, 'a')));
  for (const std::string_view bad : {"Diplomas", "a.b", "a b", "a/b", "\xc3\xa9"}) EXPECT_FALSE(is_register_name(bad));
}

TEST(Alphabet, NetworkNames) {
  EXPECT_TRUE(is_network_name("node-1.example:7411"));
  EXPECT_TRUE(is_network_name("a.example/ledger"));
  EXPECT_TRUE(is_network_name(std::string(255, '/')));
  EXPECT_FALSE(is_network_name(""));
  EXPECT_FALSE(is_network_name(std::string(256, 'a')));
  for (const std::string_view bad : {"Node", "a+b", "a b", "a\n", "a_b"}) EXPECT_FALSE(is_network_name(bad));
}

TEST(Utf8, TakesWhatRfc3629Takes) {
  for (const std::string_view good : {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                      "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good));
  }
  for (const std::string_view bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
                                     "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xc2"}) {
    EXPECT_FALSE(is_utf8(bad)) << to_hex(as_bytes(bad));
  }
}

TEST(Text, HexIsStrict) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0xab, 0xff}), "00abff");
  EXPECT_EQ(from_hex("00abff"), (Bytes{0x00, 0xab, 0xff}));
  EXPECT_EQ(from_hex(""), Bytes{});
  for (const std::string_view bad : {"0", "0g", "AB", "a b", " ab"}) EXPECT_FALSE(from_hex(bad)) << bad;
  EXPECT_FALSE(hash_from_hex(std::string(62, 'a')));
  EXPECT_TRUE(hash_from_hex(std::string(64, 'a')));
}

TEST(Text, Base64IsStrict) {
  EXPECT_EQ(to_base64(as_bytes("a")), "YQ==");
  EXPECT_EQ(from_base64("YQ=="), Bytes{'a'});
  EXPECT_EQ(from_base64(""), Bytes{});
  // No padding; unused bits that are not zero; white space; the URL alphabet.
  for (const std::string_view bad :
       {"YQ", "YQ=", "YR==", "YQ==\n", " YQ==", "__8=", "YQ==YQ==", "l=", "QQ=B", "AAB="}) {
    EXPECT_FALSE(from_base64(bad)) << bad;
  }
}

TEST(Text, DecimalIsStrict) {
  EXPECT_EQ(from_decimal("0"), 0u);
  EXPECT_EQ(from_decimal("18446744073709551615"), UINT64_MAX);
  for (const std::string_view bad : {"", "00", "01", "-1", "+1", "1 ", "18446744073709551616", "1e3", "0x1"}) {
    EXPECT_FALSE(from_decimal(bad)) << bad;
  }
}

}  // namespace
}  // namespace testamur
