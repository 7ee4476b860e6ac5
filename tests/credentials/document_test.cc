// Goal: which bytes of a document count, by its content alone (FORMATS 2).
#include "testamur/credentials/document.h"

#include <gtest/gtest.h>

#include "world.h"

namespace testamur::credentials {
namespace {

std::string canonical(std::string_view file) {
  const auto document = read_document(as_bytes(file));
  if (!document) return "refused: " + std::string(name(document.error().code));
  EXPECT_EQ(document->hash, sha256(document->canonical));
  return std::string(name(document->kind)) + ": " + std::string(as_text(document->canonical));
}

TEST(Document, JsonObjectsAreCanonical) {
  EXPECT_EQ(canonical(" {\n \"b\": 1.0, \"a\": \"x\" }\r\n"), R"(json: {"a":"x","b":1})");
  EXPECT_EQ(canonical("{}"), "json: {}");
  EXPECT_EQ(canonical(R"({"a":1,"a":2})"), "refused: invalid");
  EXPECT_EQ(canonical(R"({"a":"\ud800"})"), "refused: invalid");
  EXPECT_EQ(canonical(R"({"a":1e999})"), "refused: invalid");
}

TEST(Document, OtherJsonAndBrokenJsonAreBytes) {
  EXPECT_EQ(canonical("[1, 2]"), "bytes: [1, 2]");
  EXPECT_EQ(canonical("\"text\""), "bytes: \"text\"");
  EXPECT_EQ(canonical("{\"a\": 1"), "bytes: {\"a\": 1");
  EXPECT_EQ(canonical("{\"a\": 1} more"), "bytes: {\"a\": 1} more");
  EXPECT_EQ(canonical("\xef\xbb\xbf{}"), "bytes: \xef\xbb\xbf{}");
  EXPECT_EQ(canonical(""), "bytes: ");
  EXPECT_EQ(canonical("a diploma\n"), "bytes: a diploma\n");
}

TEST(Document, OurOwnProofsDoNotCount) {
  const std::string plain = R"(json: {"a":1})";
  EXPECT_EQ(canonical(R"({"a":1,"proof":{"cryptosuite":"testamur-2026","x":1}})"), plain);
  EXPECT_EQ(canonical(R"({"a":1,"proof":[{"cryptosuite":"testamur-2026"}]})"), plain);
  EXPECT_EQ(canonical(R"({"a":1,"proof":[{"cryptosuite":"testamur-2026"},{"cryptosuite":"testamur-2026"}]})"), plain);
  // Otherwise its shape stays: an array of one stays an array, an object an object.
  EXPECT_EQ(canonical(R"({"proof":[{"cryptosuite":"testamur-2026"},{"cryptosuite":"eddsa-rdfc-2022"}]})"),
            R"(json: {"proof":[{"cryptosuite":"eddsa-rdfc-2022"}]})");
  EXPECT_EQ(canonical(R"({"proof":{"cryptosuite":"eddsa-rdfc-2022"}})"),
            R"(json: {"proof":{"cryptosuite":"eddsa-rdfc-2022"}})");
  EXPECT_EQ(canonical(R"({"proof":[]})"), R"(json: {"proof":[]})");
  EXPECT_EQ(canonical(R"({"proof":"testamur-2026"})"), R"(json: {"proof":"testamur-2026"})");
  EXPECT_EQ(canonical(R"({"proof":{"cryptosuite":["testamur-2026"]}})"),
            R"(json: {"proof":{"cryptosuite":["testamur-2026"]}})");
  // Only at the top.
  EXPECT_EQ(canonical(R"({"c":{"proof":{"cryptosuite":"testamur-2026"}}})"),
            R"(json: {"c":{"proof":{"cryptosuite":"testamur-2026"}}})");
}

TEST(Document, CompactJwsIsItsText) {
  EXPECT_EQ(canonical("eyJh.eyJi.c2ln"), "jws: eyJh.eyJi.c2ln");
  EXPECT_EQ(canonical("eyJh.eyJi.c2ln\n"), "jws: eyJh.eyJi.c2ln");
  EXPECT_EQ(canonical("a-_9.AA.AAA"), "jws: a-_9.AA.AAA");
  for (const std::string_view bytes :
       {"eyJh.eyJi.c2ln\n\n", "eyJh.eyJi.c2ln\r\n", " eyJh.eyJi.c2ln", "eyJh.eyJi", "eyJh.eyJi.c2ln.c2ln", "eyJh.eyJi.",
        "eyJh..c2ln", ".eyJi.c2ln", "eyJh.eyJi.c2ln=", "eyJh.ey+i.c2ln", "A.AA.AA"}) {
    EXPECT_EQ(canonical(bytes), "bytes: " + std::string(bytes));
  }
}

TEST(Document, BakedBadgesAreRefusedUntilTheyCanBeRead) {
  // To take the picture's bytes would commit to something else than what the rules say.
  EXPECT_EQ(canonical("\x89PNG\r\n\x1a\n....iTXtopenbadgecredential...."), "refused: unsupported");
  EXPECT_EQ(canonical("<?xml?><svg xmlns:openbadges=\"\"><openbadges:credential/></svg>"), "refused: unsupported");
  EXPECT_EQ(canonical("\x89PNG\r\n\x1a\nplain"), "bytes: \x89PNG\r\n\x1a\nplain");
  EXPECT_EQ(canonical("<svg></svg>"), "bytes: <svg></svg>");
}

TEST(Document, HasABound) {
  const std::string large(kMaxDocumentBytes + 1, 'a');
  EXPECT_EQ(canonical(large), "refused: malformed");
}

}  // namespace
}  // namespace testamur::credentials
