// Goal: institutions found a ledger from their cards and nothing else; whoever repeats it comes to the same bytes; and a card that
// was changed, or that brings another's key, does not get in.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include <boost/json.hpp>

#include "card.h"
#include "consortium.h"
#include "files.h"
#include "site.h"
#include "tool_world.h"

namespace testamur::tool {
namespace {

using test::value_of;
using testing::HasSubstr;

class Ceremony : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return scratch_.path() + "/" + name; }

  test::Ran init(const std::string& id, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"institution", "init",       "--id",       id + ".pt",    "--name",
                                          "University",  "--register", "diplomas:2", "--directory", path(id)};
    if (more.empty()) {
      more = {"--node", "node." + id + ".pt", "--peer-address", "127.0.0.1:7101", "--public-address", "127.0.0.1:7201"};
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::run_tool(arguments, test::kCreated);
  }
  test::Ran create(const std::string& out, const std::vector<std::string>& ids, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"consortium",          "create", "--origin",
                                          "testamur.example/pt", "--out",  path(out)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    for (const std::string& id : ids) arguments.push_back(path(id) + "/card.json");
    return test::run_tool(arguments, test::kCreated);
  }
  void found_four() {
    for (const char* id : {"ulisboa", "uporto", "uminho", "uevora"}) ASSERT_EQ(init(id).exit, kGood);
    ASSERT_EQ(create("founding", {"ulisboa", "uporto", "uminho", "uevora"}).exit, kGood);
  }
  Bytes bytes(const std::string& name) const { return value_of(read_file(path(name), 1 << 20)); }

  test::ScratchDirectory scratch_;
};

