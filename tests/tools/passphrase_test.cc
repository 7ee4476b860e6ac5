// Goal: a key file that is stolen is of no use without its passphrase; whoever has that signs as before; and scripts are told by code
// what is missing.
// Method: the commands in this process, with a person at a terminal played by the test.
#include "passphrase.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <fstream>

#include "card.h"
#include "files.h"
#include "tool_world.h"

namespace testamur::tool {
namespace {

using test::value_of;
using test::World;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kPassphrase = "correct horse battery";
constexpr const char* kOther = "another horse";

class Passphrases : public testing::Test {
 protected:
  Passphrases() {
    world_.make_documents("class", 2);
    encrypt("a", kPassphrase);
  }

  identity::Seed seed_of(const std::string& role) { return test::bytes_named(World::institution_id(0) + " " + role); }
  void encrypt(const std::string& role, std::string_view passphrase) {
    std::filesystem::remove(world_.path(role + ".pem"));
    value_of(
        identity::write_ed25519_key(world_.path(role + ".pem"), seed_of(role), {passphrase.begin(), passphrase.end()}));
  }
  std::string secret(const std::string& name, const std::string& text) {
    const std::string path = world_.write(name, text);
    EXPECT_EQ(::chmod(path.c_str(), 0600), 0);
    return path;
  }
  /// A person who types these, one after another, and then nothing more.
  test::Ran run_with_person(const std::vector<std::string>& arguments, std::vector<std::string> typed) {
    prompts_.clear();
    std::ostringstream out;
    std::ostringstream err;
    Context context{out, err, [&] { return world_.now(); }, {}};
    context.ask_secret = [&](const std::string& prompt) -> std::optional<identity::Passphrase> {
      prompts_.push_back(prompt);
      if (typed.empty()) return std::nullopt;
      const std::string next = typed.front();
      typed.erase(typed.begin());
      return identity::Passphrase(next.begin(), next.end());
    };
    const int exit = run(arguments, context);
    return {exit, out.str(), err.str()};
  }
  std::vector<std::string> issue_command(std::vector<std::string> more = {}) {
    std::vector<std::string> out = {"issue",
                                    "--node",
                                    world_.service().address(),
                                    "--register",
                                    "university-0.example/r1",
                                    "--policy",
                                    world_.path("policy"),
                                    "--proofs",
                                    world_.path("proofs"),
                                    "--key",
                                    world_.key_file("a"),
                                    "--key",
                                    world_.key_file("b"),
                                    "--timeout",
                                    "1s",
                                    world_.path("class")};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  std::uint64_t issued() { return world_.ledger().record(0, "r1").issued; }
  std::vector<std::string> init_command(std::vector<std::string> more) {
    std::vector<std::string> out = {
        "institution",      "init",           "--id",        "ulisboa.pt",       "--name",         "U",
        "--register",       "diplomas:2",     "--node",      "node.ulisboa.pt",  "--peer-address", "127.0.0.1:7101",
        "--public-address", "127.0.0.1:7201", "--directory", world_.path("site")};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }

  test::ToolWorld world_;
  std::vector<std::string> prompts_;
};

TEST_F(Passphrases, AnEncryptedKeySignsWhatItsPassphraseOpens) {
  const auto nobody = world_.run(issue_command());
  EXPECT_EQ(nobody.exit, kFailed);
  EXPECT_THAT(nobody.err, AllOf(HasSubstr("a.pem"), HasSubstr("--passphrase-file"), HasSubstr("[passphrase_needed]")));
  const auto wrong = world_.run(issue_command({"--passphrase-file", secret("wrong", kOther)}));
  EXPECT_EQ(wrong.exit, kFailed);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("a.pem"), HasSubstr(world_.path("wrong")), HasSubstr("[wrong_passphrase]"),
                               Not(HasSubstr(kOther))));
  EXPECT_TRUE(world_.service().handed_in().empty());
  const auto ran = world_.run(issue_command({"--passphrase-file", secret("right", std::string(kPassphrase) + "\r\n")}));
  EXPECT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_EQ(issued(), 2u);
  EXPECT_EQ(world_.run(issue_command()).exit, kGood) << "what is done needs no key, and no passphrase";
}

TEST_F(Passphrases, APersonIsAskedForEachKeyByName) {
  encrypt("b", kOther);
  const auto ran = run_with_person(issue_command(), {"mistyped", kPassphrase, kOther});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(prompts_, ElementsAre(HasSubstr("a.pem"), HasSubstr("a.pem"), HasSubstr("b.pem")));
  EXPECT_EQ(issued(), 2u);
}

TEST_F(Passphrases, SeveralStatementsTakeOneAsking) {
  ASSERT_EQ(run_with_person(issue_command(), {kPassphrase}).exit, kGood);
  const auto ran = run_with_person(
      {"reissue", "--node", world_.service().address(), "--register", "university-0.example/r1", "--policy",
       world_.path("policy"), "--proofs", world_.path("proofs"), "--number", "0", "--key", world_.key_file("a"),
       "--key", world_.key_file("b"), "--timeout", "1s", world_.write("new.json", "{}")},
      {kPassphrase});
  EXPECT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_EQ(prompts_.size(), 1u);
}

TEST_F(Passphrases, ThreeWrongOnesEndIt) {
  const auto ran = run_with_person(issue_command(), {"one", "two", "three", kPassphrase});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, HasSubstr("[wrong_passphrase]"));
  EXPECT_EQ(prompts_.size(), 3u);
  EXPECT_THAT(run_with_person(issue_command(), {}).err, HasSubstr("[passphrase_needed]"));
  EXPECT_TRUE(world_.service().handed_in().empty());
}

