// Goal: a class is read whole, doubled documents are found by name, and what is kept on disk is read back exactly or refused.
#include "batch.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "batch_tree.h"
#include "bundle.h"
#include "pending.h"
#include "tool_world.h"

namespace testamur::tool {
namespace {

using test::value_of;
using testing::HasSubstr;

Batch make_batch(unsigned count) {
  Batch batch{test::bytes_named("ledger"), {"ulisboa.pt", "diplomas"}, false, {}};
  for (unsigned i = 0; i < count; ++i) {
    const std::string name = "document-" + std::to_string(i);
    batch.documents.push_back({name, test::bytes_named(name), test::bytes_named(name + " salt")});
  }
  return batch;
}

TEST(Batch, DirectoriesAreReadWholeAndHiddenFilesLeftOut) {
  test::ToolWorld world;
  world.make_documents("class", 3);
  world.make_documents("class/more", 2);
  world.make_documents("class/proofs", 2);
  world.write("class/.DS_Store", "x");
  world.make_documents("class/.git", 2);
  const auto read = value_of(read_documents({world.path("class")}, world.path("class/proofs"), [] {}));
  ASSERT_EQ(read.documents.size(), 5u);
  EXPECT_EQ(read.documents[0].name, "document-0");
  EXPECT_EQ(read.documents[3].name, "more/document-0");
  EXPECT_EQ(read.hidden, 1u);
}

TEST(Batch, DoubledDocumentsAreRefusedByName) {
  test::ToolWorld world;
  world.make_documents("class", 3);
  world.write("class/copy", "class document 1");
  const auto read = read_documents({world.path("class")}, "", [] {});
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, testing::AllOf(HasSubstr("copy"), HasSubstr("document-1")));
}

TEST(Batch, DoubledNamesAreRefused) {
  test::ToolWorld world;
  world.make_documents("one", 1);
  world.make_documents("two", 1);
  EXPECT_EQ(read_documents({world.path("one"), world.path("two")}, "", [] {}).error().code, ErrorCode::invalid);
  EXPECT_EQ(read_documents({world.path("none")}, "", [] {}).error().code, ErrorCode::not_found);
}

TEST(Batch, IsRecognisedWhateverItsOrderAndSalts) {
  Batch batch = make_batch(50);
  const Hash id = batch_id(batch);
  add_salts(batch);
  shuffle(batch);
  EXPECT_EQ(batch_id(batch), id);
  batch.listed = true;
  EXPECT_NE(batch_id(batch), id);
  EXPECT_NE(batch_id(make_batch(49)), id);
}

TEST(Batch, SaltsDiffer) {
  Batch batch = make_batch(100);
  add_salts(batch);
  std::set<Salt> salts;
  for (const auto& document : batch.documents) salts.insert(document.salt);
  EXPECT_EQ(salts.size(), 100u);
}

TEST(Batch, IsReadBackExactlyOrRefused) {
  const Batch batch = make_batch(3);
  const Bytes bytes = encode(batch);
  EXPECT_EQ(encode(value_of(decode_batch(bytes))), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_batch(ByteView(bytes).first(size))) << size;
  }
  Batch outside = batch;
  outside.documents[1].name = "../elsewhere";
  EXPECT_FALSE(decode_batch(encode(outside)));
}

TEST(Batch, NamesStayBelowTheirDirectory) {
  for (const char* good : {"a", "a/b", "a..b", ".a"}) EXPECT_TRUE(stays_below(good)) << good;
  for (const char* bad : {"", "/a", "..", "../a", "a/../../b", "a/.."}) EXPECT_FALSE(stays_below(bad)) << bad;
}

TEST(Batch, TreeIsTheLedgers) {
  for (const std::uint32_t count : {1u, 2u, 3u, 7u, 8u, 129u}) {
    const test::Class entries = test::make_class("class", count, false);
    const BatchTree tree(entries.commitments);
    ASSERT_EQ(tree.root(), entries.root) << count;
    for (std::uint32_t i = 0; i < count; ++i) ASSERT_EQ(tree.path(i), entries.path(i)) << count << " " << i;
  }
}

TEST(Pending, StatementsOfAnEarlierBatchAreCleared) {
  const test::ScratchDirectory scratch;
  const Batch batch = make_batch(2);
  const Pending pending(scratch.path(), batch_id(batch));
  EXPECT_FALSE(pending.is_there());
  const std::array keys = {SecretKey::generate()};
  const Statement statement{batch.ledger, "ulisboa.pt", Time{1}, IssueBody{"diplomas", {}, 2, {}, false}};
  value_of(pending.store_statement(0, sign_statement(statement, keys)));
  value_of(pending.store(batch));
  EXPECT_TRUE(pending.is_there());
  EXPECT_FALSE(value_of(pending.statement(0)));
  value_of(pending.store_statement(0, sign_statement(statement, keys)));
  EXPECT_TRUE(value_of(pending.statement(0)));
  EXPECT_THAT(Pending(scratch.path(), Hash{}).others(), testing::SizeIs(1));
  EXPECT_FALSE(value_of(pending.issued()));
  value_of(pending.finish(batch.in, {{{EntryNumber{7}, 2, "class.bundle"}}}));
  EXPECT_FALSE(pending.is_there());
  EXPECT_FALSE(value_of(pending.statement(0)));
  const auto issued = value_of(pending.issued());
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->count(), 2u);
  EXPECT_EQ(issued->parts[0].first, EntryNumber{7});
  EXPECT_EQ(issued->parts[0].bundle, "class.bundle");
}

TEST(Documents, AreShownAsTheyAreRead) {
  test::ToolWorld world;
  const std::string json = world.write("a", R"({"b": 1, "a": 2})");
  const std::string same = world.write("b", R"({ "a": 2.0, "b": 1 })");
  const std::string jws = world.write("c", "eyJhIjoxfQ.eyJhIjoxfQ.c2ln\n");
  const std::string bytes = world.write("d", "{not json");
  const std::string baked = world.write("e", "<svg><openbadges:credential/></svg>");
  const auto shown = world.run({"document", "show", json, same, jws, bytes});
  EXPECT_EQ(shown.exit, kGood);
  const std::string hash = shown.out.substr(6, 64);
  EXPECT_THAT(shown.out,
              testing::StartsWith("json  " + hash + "  " + json + "\njson  " + hash + "  " + same + "\njws  "));
  EXPECT_THAT(shown.out, testing::HasSubstr("\nbytes  " + to_hex(sha256(as_bytes("{not json"))) + "  " + bytes));
  const auto refused = world.run({"document", "show", json, baked, world.path("none")});
  EXPECT_EQ(refused.exit, kFailed);
  EXPECT_THAT(refused.out, testing::HasSubstr("unreadable  " + baked + ": document: expected the credential itself"));
  EXPECT_THAT(refused.out, testing::HasSubstr("unreadable  " + world.path("none")));
  const auto parsed = boost::json::parse(world.run({"document", "show", baked, "--json"}).out);
  EXPECT_EQ(parsed.at("documents").at(0).at("error").at("code"), "unsupported");
}

}  // namespace
}  // namespace testamur::tool
