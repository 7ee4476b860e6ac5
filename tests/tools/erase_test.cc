// Goal: after a salt is erased, no byte of the directory leads from the number to the document, and every other entry is provable
// as before.
// Method: classes issued with the command into files and into a bundle; the directory is searched for the secrets byte by byte.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <filesystem>

#include "bundle.h"
#include "files.h"
#include "pending.h"
#include "tool_world.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;
using test::Ran;
using test::value_of;
using testing::AllOf;
using testing::HasSubstr;

Batch small_batch() {
  Batch batch{test::bytes_named("ledger"), {"ulisboa.pt", "diplomas"}, false, {}};
  for (const std::string name : {"a", "b", "c"}) {
    batch.documents.push_back({name, test::bytes_named(name), test::bytes_named(name + " salt")});
  }
  return batch;
}

TEST(ErasedBatch, HoldsTheCommitmentAndIsReadBack) {
  Batch batch = small_batch();
  const Hash commitment = commitment_of(batch.documents[1], false);
  EXPECT_THAT(std::string(as_text(encode(batch))), testing::StartsWith("testamur-batch/v1\n"));
  erase(batch.documents[1], false);
  const Bytes bytes = encode(batch);
  EXPECT_THAT(std::string(as_text(bytes)), testing::StartsWith("testamur-batch/v2\n"));
  const Batch read = value_of(decode_batch(bytes));
  EXPECT_EQ(encode(read), bytes);
  EXPECT_TRUE(read.documents[1].is_erased());
  EXPECT_EQ(commitment_of(read.documents[1], false), commitment);
  Bytes as_v1 = bytes;
  as_v1[16] = '1';
  EXPECT_FALSE(decode_batch(as_v1)) << "in version 1 every entry has a name";
}

class Erase : public testing::Test {
 protected:
  void issue(unsigned count, std::vector<std::string> more = {}) {
    more.push_back(world_.make_documents("class", count));
    more.push_back("--keep-order");
    const auto ran = world_.issue("r1", "proofs", more);
    ASSERT_EQ(ran.exit, kGood) << ran.err;
  }
  std::string path(const std::string& name) const { return world_.path(name); }
  Ran erase_salt(std::vector<std::string> more, bool yes = true) {
    more.insert(more.begin(), {"salt", "erase", "--proofs", path("proofs")});
    if (yes) more.push_back("--yes");
    return world_.run(more);
  }
  Ran make(const std::string& name, const std::string& out) {
    return world_.run({"proof", "make", "--proofs", path("proofs"), "--name", name, "--out", path(out), "--node",
                       world_.service().address(), "--policy", path("policy"), "--timeout", "1s"});
  }
  int verify(const std::string& name, const std::string& proof) {
    return world_.run({"verify", path("class/" + name), "--proof", path(proof), "--policy", path("policy")}).exit;
  }
  /// Files below the proofs directory that hold these bytes.
  std::vector<std::string> holding(std::string_view needle) const {
    std::vector<std::string> out;
    for (const auto& file : fs::recursive_directory_iterator(path("proofs"))) {
      if (!file.is_regular_file()) continue;
      const Bytes bytes = value_of(read_file(file.path(), 1 << 26));
      if (as_text(bytes).find(needle) != std::string_view::npos) out.push_back(file.path().filename());
    }
    return out;
  }
  void expect_gone(const BatchDocument& entry) const {
    EXPECT_THAT(holding(as_text(entry.salt)), testing::IsEmpty());
    EXPECT_THAT(holding(as_text(entry.document)), testing::IsEmpty());
    EXPECT_THAT(holding(as_text(Writer().opaque16(as_bytes(entry.name)).bytes())), testing::IsEmpty());
  }
  std::string batch_file() const {
    for (const auto& file : fs::directory_iterator(path("proofs"))) {
      if (file.path().extension() == ".batch") return file.path();
    }
    return "";
  }

