// Goal: a class is read whole, doubled documents are found by name, and what is kept on disk is read back exactly or refused.
#include "batch.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "batch_part.h"
#include "bundle.h"
#include "checked_signatures.h"
#include "class_documents.h"
#include "pending.h"
#include "tool_world.h"

namespace testamur::tool {
namespace {

using test::value_of;
using testing::HasSubstr;

Batch make_batch(unsigned count) {
  Batch batch{{test::bytes_named("ledger"), {"ulisboa.pt", "diplomas"}, false}, {}};
  for (unsigned i = 0; i < count; ++i) {
    const std::string name = "document-" + std::to_string(i);
    batch.documents.push_back({name, test::bytes_named(name), test::bytes_named(name + " salt")});
  }
  return batch;
}

/// As it is written for a class that is issued.
Batch batch_of(const BatchHead& head, ClassDocuments& documents, bool keep_order) {
  Batch out{head, {}};
  value_of(make_batch(documents, head.listed, keep_order,
                      [&](const BatchDocument& document) { out.documents.push_back(document); }));
  return out;
}

ClassDocuments documents_of(const Batch& batch, const std::string& scratch) {
  ClassDocuments out(scratch);
  std::uint64_t row = 0;
  for (const BatchDocument& document : batch.documents) out.put({document.document, row++, 0, document.name, {}});
  value_of(out.sort([](const auto&, const auto&) { ADD_FAILURE() << "documents are told to be there twice"; }));
  return out;
}

std::vector<std::string> names_in(ClassDocuments& documents) {
  std::vector<std::string> out;
  DocumentCursor cursor = documents.in_order();
  for (ClassDocument document; value_of(cursor.next(document));) out.push_back(document.name);
  return out;
}

TEST(Batch, DirectoriesAreReadWholeAndHiddenFilesLeftOut) {
  test::ToolWorld world;
  world.make_documents("class", 3);
  world.make_documents("class/more", 2);
  world.make_documents("class/proofs", 2);
  world.write("class/.DS_Store", "x");
  world.make_documents("class/.git", 2);
  auto read =
      value_of(read_documents({world.path("class")}, world.path("class/proofs"), world.path(""), [](std::size_t) {}));
  EXPECT_THAT(names_in(read.documents),
              testing::ElementsAre("document-0", "document-1", "document-2", "more/document-0", "more/document-1"));
  EXPECT_EQ(read.hidden, 1u);
}

TEST(Batch, DoubledDocumentsAreRefusedByName) {
  test::ToolWorld world;
  world.make_documents("class", 3);
  world.write("class/copy", "class document 1");
  const auto read = read_documents({world.path("class")}, "", world.path(""), [](std::size_t) {});
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, testing::AllOf(HasSubstr("copy"), HasSubstr("document-1")));
}

TEST(Batch, DoubledNamesAreRefused) {
  test::ToolWorld world;
  world.make_documents("one", 1);
  world.make_documents("two", 1);
  const auto read = [&](std::vector<std::string> paths) {
    for (std::string& path : paths) path = world.path(path);
    return read_documents(paths, "", world.path(""), [](std::size_t) {});
  };
  EXPECT_EQ(read({"one", "two"}).error().code, ErrorCode::invalid);
  EXPECT_EQ(read({"none"}).error().code, ErrorCode::not_found);
}

TEST(Batch, IsRecognisedWhateverItsOrderAndSalts) {
  const test::ScratchDirectory scratch;
  const auto id = [&](const Batch& batch) {
    ClassDocuments documents = documents_of(batch, scratch.path());
    return value_of(batch_id(batch, documents));
  };
  Batch batch = make_batch(50);
  std::vector<Hash> hashes;
  for (const BatchDocument& document : batch.documents) hashes.push_back(document.document);
  std::sort(hashes.begin(), hashes.end());
  Bytes hashed = encode_for_id(batch);
  for (const Hash& hash : hashes) hashed.insert(hashed.end(), hash.begin(), hash.end());
  EXPECT_EQ(id(batch), sha256(hashed));
  ClassDocuments documents = documents_of(batch, scratch.path());
  EXPECT_EQ(id(batch_of(batch, documents, false)), id(batch));
  Batch listed = batch;
  listed.listed = true;
  EXPECT_NE(id(listed), id(batch));
  EXPECT_NE(id(make_batch(49)), id(batch));
}

TEST(Batch, OrderAndSaltsAreRandom) {
  const test::ScratchDirectory scratch;
  const Batch batch = make_batch(100);
  ClassDocuments documents = documents_of(batch, scratch.path());
  const auto names = [](const Batch& made) {
    std::vector<std::string> out;
    for (const BatchDocument& document : made.documents) out.push_back(document.name);
    return out;
  };
  const Batch kept = batch_of(batch, documents, true);
  EXPECT_EQ(names(kept), names(batch));
  const Batch shuffled = batch_of(batch, documents, false);
  EXPECT_NE(names(shuffled), names(batch));
  EXPECT_NE(names(shuffled), names(batch_of(batch, documents, false)));
  EXPECT_THAT(names(shuffled), testing::UnorderedElementsAreArray(names(batch)));
  std::set<Salt> salts;
  for (const Batch* made : {&kept, &shuffled}) {
    for (const BatchDocument& document : made->documents) {
      salts.insert(document.salt);
      EXPECT_EQ(document.document, test::bytes_named(document.name));
    }
  }
  EXPECT_EQ(salts.size(), 200u);
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

TEST(Batch, PartsAreReadFromDiskAsTheyWouldBeFromMemory) {
  const test::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/batch";
  for (const unsigned count : {1u, 1023u, 1024u, 1025u, 2048u, 5000u}) {
    SCOPED_TRACE(count);
    Batch batch = make_batch(count);
    if (count > 1000) erase(batch.documents[1000], batch.listed);
    value_of(write_file(path, encode(batch), Existing::replace));
    BatchFile file = value_of(BatchFile::open(path));
    ASSERT_EQ(file.count(), count);
    // As two parts, of which the second is read while the first is in use.
    const unsigned first = count / 3;
    std::vector<BatchPart> parts;
    if (first > 0) parts.push_back(value_of(BatchPart::read(file, first)));
    parts.push_back(value_of(BatchPart::read(file, count - first)));
    std::span<const BatchDocument> left(batch.documents);
    for (BatchPart& part : parts) {
      std::vector<Hash> commitments;
      for (const BatchDocument& document : left.first(part.size()))
        commitments.push_back(commitment_of(document, false));
      const BatchTree tree(commitments);
      ASSERT_EQ(part.root(), tree.root());
      EXPECT_EQ(value_of(part.commitments()), commitments);
      EXPECT_EQ(part.has_erased(), std::any_of(left.begin(), left.begin() + part.size(),
                                               [](const auto& document) { return document.is_erased(); }));
      for (std::uint32_t i = 0; i < part.size(); i += i % 7 + 1) {
        ASSERT_EQ(value_of(part.path(i)), tree.path(i)) << i;
        ASSERT_EQ(encode(*value_of(part.document(i))), encode(left[i])) << i;
      }
      left = left.subspan(part.size());
    }
  }
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  BatchFile early = value_of(BatchFile::open(path));
  EXPECT_EQ(BatchPart::read(early, early.count()).error().code, ErrorCode::malformed);
  Bytes longer = encode(make_batch(3));
  longer.push_back(0);
  value_of(write_file(path, longer, Existing::replace));
  BatchFile late = value_of(BatchFile::open(path));
  EXPECT_EQ(BatchPart::read(late, 3).error().code, ErrorCode::malformed);
}

TEST(Scratch, SortsMoreThanItHolds) {
  const test::ScratchDirectory scratch;
  for (const unsigned count : {0u, 1u, 1000u, 150'000u}) {
    SCOPED_TRACE(count);
    RecordSorter sorter(scratch.path());
    RecordFile file(scratch.path());
    std::vector<std::string> records;
    for (unsigned i = 0; i < count; ++i) {
      const std::string number = std::to_string(i * 7919ull % 100'003);
      records.push_back(number + std::string(i % 41, 'x') + (i == 500 ? std::string(3 << 20, 'y') : ""));
      sorter.put(as_bytes(records.back()));
      file.put(as_bytes(records.back()));
    }
    ByteView record;
    RecordCursor cursor = file.read();
    for (const std::string& expected : records) {
      ASSERT_TRUE(value_of(cursor.next(record)));
      ASSERT_EQ(as_text(record), expected);
    }
    EXPECT_FALSE(value_of(cursor.next(record)));
    std::sort(records.begin(), records.end());
    EXPECT_EQ(sorter.count(), count);
    for (const std::string& expected : records) {
      ASSERT_TRUE(value_of(sorter.next(record)));
      ASSERT_EQ(as_text(record), expected);
    }
    EXPECT_FALSE(value_of(sorter.next(record)));
    EXPECT_FALSE(value_of(sorter.next(record)));
  }
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
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
  const Pending pending(scratch.path(), test::bytes_named("batch"));
  EXPECT_FALSE(pending.is_there());
  const std::array keys = {SecretKey::generate()};
  const Statement statement{batch.ledger, "ulisboa.pt", Time{1}, IssueBody{"diplomas", {}, 2, {}, false}};
  value_of(pending.store_statement(0, sign_statement(statement, keys)));
  value_of(pending.store(batch, 2, [&](const auto& put) -> Result<void> {
    for (const BatchDocument& document : batch.documents) put(document);
    return {};
  }));
  EXPECT_TRUE(pending.is_there());
  EXPECT_FALSE(value_of(pending.statement(0)));
  value_of(pending.store_statement(0, sign_statement(statement, keys)));
  EXPECT_TRUE(value_of(pending.statement(0)));
  EXPECT_THAT(Pending(scratch.path(), Hash{}).others(), testing::SizeIs(1));
  EXPECT_FALSE(value_of(pending.issued()));
  value_of(pending.finish({{{EntryNumber{7}, 2, "class.bundle"}}}));
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