TEST_F(Passphrases, FilesOfSeveralPassphrasesAreTriedInTurn) {
  encrypt("b", kOther);
  const std::vector<std::string> both = {"--passphrase-file", secret("one", kOther), "--passphrase-file",
                                         secret("two", kPassphrase)};
  const auto ran = world_.run(issue_command(both));
  EXPECT_EQ(ran.exit, kGood) << ran.err;
}

TEST_F(Passphrases, AFileThatOthersMayReadIsNotUsed) {
  const std::string file = secret("passphrase", kPassphrase);
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  const auto ran = world_.run(issue_command({"--passphrase-file", file}));
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_THAT(ran.err, AllOf(HasSubstr(file), HasSubstr("0600")));
  EXPECT_THAT(world_.run(issue_command({"--passphrase-file", secret("empty", "\nsecond")})).err,
              HasSubstr("expected a passphrase of 1 to 1000 bytes as the first line"));
  EXPECT_TRUE(world_.service().handed_in().empty());
}

TEST_F(Passphrases, AmendPrepareAndSignTakeThemToo) {
  ASSERT_EQ(world_.run(issue_command({"--passphrase-file", secret("right", kPassphrase)})).exit, kGood);
  std::vector<std::string> amend = {"amend",      "revoke",
                                    "--node",     world_.service().address(),
                                    "--register", "university-0.example/r1",
                                    "--policy",   world_.path("policy"),
                                    "--number",   "0",
                                    "--timeout",  "1s",
                                    "--key",      world_.key_file("a")};
  auto direct = amend;
  direct.insert(direct.end(), {"--key", world_.key_file("b")});
  EXPECT_THAT(world_.run(direct).err, HasSubstr("[passphrase_needed]"));
  EXPECT_EQ(run_with_person(direct, {kPassphrase}).exit, kGood);
  amend[9] = "1";
  amend.insert(amend.end(), {"--prepare", world_.path("to.sign"), "--passphrase-file", world_.path("right")});
  ASSERT_EQ(world_.run(amend).exit, kGood);
  encrypt("b", kOther);
  const std::vector<std::string> sign = {"sign", world_.path("to.sign"), "--yes", "--key", world_.path("b.pem")};
  EXPECT_THAT(world_.run(sign).err, HasSubstr("[passphrase_needed]"));
  const auto signed_by_b = run_with_person(sign, {kOther});
  EXPECT_EQ(signed_by_b.exit, kGood) << signed_by_b.err;
  EXPECT_THAT(signed_by_b.out, HasSubstr("2 of 2 signatures"));
}

