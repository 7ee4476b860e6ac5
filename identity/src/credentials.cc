// gRPC's TLS with its own ideas of trust turned off, on both sides: no chain, no host name. What is left of the handshake is that
// the other end holds the key of the certificate it shows; whether that key may be there is asked of the pins.
#include <grpc/grpc_security.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server_context.h>

#include <algorithm>
#include <atomic>

#include "testamur/identity/tls.h"

namespace testamur::identity {
namespace {

namespace tls = grpc::experimental;

/// Whoever calls us chose this text; a log gets it short and printable.
std::string for_log(const char* text) {
  constexpr std::size_t kMost = 64;
  std::string kept = std::string(std::string_view(text).substr(0, kMost));
  std::replace_if(
      kept.begin(), kept.end(), [](char c) { return c < ' ' || c > '~' || c == '"'; }, '?');
  return kept;
}

/// gRPC makes, asks and frees a verifier in threads of its own, in order; but how it orders them the thread sanitizer does not
/// see, since the library is not built with it. This it sees.
void in_order() {
  static constinit std::atomic<unsigned> steps = 0;
  steps.fetch_add(1, std::memory_order_acq_rel);
}

/// Says why a key may not be at the other end; nothing when it may.
using KeyCheck = std::function<std::optional<std::string>(const Hash&)>;

class PinVerifier final : public tls::ExternalCertificateVerifier {
 public:
  PinVerifier(KeyCheck check, Refused refused) : check_(std::move(check)), refused_(std::move(refused)) { in_order(); }
  ~PinVerifier() override { in_order(); }

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* status) override {
    in_order();
    if (const auto why = wrong(request->c_request()->peer_info)) {
      if (refused_) refused_(*why);
      *status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, *why);
    }
    in_order();
    return true;  // decided here and now
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  // gRPC's C structure and not its wrapper, which takes the length of a field that may be a null pointer.
  template <class PeerInfo>
  std::optional<std::string> wrong(const PeerInfo& peer) const {
    if (peer.peer_cert == nullptr) return "the other end shows no certificate";
    const auto spki = spki_of_certificate(peer.peer_cert);
    if (!spki) return "the other end shows a certificate that cannot be read: " + spki.error().message;
    auto why = check_(*spki);
    if (why && peer.common_name != nullptr) *why += " (its certificate says \"" + for_log(peer.common_name) + "\")";
    return why;
  }

  KeyCheck check_;
  Refused refused_;
};

/// `root` is never consulted, but a client without one would load, and need, those of the system.
std::shared_ptr<tls::CertificateProviderInterface> provide(const TlsIdentity& own) {
  return std::make_shared<tls::StaticDataCertificateProvider>(
      own.certificate_pem, std::vector<tls::IdentityKeyCertPair>{{own.key_pem, own.certificate_pem}});
}

}  // namespace

std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const TlsIdentity& own, const Hash& peer,
                                                              Refused refused) {
  const auto check = [peer](const Hash& found) -> std::optional<std::string> {
    if (found == peer) return std::nullopt;
    return "the other end holds the key " + to_hex(found) + ", expected " + to_hex(peer);
  };
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(provide(own));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_certificate_verifier(tls::ExternalCertificateVerifier::Create<PinVerifier>(check, std::move(refused)));
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  return tls::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> server_credentials(const TlsIdentity& own, Pins pins, Refused refused) {
  const auto check = [pins = std::move(pins)](const Hash& found) -> std::optional<std::string> {
    if (pins.contains(found)) return std::nullopt;
    return "a caller holds the key " + to_hex(found) + ", which is not pinned";
  };
  tls::TlsServerCredentialsOptions options(provide(own));
  options.watch_identity_key_cert_pairs();
  options.set_certificate_verifier(tls::ExternalCertificateVerifier::Create<PinVerifier>(check, std::move(refused)));
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  options.set_check_call_host(false);
  return tls::TlsServerCredentials(options);
}

std::optional<std::string> caller(const grpc::ServerContextBase& context, const Pins& pins) {
  const auto authenticated = context.auth_context();
  if (!authenticated) return std::nullopt;
  const auto certificates = authenticated->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (certificates.size() != 1) return std::nullopt;
  const auto spki = spki_of_certificate({certificates[0].data(), certificates[0].size()});
  if (!spki) return std::nullopt;
  const auto pin = pins.find(*spki);
  return pin == pins.end() ? std::nullopt : std::optional(pin->second);
}

}  // namespace testamur::identity
