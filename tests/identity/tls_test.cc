// Goal: a node's TLS key is known by one hash, however it was made or read, and a key without its certificate is refused.
#include "testamur/identity/tls.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <fstream>

#include "scratch.h"
#include "testamur/identity/key_file.h"

namespace testamur::identity {
namespace {

using testing::HasSubstr;

TlsIdentity made(const std::string& name) {
  auto identity = make_tls_identity(name);
  EXPECT_TRUE(identity) << identity.error().message;
  return *std::move(identity);
}

X509* parsed(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return certificate;
}

TEST(Tls, ACertificateIsValidForALifetimeAndNamesItsNode) {
  const TlsIdentity identity = made("node.a.example");
  X509* certificate = parsed(identity.certificate_pem);
  ASSERT_NE(certificate, nullptr);
  // Seconds of 1971 and of 2200.
  std::time_t early = 31'536'000;
  std::time_t late = 7'258'118'400;
  EXPECT_LT(X509_cmp_time(X509_get0_notBefore(certificate), &early), 0);
  EXPECT_GT(X509_cmp_time(X509_get0_notAfter(certificate), &late), 0);
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(), name.size());
  EXPECT_STREQ(name.data(), "node.a.example");
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  EXPECT_EQ(X509_verify(certificate, key), 1);
  std::array<char, 64> group{};
  EXPECT_EQ(EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr), 1);
  EXPECT_STREQ(group.data(), "prime256v1");
  X509_free(certificate);
}

TEST(Tls, AnyTwoIdentitiesDiffer) { EXPECT_NE(made("a.example").spki, made("a.example").spki); }

TEST(Tls, NamesTooLongForACertificateAreCutAndUnprintableOnesRefused) {
  EXPECT_TRUE(make_tls_identity(std::string(250, 'a')));
  EXPECT_EQ(make_tls_identity("").error().code, ErrorCode::invalid);
  EXPECT_EQ(make_tls_identity("a\nb").error().code, ErrorCode::invalid);
}

TEST(Tls, TheHashIsThatOfTheSubjectPublicKeyInfo) {
  // Made once with: openssl req -x509 -newkey ed25519; the hash with: openssl x509 -pubkey | openssl pkey -pubin -outform DER |
  // sha256sum.
  const std::string pem =
      "-----BEGIN CERTIFICATE-----\n"
      "MIIBQDCB86ADAgECAhRWjMitSXW/hj7fqfNkGNGeDidiITAFBgMrZXAwFjEUMBIG\n"
      "A1UEAwwLcGluLmV4YW1wbGUwHhcNMjYxMTIxMjE0ODM2WhcNMzYxMTE4MjE0ODM2\n"
      "WjAWMRQwEgYDVQQDDAtwaW4uZXhhbXBsZTAqMAUGAytlcAMhAAr//9/dbG68Xzn9\n"
      "3tQ/dNPeg+8Vwh78alT1zfu9owuBo1MwUTAdBgNVHQ4EFgQUPM6FyiUjjVuKhf1T\n"
      "n3Ufejyu3mowHwYDVR0jBBgwFoAUPM6FyiUjjVuKhf1Tn3Ufejyu3mowDwYDVR0T\n"
      "AQH/BAUwAwEB/zAFBgMrZXADQQBRgMgX9TLF4jahQoDo02+vsbxdpClmdtsXqIEG\n"
      "KwcERfORXbGrznjAAtqLU0p7GaVzreNqiizcNrNZF8JWDTcF\n"
      "-----END CERTIFICATE-----\n";
  const auto spki = spki_of_certificate(pem);
  ASSERT_TRUE(spki) << spki.error().message;
  EXPECT_EQ(to_hex(*spki), "737adadbbe96c00db80e4b8c3e1b300310e83853e96f495f0b14cd4857e9ec79");
  EXPECT_EQ(spki_of_certificate("nothing of the kind").error().code, ErrorCode::malformed);
  const TlsIdentity identity = made("a.example");
  EXPECT_EQ(*spki_of_certificate(identity.certificate_pem), identity.spki);
}

class TlsFiles : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_secret_file(key_, identity_.key_pem));
    std::ofstream(certificate_) << identity_.certificate_pem;
  }
  test::ScratchDirectory scratch_;
  TlsIdentity identity_ = made("a.example");
  std::string key_ = scratch_.path() + "/tls.key";
  std::string certificate_ = scratch_.path() + "/tls.crt";
};

TEST_F(TlsFiles, ComeBackAsTheyWere) {
  const auto read = read_tls_identity(key_, certificate_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->key_pem, identity_.key_pem);
  EXPECT_EQ(read->certificate_pem, identity_.certificate_pem);
  EXPECT_EQ(read->spki, identity_.spki);
}

TEST_F(TlsFiles, OfTwoNodesMixedAreRefused) {
  std::ofstream(certificate_) << made("a.example").certificate_pem;
  const auto read = read_tls_identity(key_, certificate_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::invalid);
  EXPECT_THAT(read.error().message, HasSubstr(key_));
}

TEST_F(TlsFiles, WithAKeyThatOthersMayReadAreRefused) {
  ASSERT_EQ(::chmod(key_.c_str(), 0640), 0);
  EXPECT_EQ(read_tls_identity(key_, certificate_).error().code, ErrorCode::invalid);
}

TEST_F(TlsFiles, ThatAreMissingOrNoneAreSaidSo) {
  EXPECT_EQ(read_tls_identity(key_, certificate_ + "x").error().code, ErrorCode::not_found);
  EXPECT_EQ(read_tls_identity(key_ + "x", certificate_).error().code, ErrorCode::not_found);
  std::ofstream(certificate_) << "no certificate";
  EXPECT_EQ(read_tls_identity(key_, certificate_).error().code, ErrorCode::malformed);
}

}  // namespace
}  // namespace testamur::identity