  test::ToolWorld world_;
};

TEST_F(Erase, TakesTheEntryOutOfTheBatchAndItsProofs) {
  issue(5);
  const BatchDocument entry = value_of(read_batch_file(batch_file())).documents[2];
  ASSERT_EQ(entry.name, "document-2");
  fs::create_directory(path("proofs/copies"));
  fs::copy_file(path("proofs/document-2.proof"), path("proofs/copies/maria"));
  fs::create_hard_link(path("proofs/document-2.proof"), path("handed-out"));
  EXPECT_THAT(holding(as_text(entry.salt)), testing::SizeIs(3)) << "or the search finds nothing";
  const auto ran = erase_salt({path("class/document-2")});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("university-0.example/r1/2"), HasSubstr("handed out"), HasSubstr("backups"),
                             HasSubstr("old blocks")));
  expect_gone(entry);
  EXPECT_FALSE(exists(path("proofs/document-2.proof")));
  EXPECT_FALSE(exists(path("proofs/copies/maria")));
  const Bytes old = value_of(read_file(path("handed-out"), 1 << 20));
  EXPECT_EQ(old, Bytes(old.size())) << "what the file held was overwritten, not only its name taken away";

  for (const std::string name : {"document-0", "document-1", "document-3", "document-4"}) {
    ASSERT_EQ(make(name, "again-" + name).exit, kGood);
    EXPECT_EQ(verify(name, "again-" + name), kGood) << name;
  }
  EXPECT_THAT(make("document-2", "never").err, HasSubstr("[not_found]"));
  EXPECT_THAT(erase_salt({"--number", "2"}).err, HasSubstr("[erased]"));
  struct stat status {};
  ASSERT_EQ(::stat(batch_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(erase_salt({"--name", "document-3"}).exit, kGood) << "and another of the same class";
  EXPECT_EQ(make("document-4", "once-more").exit, kGood);
  EXPECT_EQ(verify("document-4", "once-more"), kGood);
}

TEST_F(Erase, TakesTheEntryOutOfABundle) {
  issue(1001);
  const std::string bundle = path("proofs/class.bundle");
  const BatchDocument entry = value_of(read_bundle(bundle)).documents[128];
  ASSERT_EQ(world_.run({"proof", "extract", bundle, "--number", "128", "--out", path("proofs/one.proof")}).exit, kGood);
  ASSERT_EQ(erase_salt({"--number", "128"}).exit, kGood);
  expect_gone(entry);
  EXPECT_FALSE(exists(path("proofs/one.proof")));
  EXPECT_THAT(world_.run({"proof", "show", bundle}).out, HasSubstr("erased     1 entries"));
  EXPECT_THAT(world_.run({"proof", "extract", bundle, "--number", "128", "-o", path("x")}).err, HasSubstr("[erased]"));
  ASSERT_EQ(world_.run({"proof", "extract", bundle, "--all", "--out", path("all")}).exit, kGood);
  EXPECT_THAT(world_.files_in("all"), testing::SizeIs(1000));
  for (const std::size_t i : {0u, 127u, 129u, 130u, 1000u}) {
    const std::string name = value_of(read_bundle(bundle)).documents[i].name;
    EXPECT_EQ(verify(name, "all/" + name + ".proof"), kGood) << i;
  }
  const auto refreshed = world_.run(
      {"proof", "refresh", bundle, "--node", world_.service().address(), "--policy", path("policy"), "--json"});
  EXPECT_EQ(refreshed.exit, kGood) << refreshed.out;
  EXPECT_EQ(boost::json::parse(refreshed.out).at("erased"), 1);
  EXPECT_EQ(boost::json::parse(refreshed.out).at("good"), 1000);
  expect_gone(entry);
  EXPECT_EQ(make(value_of(read_bundle(bundle)).documents[129].name, "made").exit, kGood);
}

TEST_F(Erase, AsksAndDoesNothingUnlessTold) {
  issue(3);
  const auto before = world_.files_in("proofs");
  EXPECT_THAT(erase_salt({"--number", "1"}, false).err, HasSubstr("[not_confirmed]"));
  EXPECT_EQ(world_.files_in("proofs"), before);
  EXPECT_EQ(erase_salt({"--number", "0-1"}).exit, kUsage) << "one at a time";
  EXPECT_THAT(erase_salt({"--number", "3"}).err, HasSubstr("[not_found]"));
  EXPECT_EQ(world_.files_in("proofs"), before);
}

TEST_F(Erase, SaysWhatItDoesNotReachAndThatAClassUnderWayIsNotLookedAt) {
  issue(3);
  EXPECT_THAT(erase_salt({"--number", "1"}).out, AllOf(HasSubstr("--result"), HasSubstr("backups")));
  const std::string other = world_.write("other", "another document");
  ASSERT_EQ(world_.issue("r1", "proofs", {other, "--prepare", path("to.sign")}).exit, kGood);
  EXPECT_THAT(erase_salt({other}).err, AllOf(HasSubstr("under way"), HasSubstr("[not_found]")));
}

TEST_F(Erase, IsNotBegunWhileAnotherCommandIsAtWorkInTheDirectory) {
  issue(3);
  const auto before = holding("");
  const auto lock = DirectoryLock::take(path("proofs"));
  ASSERT_TRUE(lock);
  const auto ran = erase_salt({"--number", "1"});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("conflict"));
  EXPECT_EQ(holding(""), before);
}

