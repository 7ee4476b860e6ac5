// Goal: over a real connection, each end speaks only to the keys that are pinned for it, and says whom it turned away.
// Method: a gRPC server and clients in one process, on a loopback port, with real TLS.
#include <gmock/gmock.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <mutex>

#include "testamur/identity/tls.h"
#include "testamur/peer/v1/peer.grpc.pb.h"

namespace testamur::identity {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

TlsIdentity made(const std::string& name) {
  auto identity = make_tls_identity(name);
  EXPECT_TRUE(identity) << identity.error().message;
  return *std::move(identity);
}

std::string pem_of(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

/// The same key in a certificate that names nobody and ended long ago.
TlsIdentity without_name(TlsIdentity identity) {
  BIO* bio = BIO_new_mem_buf(identity.key_pem.data(), static_cast<int>(identity.key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "19700101000000Z");
  ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "19710101000000Z");
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  identity.certificate_pem = pem_of(certificate);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return identity;
}

/// What was refused, from gRPC's threads.
class Refusals {
 public:
  Refused listener() {
    return [this](const std::string& why) {
      const std::lock_guard lock(mutex_);
      all_.push_back(why);
    };
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> all_;
};

/// Answers with the name that is pinned for the caller.
class WhoAmI final : public peer::v1::Peer::Service {
 public:
  explicit WhoAmI(Pins pins) : pins_(std::move(pins)) {}
  grpc::Status Talk(grpc::ServerContext* context,
                    grpc::ServerReaderWriter<peer::v1::Hello, peer::v1::Frame>* stream) override {
    peer::v1::Hello hello;
    hello.set_name(caller(*context, pins_).value_or("nobody"));
    stream->Write(hello);
    return grpc::Status::OK;
  }

 private:
  Pins pins_;
};

class PinsTest : public testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    builder.AddListeningPort("127.0.0.1:0", server_credentials(server_, pins_, refused_here_.listener()), &port_);
    running_ = builder.BuildAndStart();
    ASSERT_NE(running_, nullptr);
  }
  void TearDown() override { running_->Shutdown(std::chrono::system_clock::now()); }

  /// The caller's name as the server knows it, or how the call failed.
  std::pair<std::string, grpc::Status> call(const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(port_), credentials);
    const auto stub = peer::v1::Peer::NewStub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    const auto stream = stub->Talk(&context);
    peer::v1::Hello hello;
    stream->Read(&hello);
    return {hello.name(), stream->Finish()};
  }
  auto call(const TlsIdentity& as, const Hash& expected) {
    return call(channel_credentials(as, expected, refused_there_.listener()));
  }

  TlsIdentity server_ = made("server.example");
  TlsIdentity a_ = made("a.example");
  TlsIdentity b_ = made("b.example");
  Pins pins_{{a_.spki, "a"}, {b_.spki, "b"}};
  Refusals refused_here_;
  Refusals refused_there_;
  WhoAmI service_{pins_};
  int port_ = 0;
  std::unique_ptr<grpc::Server> running_;
};

TEST_F(PinsTest, PinnedKeysSpeakAndEachIsKnownByItsName) {
  const auto [name_a, status_a] = call(a_, server_.spki);
  EXPECT_TRUE(status_a.ok()) << status_a.error_message();
  EXPECT_EQ(name_a, "a");
  const auto [name_b, status_b] = call(b_, server_.spki);
  EXPECT_TRUE(status_b.ok()) << status_b.error_message();
  EXPECT_EQ(name_b, "b");
  EXPECT_THAT(refused_here_.all(), IsEmpty());
  EXPECT_THAT(refused_there_.all(), IsEmpty());
}

TEST_F(PinsTest, TheKeyCountsAndNotItsCertificate) {
  const auto [name, status] = call(without_name(a_), server_.spki);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(name, "a");
}

TEST_F(PinsTest, ACallerWithAnotherKeyIsRefusedWhateverNameItBears) {
  const TlsIdentity stranger = made("a.example");
  const auto [name, status] = call(stranger, server_.spki);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(name, "");
  EXPECT_THAT(refused_here_.all(), Contains(HasSubstr(to_hex(stranger.spki))));
  EXPECT_THAT(refused_here_.all(), Contains(HasSubstr("\"a.example\"")));
}

TEST_F(PinsTest, AStrangerWhoseCertificateNamesNobodyIsRefusedToo) {
  EXPECT_FALSE(call(without_name(made("x.example")), server_.spki).second.ok());
  EXPECT_THAT(refused_here_.all(), Contains(HasSubstr("is not pinned")));
}

TEST_F(PinsTest, ACalleeWithAnotherKeyIsRefusedBeforeAnythingIsSaid) {
  const auto [name, status] = call(a_, b_.spki);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(name, "");
  EXPECT_THAT(refused_there_.all(), Contains(HasSubstr("expected " + to_hex(b_.spki))));
  EXPECT_THAT(refused_there_.all(), Contains(HasSubstr("holds the key " + to_hex(server_.spki))));
}

TEST_F(PinsTest, ACallerWithoutACertificateIsRefused) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<grpc::experimental::StaticDataCertificateProvider>(server_.certificate_pem));
  options.watch_root_certs();
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  const auto [name, status] = call(grpc::experimental::TlsCredentials(options));
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(name, "");
}

TEST_F(PinsTest, ACallerWithoutTlsIsRefused) {
  const auto [name, status] = call(grpc::InsecureChannelCredentials());
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(name, "");
}

}  // namespace
}  // namespace testamur::identity