TEST_F(Passphrases, InitProtectsThePeoplesKeysAndLeavesTheNodesReadable) {
  const auto ran = run_with_person(init_command({"--passphrase"}), {kPassphrase, kPassphrase, kOther, kOther});
  ASSERT_EQ(ran.exit, kGood) << ran.err;
  EXPECT_THAT(prompts_, ElementsAre(HasSubstr("registrar.pem"), HasSubstr("once more"), HasSubstr("dean.pem"),
                                    HasSubstr("once more")));
  const std::string people = world_.path("site/statement-keys/");
  EXPECT_TRUE(value_of(identity::is_encrypted_key(people + "registrar.pem")));
  EXPECT_TRUE(value_of(identity::is_encrypted_key(people + "dean.pem")));
  EXPECT_FALSE(value_of(identity::is_encrypted_key(world_.path("site/keys/note.pem"))));
  EXPECT_FALSE(value_of(identity::is_encrypted_key(world_.path("site/keys/cosigner.pem"))));
  const std::string_view given = kPassphrase;
  const auto seed = value_of(identity::open_ed25519_key(people + "registrar.pem", {given.begin(), given.end()}));
  ASSERT_TRUE(seed);
  const Card card = value_of(read_card(value_of(read_text_file(world_.path("site/card.json"), kMaxCardBytes))));
  EXPECT_EQ(SecretKey::from_seed(*seed).public_key(), card.keys[0].key) << "the card names the key that is in the file";
}

TEST_F(Passphrases, InitByScriptTakesOneFileForAllOrOneForEach) {
  const std::string one = secret("one", kPassphrase);
  const std::string two = secret("two", kOther);
  const auto each = world_.run(init_command({"--passphrase-file", one, "--passphrase-file", two}));
  ASSERT_EQ(each.exit, kGood) << each.err;
  const std::string_view other = kOther;
  EXPECT_TRUE(
      value_of(identity::open_ed25519_key(world_.path("site/statement-keys/dean.pem"), {other.begin(), other.end()})));
  std::filesystem::remove_all(world_.path("site"));
  ASSERT_EQ(world_.run(init_command({"--passphrase-file", one})).exit, kGood);
}

TEST_F(Passphrases, InitMakesNothingWithoutWhatItNeeds) {
  const auto nobody = world_.run(init_command({"--passphrase"}));
  EXPECT_EQ(nobody.exit, kFailed);
  EXPECT_THAT(nobody.err, AllOf(HasSubstr("expected a terminal"), HasSubstr("[passphrase_needed]")));
  EXPECT_THAT(run_with_person(init_command({"--passphrase"}), {kPassphrase, kOther}).err,
              HasSubstr("the same passphrase twice"));
  EXPECT_THAT(run_with_person(init_command({"--passphrase"}), {"short"}).err, HasSubstr("at least 8 bytes"));
  const std::string file = secret("one", kPassphrase);
  EXPECT_EQ(world_.run(init_command({"--passphrase", "--passphrase-file", file})).exit, kUsage);
  EXPECT_EQ(world_
                .run(init_command({"--key", "a:issue,amend", "--key", "b:issue,amend", "--key", "c:issue",
                                   "--passphrase-file", file, "--passphrase-file", file}))
                .exit,
            kUsage);
  EXPECT_FALSE(std::filesystem::exists(world_.path("site")));
}

TEST_F(Passphrases, AKeyIsProtectedAndItsPassphraseChanged) {
  const std::string key = world_.key_file("b");
  const std::string first = secret("first", kPassphrase);
  const std::string second = secret("second", kOther);
  std::ifstream held_open(key);
  ASSERT_EQ(world_.run({"key", "protect", key, "--new-passphrase-file", first}).exit, kGood);
  const std::string before{std::istreambuf_iterator<char>(held_open), {}};
  EXPECT_EQ(before, std::string(before.size(), '\0')) << "the unprotected key is overwritten";
  struct stat status {};
  ASSERT_EQ(::stat(key.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_TRUE(value_of(identity::is_encrypted_key(key)));

  const auto wrong = world_.run({"key", "protect", key, "--passphrase-file", second, "--new-passphrase-file", second});
  EXPECT_THAT(wrong.err, HasSubstr("[wrong_passphrase]"));
  const auto changed = run_with_person({"key", "protect", key, "--json"}, {kPassphrase, kOther, kOther});
  EXPECT_EQ(changed.exit, kGood) << changed.out;
  const std::string_view other = kOther;
  EXPECT_EQ(value_of(identity::open_ed25519_key(key, {other.begin(), other.end()})), seed_of("b"));
  EXPECT_THAT(world_.run({"key", "protect", world_.path("none"), "--new-passphrase-file", first}).err,
              HasSubstr("[not_found]"));
  EXPECT_THAT(world_.files_in("."), Not(testing::Contains(HasSubstr("b.pem.")))) << "nothing is left beside it";
}

}  // namespace
}  // namespace testamur::tool
