// Goal: a secret is written once, for its owner alone, and is read back only while that is still so.
// Method: real files in a directory of the test's own.
#include "testamur/identity/key_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "scratch.h"

namespace testamur::identity {
namespace {

using testing::HasSubstr;

class KeyFile : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return scratch_.path() + "/" + name; }
  static mode_t mode(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
  }
  static void write_plainly(const std::string& path, const std::string& contents) {
    std::ofstream(path) << contents;
    EXPECT_EQ(::chmod(path.c_str(), 0600), 0);
  }

  Seed seed() const {
    Seed seed{};
    for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::uint8_t>(i * 7 + 1);
    return seed;
  }

 private:
  test::ScratchDirectory scratch_;
};

TEST_F(KeyFile, ASeedComesBackFromAFileOfItsOwnerAlone) {
  ASSERT_TRUE(write_ed25519_key(path("key"), seed()));
  EXPECT_EQ(mode(path("key")), 0600u);
  const auto back = read_ed25519_key(path("key"));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, seed());
}

TEST_F(KeyFile, TheModeDoesNotFollowALooseUmask) {
  const mode_t before = ::umask(0);
  const auto written = write_secret_file(path("secret"), "x");
  ::umask(before);
  ASSERT_TRUE(written);
  EXPECT_EQ(mode(path("secret")), 0600u);
}

TEST_F(KeyFile, TheFormIsThatOfRfc8410) {
  // RFC 8410 section 10.3, its example key.
  write_plainly(path("key"),
                "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                "-----END PRIVATE KEY-----\n");
  const auto seed = read_ed25519_key(path("key"));
  ASSERT_TRUE(seed) << seed.error().message;
  EXPECT_EQ(to_hex(*seed), "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842");
  ASSERT_TRUE(write_ed25519_key(path("again"), *seed));
  EXPECT_EQ(*read_secret_file(path("again")), *read_secret_file(path("key")));
}

TEST_F(KeyFile, AKeyIsNeverOverwritten) {
  ASSERT_TRUE(write_ed25519_key(path("key"), seed()));
  const auto again = write_ed25519_key(path("key"), Seed{});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  EXPECT_THAT(again.error().message, HasSubstr(path("key")));
  EXPECT_EQ(*read_ed25519_key(path("key")), seed());
}

TEST_F(KeyFile, ALinkThatPointsNowhereIsNotWrittenThrough) {
  std::filesystem::create_symlink(path("elsewhere"), path("key"));
  EXPECT_EQ(write_secret_file(path("key"), "x").error().code, ErrorCode::conflict);
  EXPECT_FALSE(std::filesystem::exists(path("elsewhere")));
}

TEST_F(KeyFile, AFileThatOthersMayUseIsRefused) {
  ASSERT_TRUE(write_ed25519_key(path("key"), seed()));
  for (const mode_t loose : {0640u, 0604u, 0620u, 0644u}) {
    ASSERT_EQ(::chmod(path("key").c_str(), loose), 0);
    const auto read = read_ed25519_key(path("key"));
    ASSERT_FALSE(read) << loose;
    EXPECT_EQ(read.error().code, ErrorCode::invalid);
    EXPECT_THAT(read.error().message, HasSubstr("0600"));
  }
}

TEST_F(KeyFile, WhatIsNotThereOrNoFileIsSaidSo) {
  EXPECT_EQ(read_secret_file(path("nothing")).error().code, ErrorCode::not_found);
  EXPECT_EQ(write_secret_file(path("no/such/directory"), "x").error().code, ErrorCode::storage);
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_secret_file(path("pipe")).error().code, ErrorCode::invalid);
}

