// Goal: a class is read whole, doubled documents are found by name, and what is kept on disk is read back exactly or refused.
#include "batch.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "batch_tree.h"
#include "bundle.h"
#include "checked_signatures.h"
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
  const auto read = value_of(read_documents({world.path("class")}, world.path("class/proofs"), [](std::size_t) {}));
  ASSERT_EQ(read.documents.size(), 5u);
  EXPECT_EQ(read.documents[0].name, "document-0");
  EXPECT_EQ(read.documents[3].name, "more/document-0");
  EXPECT_EQ(read.hidden, 1u);
}

TEST(Batch, DoubledDocumentsAreRefusedByName) {
  test::ToolWorld world;
  world.make_documents("class", 3);
  world.write("class/copy", "class document 1");
  const auto read = read_documents({world.path("class")}, "", [](std::size_t) {});
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, testing::AllOf(HasSubstr("copy"), HasSubstr("document-1")));
}

TEST(Batch, DoubledNamesAreRefused) {
  test::ToolWorld world;
  world.make_documents("one", 1);
  world.make_documents("two", 1);
  EXPECT_EQ(read_documents({world.path("one"), world.path("two")}, "", [](std::size_t) {}).error().code,
            ErrorCode::invalid);
  EXPECT_EQ(read_documents({world.path("none")}, "", [](std::size_t) {}).error().code, ErrorCode::not_found);
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

TEST(Batch, DocumentsThatCannotBeReadAreToldInTheirOrder) {
  test::ToolWorld world;
  std::vector<BatchDocument> documents(300);
  world.make_documents("class", 300);
  for (const unsigned i : {7u, 150u, 299u}) std::filesystem::remove(world.path("class/document-" + std::to_string(i)));
  std::size_t told = 0;
  const auto unread = hash_documents(
      documents, [&](std::size_t i) { return world.path("class/document-" + std::to_string(i)); },
      [&](std::size_t total) { told += total == 300 ? 1 : 0; });
  ASSERT_EQ(unread.size(), 3u);
  EXPECT_EQ(unread[0].index, 7u);
  EXPECT_EQ(unread[2].index, 299u);
  EXPECT_EQ(told, 300u);
  for (unsigned i = 0; i < 7; ++i) {
    EXPECT_EQ(documents[i].document, sha256(as_bytes("class document " + std::to_string(i))));
  }
}

TEST(IssuedIndex, FindsEveryDocumentAndNoOther) {
  const test::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/index";
  const RegisterName in{"ulisboa.pt", "diplomas"};
  for (const unsigned count : {1u, 1023u, 1024u, 1025u, 5000u}) {
    SCOPED_TRACE(count);
    std::vector<NumberedDocument> documents;
    for (unsigned i = 0; i < count; ++i) documents.push_back({test::bytes_named(std::to_string(i)), EntryNumber{i}});
    value_of(write_issued_index(path, {}, in, documents));
    auto index = value_of(IssuedIndex::open(path));
    EXPECT_EQ(index.in(), in);
    const auto ask_all = [&] {
      for (const NumberedDocument& document : documents) {
        ASSERT_EQ(value_of(index.find(document.document)), document.number);
        Hash near = document.document;
        near[31] ^= 1;
        ASSERT_EQ(value_of(index.find(near)), std::nullopt);
      }
      EXPECT_EQ(value_of(index.find(Hash{})), std::nullopt);
      Hash last;
      last.fill(0xff);
      EXPECT_EQ(value_of(index.find(last)), std::nullopt);
    };
    ask_all();
    std::sort(documents.begin(), documents.end(), [](const auto& a, const auto& b) { return a.document < b.document; });
    ask_all();
    const Hash gone = documents.front().document;
    documents.erase(documents.begin());
    value_of(erase_from_issued_index(path, gone));
    auto without = value_of(IssuedIndex::open(path));
    EXPECT_EQ(without.count(), count - 1);
    EXPECT_EQ(value_of(without.find(gone)), std::nullopt);
    for (const auto& document : documents) ASSERT_EQ(value_of(without.find(document.document)), document.number);
  }
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(path).permissions(), perms::owner_read | perms::owner_write);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_EQ(IssuedIndex::open(path).error().code, ErrorCode::malformed);
}

TEST(CheckedSignatures, AnswerAsTheCheckItselfDoes) {
  CheckedSignatures check;
  const SecretKey key = test::key_named("one");
  const SecretKey other = test::key_named("other");
  for (unsigned i = 0; i < 1500; ++i) {  // more than are remembered
    const std::string message = "message " + std::to_string(i);
    const SignatureBytes good = key.sign(as_bytes(message));
    SignatureBytes bad = good;
    bad[40] ^= 1;
    for (int again = 0; again < 2; ++again) {
      ASSERT_TRUE(check(key.public_key(), as_bytes(message), good));
      ASSERT_FALSE(check(key.public_key(), as_bytes(message), bad));
      ASSERT_FALSE(check(key.public_key(), as_bytes(message + "."), good));
      ASSERT_FALSE(check(other.public_key(), as_bytes(message), good));
    }
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
  value_of(pending.finish(batch, {{{EntryNumber{7}, 2, "class.bundle"}}}));
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
