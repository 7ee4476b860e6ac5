// Goal: a proof says in words what it says in bytes; what is renewed or made again is of the same entry and document, or nothing is
// touched.
// Method: the command in this process, against a service over a real ledger.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <boost/json.hpp>
#include <thread>

#include "bundle.h"
#include "files.h"
#include "tool_world.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;
using test::Ran;
using test::value_of;
using test::World;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Proofs : public testing::Test {
 protected:
  void issue(const std::string& name, unsigned count, std::vector<std::string> more = {}) {
    more.push_back(world_.make_documents(name, count));
    more.push_back("--keep-order");
    const auto ran = world_.issue("r1", "proofs", more);
    ASSERT_EQ(ran.exit, kGood) << ran.err;
  }
  void amend(Status status, std::uint64_t number) {
    world_.ledger().amend(0, "r1", {Change{EntryNumber{number}, 1, status, 4, world_.ledger().now(), {}}});
    world_.ledger().certify();
  }
  std::string path(const std::string& name) const { return world_.path(name); }
  std::string proof(unsigned i) const { return path("proofs/document-" + std::to_string(i) + ".proof"); }
  int verify(unsigned i, const std::string& proof, const std::string& max_age = "24h") {
    return world_
        .run({"verify", path("class/document-" + std::to_string(i)), "--proof", proof, "--policy", path("policy"),
              "--max-age", max_age})
        .exit;
  }
  Ran with_node(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(),
                     {"--node", world_.service().address(), "--policy", path("policy"), "--timeout", "1s"});
    return world_.run(arguments);
  }
  Bytes read(const std::string& path) { return value_of(read_file(path, 1 << 26)); }
  std::string issued_batch() {
    for (const std::string& file : world_.files_in("proofs")) {
      if (file.ends_with(".batch")) return path("proofs/" + file);
    }
    return "";
  }

  test::ToolWorld world_;
};

TEST_F(Proofs, AreShownInWordsAndNotTakenForChecked) {
  issue("class", 3);
  const auto shown = world_.run({"proof", "show", proof(1)});
  EXPECT_EQ(shown.exit, kGood);
  EXPECT_THAT(shown.out, AllOf(HasSubstr("number 1 of the register r1 of university-0.example"), HasSubstr("(sealed)"),
                               HasSubstr("which may issue,amend, of university-0.example"),
                               HasSubstr("status     good, as of 2027-"), HasSubstr("cosigned   by 3: key "),
                               HasSubstr("Not verified")));
  EXPECT_THAT(shown.out, Not(HasSubstr("light proof")));
  amend(Status::revoked, 1);
  ASSERT_EQ(with_node({"proof", "refresh", proof(1)}).exit, kGood);
  const auto checked = world_.run({"proof", "show", proof(1), "--policy", path("policy")});
  EXPECT_EQ(checked.exit, kRevoked) << checked.err;
  EXPECT_THAT(checked.out, AllOf(HasSubstr("reason fraudulent_admission"), HasSubstr("cosigned   by 3: node."),
                                 HasSubstr("Revoked: "), Not(HasSubstr("Not verified"))));
  Proof light = value_of(decode_proof(read(proof(0))));
  light.entry->institution.reset();
  world_.write("light", as_text(encode(light)));
  EXPECT_THAT(world_.run({"proof", "show", path("light")}).out, HasSubstr("(a light proof)"));
  light.cosignatures[0].signature[3] ^= 1;
  world_.write("forged", as_text(encode(light)));
  EXPECT_EQ(world_.run({"proof", "show", path("forged"), "--policy", path("policy")}).exit, kRefused);
}

TEST_F(Proofs, AreRefreshedInPlaceAndOneThatFailsSpoilsNoOther) {
  issue("class", 6);
  const Bytes before = read(proof(4));
  amend(Status::revoked, 1);
  amend(Status::suspended, 2);
  amend(Status::superseded, 3);
  Proof foreign = value_of(decode_proof(read(proof(5))));
  foreign.entry->statement.recorded_at.value += 1;
  world_.write("proofs/foreign.proof", as_text(encode(foreign)));
  world_.write("proofs/garbage.proof", "garbage");
  ::chmod(proof(0).c_str(), 0600);
  const auto ran = with_node({"proof", "refresh", path("proofs"), "--json"});
  EXPECT_EQ(ran.exit, kFailed);
  const auto said = boost::json::parse(ran.out).as_object();
  EXPECT_EQ(said.at("good"), 3);
  EXPECT_EQ(said.at("revoked"), 1);
  EXPECT_EQ(said.at("suspended"), 1);
  EXPECT_EQ(said.at("superseded"), 1);
  EXPECT_EQ(said.at("failed"), 2);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("malformed_proof"), HasSubstr("wrong_entry")));
  const int expected[] = {kGood, kRevoked, kSuspended, kSuperseded, kGood, kGood};
  for (unsigned i = 0; i < 6; ++i) EXPECT_EQ(verify(i, proof(i), "3s"), expected[i]) << i;
  EXPECT_NE(read(proof(4)), before);
  EXPECT_EQ(as_text(read(path("proofs/garbage.proof"))), "garbage");
  EXPECT_EQ(read(path("proofs/foreign.proof")), encode(foreign));
  struct stat status {};
  ASSERT_EQ(::stat(proof(0).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u) << "a file keeps its rights";
  fs::remove(path("proofs/foreign.proof"));
  fs::remove(path("proofs/garbage.proof"));
  const auto again = with_node({"proof", "refresh", path("proofs")});
  EXPECT_EQ(again.exit, kGood) << again.err;
  EXPECT_THAT(again.out, AllOf(HasSubstr("Refreshed: 6 of 6 files."), HasSubstr("good       3 entries"),
                               HasSubstr("revoked  " + proof(1))));
}