TEST_F(Ceremony, KeysAreTheirOwnersAlone) {
  ASSERT_EQ(init("ulisboa").exit, kGood);
  for (const char* name : {"keys/note.pem", "keys/cosigner.pem", "keys/tls.pem", "statement-keys/registrar.pem",
                           "statement-keys/dean.pem"}) {
    struct stat status {};
    ASSERT_EQ(::stat(path("ulisboa/" + std::string(name)).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 07777, 0600u) << name;
  }
  const auto again = init("ulisboa");
  EXPECT_EQ(again.exit, kFailed);
  EXPECT_THAT(again.err, HasSubstr("[conflict]"));
}

TEST_F(Ceremony, CardHoldsNoSecret) {
  ASSERT_EQ(init("ulisboa").exit, kGood);
  const Bytes bytes_read = bytes("ulisboa/card.json");
  const std::string text(as_text(bytes_read));
  const Card card = value_of(read_card(text));
  EXPECT_EQ(card.institution, "ulisboa.pt");
  ASSERT_EQ(card.keys.size(), 2u);
  const SecretKey registrar = value_of(read_key(path("ulisboa/statement-keys/registrar.pem")));
  EXPECT_EQ(card.keys[0].key, registrar.public_key());
  EXPECT_THAT(text, testing::Not(HasSubstr("PRIVATE")));
}

TEST_F(Ceremony, SameCardsMakeTheSameGenesis) {
  found_four();
  ASSERT_EQ(create("again", {"uminho", "uevora", "ulisboa", "uporto"}).exit, kGood);
  EXPECT_EQ(bytes("founding/genesis"), bytes("again/genesis"));
  EXPECT_EQ(bytes("founding/policy"), bytes("again/policy"));
  const Genesis genesis = value_of(decode_genesis(bytes("founding/genesis")));
  EXPECT_EQ(std::get<ConsortiumRecord>(genesis.records[0]).threshold, 3);
  EXPECT_EQ(genesis.created, test::kCreated);
  EXPECT_EQ(value_of(decode_policy(as_text(bytes("founding/policy")))).ledger, ledger_id(bytes("founding/genesis")));
  ASSERT_EQ(create("other", {"uminho", "uevora", "ulisboa", "uporto"}, {"--created", "2026-09-01"}).exit, kGood);
  EXPECT_NE(bytes("founding/genesis"), bytes("other/genesis"));
}

TEST_F(Ceremony, ChangedCardIsRefused) {
  ASSERT_EQ(init("ulisboa").exit, kGood);
  const std::string text(as_text(bytes("ulisboa/card.json")));
  const auto change = [&](std::string_view from, std::string_view to) {
    std::string changed = text;
    const std::size_t at = changed.find(from);
    EXPECT_NE(at, changed.npos) << from;
    return read_card(changed.replace(at, from.size(), to));
  };
  EXPECT_EQ(change("University", "university").error().code, ErrorCode::invalid);
  EXPECT_EQ(change("\"approvals\":2", "\"approvals\":1").error().code, ErrorCode::invalid);
  EXPECT_EQ(change("127.0.0.1:7101", "127.0.0.1:7102").error().code, ErrorCode::invalid);
  EXPECT_EQ(change("\"testamur_card\":1", "\"testamur_card\":2").error().code, ErrorCode::unsupported);
  EXPECT_EQ(change("\"testamur_card\":1", "\"more\":1,\"testamur_card\":1").error().code, ErrorCode::malformed);
  EXPECT_FALSE(change("\"display_name\"", "\"institution\":\"a.b\",\"display_name\""));
  EXPECT_FALSE(read_card(""));
  EXPECT_FALSE(read_card("[]"));
  EXPECT_FALSE(read_card("{}"));
}

TEST_F(Ceremony, ControlCharactersDoNotReachTheTerminal) {
  const SecretKey key = SecretKey::generate();
  Card card{"a.pt", "a\x1b[2J", {}, {{"registrar", key.public_key(), 3}}, {}};
  EXPECT_FALSE(write_card(card, std::array{key}));
  card.display_name = "University of \xc3\x81";
  EXPECT_TRUE(write_card(card, std::array{key}));
}

TEST_F(Ceremony, AnothersKeyTakesItsSignature) {
  const SecretKey own = SecretKey::generate();
  const SecretKey anothers = SecretKey::generate();
  const Card card{"a.pt", "A", {}, {{"one", own.public_key(), 3}, {"two", anothers.public_key(), 3}}, {}};
  EXPECT_EQ(write_card(card, std::array{own}).error().code, ErrorCode::invalid);
  EXPECT_TRUE(write_card(card, std::array{own, anothers}));
}

TEST_F(Ceremony, ApprovalsMustBeWithinReach) {
  const auto ran = test::run_tool(
      {"institution", "init", "--id", "a.pt", "--name", "A", "--register", "r:3", "--directory", path("a")},
      test::kCreated);
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_FALSE(std::filesystem::exists(path("a")));
}

TEST_F(Ceremony, TwoCardsOfOneInstitutionAreRefused) {
  ASSERT_EQ(init("ulisboa").exit, kGood);
  const auto ran = create("founding", {"ulisboa", "ulisboa"});
  EXPECT_EQ(ran.exit, kFailed);
  EXPECT_FALSE(std::filesystem::exists(path("founding/genesis")));
}

TEST_F(Ceremony, NodeIsMadeWhereItsKeysAreInGenesis) {
  found_four();
  const std::vector<std::string> arguments = {"node",         "init",      "--directory",
                                              path("uporto"), "--genesis", path("founding/genesis")};
  EXPECT_EQ(test::run_tool(arguments, test::kCreated).exit, kGood);
  EXPECT_EQ(test::run_tool(arguments, test::kCreated).exit, kGood) << "again is harmless";
  EXPECT_EQ(as_text(bytes("uporto/node.toml")), R"([node]
name = "node.uporto.pt"
genesis = "genesis"
data = "data"

[keys]
note = "keys/note.pem"
cosigner = "keys/cosigner.pem"
tls_key = "keys/tls.pem"
tls_certificate = "keys/tls.crt"

[peer]
listen = "127.0.0.1:7101"

[public]
listen = "127.0.0.1:7201"
)");
  EXPECT_EQ(bytes("uporto/policy"), bytes("founding/policy"));
  ASSERT_EQ(init("ucoimbra").exit, kGood);
  const auto stranger = test::run_tool(
      {"node", "init", "--directory", path("ucoimbra"), "--genesis", path("founding/genesis")}, test::kCreated);
  EXPECT_EQ(stranger.exit, kFailed);
  EXPECT_THAT(stranger.err, HasSubstr("[not_found]"));
}

}  // namespace
}  // namespace testamur::tool