TEST_F(KeyFile, WhatIsNoEd25519KeyIsMalformed) {
  write_plainly(path("empty"), "");
  EXPECT_EQ(read_ed25519_key(path("empty")).error().code, ErrorCode::malformed);
  write_plainly(path("long"), std::string(70'000, 'x'));
  EXPECT_EQ(read_secret_file(path("long")).error().code, ErrorCode::malformed);
  write_plainly(path("full"), std::string(65'536, 'x'));
  EXPECT_TRUE(read_secret_file(path("full")));
  // X25519, RFC 8410's neighbour: the same length, another algorithm.
  write_plainly(path("other"),
                "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                "-----END PRIVATE KEY-----\n");
  const auto other = read_ed25519_key(path("other"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::malformed);
  EXPECT_THAT(other.error().message, HasSubstr("not of Ed25519"));
}

Passphrase passphrase(std::string_view text) { return {text.begin(), text.end()}; }

TEST_F(KeyFile, APassphraseOpensItsKeyAndNoOtherDoes) {
  ASSERT_TRUE(write_ed25519_key(path("key"), seed(), passphrase("correct horse")));
  EXPECT_EQ(mode(path("key")), 0600u);
  EXPECT_TRUE(read_secret_file(path("key"))->starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
  EXPECT_TRUE(*is_encrypted_key(path("key")));
  const auto opened = open_ed25519_key(path("key"), passphrase("correct horse"));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(*opened, seed());
  for (const char* other : {"correct horsf", "correct horse ", "c", ""}) {
    const auto refused = open_ed25519_key(path("key"), passphrase(other));
    ASSERT_TRUE(refused) << other;
    EXPECT_FALSE(refused->has_value()) << other;
  }
  const auto unattended = read_ed25519_key(path("key"));
  ASSERT_FALSE(unattended);
  EXPECT_EQ(unattended.error().code, ErrorCode::invalid);
  EXPECT_THAT(unattended.error().message, HasSubstr("without a passphrase"));
}

TEST_F(KeyFile, EncryptionIsSaltedAndCostly) {
  ASSERT_TRUE(write_ed25519_key(path("one"), seed(), passphrase("correct horse")));
  ASSERT_TRUE(write_ed25519_key(path("two"), seed(), passphrase("correct horse")));
  EXPECT_NE(*read_secret_file(path("one")), *read_secret_file(path("two")));
  // As another program reads it: 1.3.6.1.4.1.11591.4.11 is scrypt.
  const std::string command = "openssl asn1parse -in " + path("one") + " 2>&1";
  std::string shown;
  FILE* pipe = ::popen(command.c_str(), "r");
  for (int c; (c = std::fgetc(pipe)) != EOF;) shown += static_cast<char>(c);
  ASSERT_EQ(::pclose(pipe), 0) << shown;
  EXPECT_THAT(shown, testing::AllOf(HasSubstr(":PBES2"), HasSubstr(":scrypt"), HasSubstr(":aes-256-cbc"),
                                    HasSubstr(":4000"), HasSubstr("INTEGER           :05")));
  EXPECT_EQ(std::system(("openssl pkey -noout -passin 'pass:correct horse' -in " + path("one")).c_str()), 0);
}

TEST_F(KeyFile, AKeyThatAnotherProgramEncryptedIsOpened) {
  ASSERT_TRUE(write_ed25519_key(path("plain"), seed()));
  ASSERT_EQ(std::system(("umask 077; openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 200000 -passout "
                         "'pass:correct horse' -in " +
                         path("plain") + " -out " + path("key"))
                            .c_str()),
            0);
  EXPECT_TRUE(*is_encrypted_key(path("key")));
  EXPECT_EQ(*open_ed25519_key(path("key"), passphrase("correct horse")), seed());
}

TEST_F(KeyFile, WhatIsNotEncryptedTakesNoPassphrase) {
  ASSERT_TRUE(write_ed25519_key(path("key"), seed()));
  EXPECT_FALSE(*is_encrypted_key(path("key")));
  write_plainly(path("text"), "no key");
  EXPECT_FALSE(*is_encrypted_key(path("text")));
  EXPECT_EQ(open_ed25519_key(path("text"), passphrase("x")).error().code, ErrorCode::malformed);
  EXPECT_EQ(write_ed25519_key(path("long"), seed(), Passphrase(kMaxPassphrase + 1, 'x')).error().code,
            ErrorCode::invalid);
  const Passphrase most(kMaxPassphrase, 'x');
  ASSERT_TRUE(write_ed25519_key(path("most"), seed(), most));
  EXPECT_EQ(*open_ed25519_key(path("most"), most), seed());
}

}  // namespace
}  // namespace testamur::identity
