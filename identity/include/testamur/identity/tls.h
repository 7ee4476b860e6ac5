// Who is at the other end: TLS keys that the consortium record pins. A node's certificate is self-signed and says nothing; what
// counts is the hash of its public key.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"

namespace grpc {
class ChannelCredentials;
class ServerContextBase;
class ServerCredentials;
}  // namespace grpc

namespace testamur::identity {

/// A node's TLS key and the self-signed certificate around it, both PEM.
struct TlsIdentity {
  std::string key_pem;
  std::string certificate_pem;
  Hash spki{};  ///< H(SubjectPublicKeyInfo)
};

/// A new P-256 key with a certificate for `name` that does not expire within a lifetime.
Result<TlsIdentity> make_tls_identity(std::string_view name);
/// From the two files; the key's must be its owner's alone. Errors: those of read_secret_file, and invalid when the key is not
/// the certificate's.
Result<TlsIdentity> read_tls_identity(const std::string& key_path, const std::string& certificate_path);

/// H(SubjectPublicKeyInfo) of a PEM certificate.
Result<Hash> spki_of_certificate(std::string_view certificate_pem);

/// The keys that may be at the other end, each with the name of its node.
using Pins = std::map<Hash, std::string>;

/// Told of a caller or callee that was turned away: what was found, for the log.
using Refused = std::function<void(const std::string& why)>;

/// For calling one node: the other end must hold exactly this key.
std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const TlsIdentity& own, const Hash& peer,
                                                              Refused refused);
/// For being called: the caller must hold one of these keys.
std::shared_ptr<grpc::ServerCredentials> server_credentials(const TlsIdentity& own, Pins pins, Refused refused);

/// The name pinned for the key that the caller of this call holds; nothing when there is none.
std::optional<std::string> caller(const grpc::ServerContextBase& context, const Pins& pins);

}  // namespace testamur::identity