TEST_F(Proofs, AreAskedForSeveralAtOnceAndNotMore) {
  issue("class", 40);
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  world_.service().asked = [&] {
    const int at_once = ++now;
    for (int before = most; before < at_once && !most.compare_exchange_weak(before, at_once);) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    --now;
  };
  const auto ran = with_node({"proof", "refresh", path("proofs")});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("Refreshed: 40 of 40 files."));
  EXPECT_GT(most, 2);
  EXPECT_LE(most, 8);
  for (unsigned i = 0; i < 40; ++i) EXPECT_EQ(verify(i, proof(i)), kGood) << i;
}

TEST_F(Proofs, AreLeftWhereAnotherCommandIsAtWork) {
  issue("class", 2);
  const Bytes before = read(proof(0));
  const auto lock = DirectoryLock::take(path("proofs"));
  ASSERT_TRUE(lock);
  // A class of a CSV has its proofs below; and several offices' directories may be refreshed from above.
  fs::create_directories(path("proofs/below"));
  fs::copy(proof(1), path("proofs/below/document-1.proof"));
  for (const std::string& what : {path("proofs"), proof(0), path("proofs/below"), path("")}) {
    const auto ran = with_node({"proof", "refresh", what});
    EXPECT_EQ(ran.exit, kFailed);
    EXPECT_THAT(ran.err, HasSubstr("[conflict]"));
  }
  EXPECT_EQ(read(proof(0)), before);
}

TEST_F(Proofs, AreNotReplacedByWhatDoesNotHoldOrIsOlder) {
  issue("class", 2);
  const Bytes before = read(proof(0));
  world_.service().tamper = [](EntryNumber, Proof& proof) { proof.cosignatures[0].signature[5] ^= 1; };
  EXPECT_THAT(with_node({"proof", "refresh", proof(0)}).err, HasSubstr("[bad_cosignature]"));
  EXPECT_EQ(read(proof(0)), before);
  const Proof old = value_of(decode_proof(before));
  amend(Status::suspended, 0);
  world_.service().tamper = nullptr;
  ASSERT_EQ(with_node({"proof", "refresh", proof(0)}).exit, kGood);
  const Bytes newer = read(proof(0));
  world_.service().tamper = [&](EntryNumber, Proof& proof) {
    proof = old;
    proof.entry->document.reset();
  };
  EXPECT_THAT(with_node({"proof", "refresh", proof(0)}).err, HasSubstr("[behind]"));
  EXPECT_EQ(read(proof(0)), newer) << "a suspension is not undone by a node that never heard of it";
}

TEST_F(Proofs, OfABundleAreRefreshedWithIt) {
  issue("class", 1001);
  const std::string bundle = path("proofs/class.bundle");
  amend(Status::revoked, 500);
  ASSERT_EQ(world_.run({"proof", "extract", bundle, "document-0", "-o", path("before")}).exit, kGood);
  EXPECT_EQ(verify(0, path("before"), "1s"), kUnknown) << "it has aged, or this shows nothing";
  const auto ran = with_node({"proof", "refresh", path("proofs")});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("good       1000 entries"), HasSubstr("revoked    1 entry")));
  const auto shown = world_.run({"proof", "show", bundle, "--json"});
  EXPECT_EQ(boost::json::parse(shown.out).at("count"), 1001);
  EXPECT_THAT(world_.run({"proof", "show", bundle}).out, HasSubstr("numbers    0-1000, 1001 entries, sealed"));
  ASSERT_EQ(world_.run({"proof", "extract", bundle, "--all", "--out", path("all")}).exit, kGood);
  const Bundle held = value_of(read_bundle(bundle));
  for (const unsigned i : {0u, 127u, 128u, 499u, 500u, 501u, 1000u}) {
    const std::string& name = held.documents[i].name;
    const auto checked = world_.run({"verify", path("class/" + name), "--proof", path("all/" + name + ".proof"),
                                     "--policy", path("policy"), "--max-age", "3s"});
    EXPECT_EQ(checked.exit, i == 500 ? kRevoked : kGood) << i << checked.out;
  }
  const Bytes before = read(bundle);
  world_.service().tamper = [](EntryNumber number, Proof& proof) {
    if (number.value > 600) proof.cosignatures[0].signature[5] ^= 1;
  };
  EXPECT_EQ(with_node({"proof", "refresh", bundle}).exit, kFailed);
  EXPECT_EQ(read(bundle), before);
  EXPECT_FALSE(exists(bundle + ".partial"));
}

