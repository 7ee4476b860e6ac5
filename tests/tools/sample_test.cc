// Goal: a class to try things with is as large as it says, of documents that differ, and the same whenever it is made.
#include "sample.h"

#include <gtest/gtest.h>

#include <set>

#include <boost/json.hpp>

#include "testamur/credentials/document.h"
#include "tool_world.h"

namespace testamur::tool {
namespace {

TEST(Sample, EveryCredentialIsReadAndDiffers) {
  std::set<Hash> hashes;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const auto document = credentials::read_document(as_bytes(sample_credential(7, i)));
    ASSERT_TRUE(document);
    ASSERT_EQ(document->kind, credentials::DocumentKind::json);
    hashes.insert(document->hash);
  }
  EXPECT_EQ(hashes.size(), 5000u);
  EXPECT_EQ(sample_credential(7, 3), sample_credential(7, 3));
  EXPECT_NE(sample_credential(7, 3), sample_credential(8, 3));
}

TEST(Sample, IsAnOpenBadge) {
  const auto credential = boost::json::parse(sample_credential(1, 0)).as_object();
  EXPECT_EQ(credential.at("@context"),
            (boost::json::array{"https://www.w3.org/ns/credentials/v2",
                                "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"}));
  EXPECT_EQ(credential.at("type"), (boost::json::array{"VerifiableCredential", "AchievementCredential"}));
  const auto& subject = credential.at("credentialSubject").as_object();
  EXPECT_EQ(subject.at("type"), boost::json::array{"AchievementSubject"});
  for (const char* member : {"id", "type", "name", "description", "criteria"}) {
    EXPECT_TRUE(subject.at("achievement").as_object().contains(member)) << member;
  }
  EXPECT_TRUE(credential.at("id").as_string().starts_with("urn:uuid:"));
}

TEST(Sample, CommandWritesTheClass) {
  const test::ScratchDirectory scratch;
  const auto ran =
      test::run_tool({"sample", "class", "--count", "12", "--out", scratch.path() + "/class", "--json"}, {});
  EXPECT_EQ(ran.exit, kGood);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch.path() + "/class"), {}), 12);
  EXPECT_EQ(test::run_tool({"sample", "class", "--count", "0", "--out", scratch.path()}, {}).exit, kUsage);
}

}  // namespace
}  // namespace testamur::tool