TEST_F(Erase, OfAListedEntryIsRefusedSinceThereIsNothingToErase) {
  issue(3, {"--listed"});
  const auto ran = erase_salt({"--number", "1"});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("it has no salt"), HasSubstr("[listed]")));
}

TEST_F(Erase, IsNotSaidToBeDoneWhileAFileStillHoldsTheSalt) {
  issue(3);
  const BatchDocument entry = value_of(read_batch_file(batch_file())).documents[1];
  world_.write("proofs/notes.txt", "salt: " + to_hex(entry.salt));
  const auto ran = erase_salt({"--number", "1"});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("notes.txt"), HasSubstr("[not_erased]")));
  EXPECT_THAT(holding(as_text(entry.salt)), testing::IsEmpty()) << "what it can rewrite it has rewritten";
}

TEST_F(Erase, LeavesAnotherEntryOfTheSameDocumentWhatItNeeds) {
  issue(3);
  fs::rename(path("proofs"), path("first"));
  issue(3);
  for (const auto& file : fs::directory_iterator(path("first"))) {
    const std::string name = file.path().filename();
    if (name.starts_with("issued-")) fs::copy_file(file.path(), path("proofs/issued-0" + name.substr(7)));
  }
  const auto indexes_with = [&](const Hash& document) {
    std::vector<std::string> out = holding(as_text(document));
    std::erase_if(out, [](const std::string& name) { return !name.ends_with(".index"); });
    return out.size();
  };
  const BatchDocument entry = value_of(read_batch_file(batch_file())).documents[1];
  ASSERT_EQ(indexes_with(entry.document), 2u) << "issued twice";
  const auto ran = erase_salt({"--number", "4"});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("another entry of the same document"), HasSubstr("[not_erased]")));
  EXPECT_EQ(indexes_with(entry.document), 1u);
  EXPECT_THAT(holding(as_text(entry.salt)), testing::IsEmpty());
}

TEST_F(Erase, GoesOnWhereItWasCutOff) {
  issue(3);
  const BatchDocument entry = value_of(read_batch_file(batch_file())).documents[1];
  fs::remove(path("proofs/document-1.proof"));  // as far as it came: the batch, by which the entry is found, is last
  ASSERT_EQ(erase_salt({"--number", "1"}).exit, kGood);
  expect_gone(entry);
}

}  // namespace
}  // namespace testamur::tool