TEST_F(Proofs, OfABundleAreCheckedWhereAPolicyIsGiven) {
  issue("class", 1001);
  const std::string bundle = path("proofs/class.bundle");
  EXPECT_THAT(world_.run({"proof", "show", bundle}).out, HasSubstr("Not verified"));
  const auto show = [&] { return world_.run({"proof", "show", bundle, "--policy", path("policy")}); };
  const auto good = show();
  EXPECT_EQ(good.exit, kGood) << good.err;
  EXPECT_THAT(good.out, AllOf(HasSubstr("1001 entries [good]"), Not(HasSubstr("Not verified"))));
  amend(Status::revoked, 500);
  ASSERT_EQ(with_node({"proof", "refresh", bundle}).exit, kGood);
  EXPECT_EQ(show().exit, kRevoked);
  EXPECT_THAT(show().out, AllOf(HasSubstr("1000 entries [good]"), HasSubstr("1 entry [revoked]")));
  const Bundle held = value_of(read_bundle(bundle));
  const auto rewrite = [&](const std::function<void(Bundle&)>& change) {
    Bundle changed = held;
    change(changed);
    BundleWriter writer(bundle, changed.header, changed.documents);
    for (const Bundle::Held& one : changed.proofs) writer.add(one.number, value_of(decode_proof(one.proof)));
    ASSERT_TRUE(writer.finish());
  };
  rewrite([](Bundle& changed) { changed.documents[7].salt[0] ^= 1; });
  EXPECT_EQ(show().exit, kRefused) << "another document's salt";
  rewrite([](Bundle& changed) {
    Proof proof = value_of(decode_proof(changed.proofs[2].proof));
    proof.cosignatures[0].signature[3] ^= 1;
    changed.proofs[2].proof = encode(proof);
  });
  EXPECT_EQ(show().exit, kRefused) << "a forged cosignature";
}

TEST_F(Proofs, AreExtractedByNameHashFileAndNumber) {
  issue("class", 1001);
  const std::string bundle = path("proofs/class.bundle");
  const std::string hash = to_hex(value_of(read_bundle(bundle)).documents[7].document);
  const auto ran = world_.run({"proof", "extract", bundle, "document-5", hash, path("class/document-77"), "--number",
                               "8-9", "--out", path("some")});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(world_.files_in("some"), testing::SizeIs(5));
  EXPECT_EQ(verify(5, path("some/document-5.proof")), kGood);
  EXPECT_EQ(verify(77, path("some/document-77.proof")), kGood);
  EXPECT_EQ(world_.run({"proof", "extract", bundle, "nobody", "-o", path("x")}).exit, kFailed);
  EXPECT_EQ(world_.run({"proof", "extract", bundle, "--number", "1001", "-o", path("x")}).exit, kFailed);
  EXPECT_EQ(world_.run({"proof", "extract", bundle}).exit, kFailed) << "nothing is asked for";
  const fs::path before = fs::current_path();
  fs::current_path(path("some"));
  const auto here = world_.run({"proof", "extract", bundle, "document-6"});
  fs::current_path(before);
  EXPECT_EQ(here.exit, kGood) << here.err;
  EXPECT_EQ(verify(6, path("some/document-6.proof")), kGood) << "where we are, unless told otherwise";
}

TEST_F(Proofs, AreMadeAgainFromWhatTheOfficeKeeps) {
  issue("class", 4);
  amend(Status::suspended, 2);
  for (const unsigned i : {0u, 1u, 2u}) fs::remove(proof(i));
  const auto make = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"proof", "make", "--proofs", path("proofs")});
    return with_node(more);
  };
  ASSERT_EQ(make({path("class/document-0")}).exit, kGood);
  ASSERT_EQ(make({"--name", "document-1", "--number", "2"}).exit, kGood);
  EXPECT_EQ(verify(0, proof(0)), kGood);
  EXPECT_EQ(verify(1, proof(1)), kGood);
  EXPECT_EQ(verify(2, proof(2)), kSuspended);
  EXPECT_THAT(make({"--number", "3"}).err, HasSubstr("[conflict]")) << "it is there";
  EXPECT_THAT(make({"--number", "4"}).err, HasSubstr("[not_found]"));
  EXPECT_EQ(make({}).exit, kUsage);
  struct stat status {};
  ASSERT_EQ(::stat(issued_batch().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  fs::remove(issued_batch());
  EXPECT_THAT(make({"--number", "3"}).err, HasSubstr("is not there"));
}

TEST_F(Proofs, OfABundledClassAreMadeAgainToo) {
  issue("class", 1001);
  ASSERT_EQ(with_node({"proof", "make", "--proofs", path("proofs"), "--number", "77", "--out", path("made")}).exit,
            kGood);
  EXPECT_EQ(issued_batch(), "") << "the bundle holds as much";
  const std::string name = value_of(read_bundle(path("proofs/class.bundle"))).documents[77].name;
  EXPECT_EQ(world_.run({"verify", path("class/" + name), "--proof", path("made"), "--policy", path("policy")}).exit,
            kGood);
}

}  // namespace
}  // namespace testamur::tool
