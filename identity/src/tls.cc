#include "testamur/identity/tls.h"

#include <openssl/asn1.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "openssl.h"
#include "testamur/identity/key_file.h"

namespace testamur::identity {
namespace {

constexpr std::size_t kMaxCertificate = 64u << 10;
constexpr std::size_t kMaxCommonName = 64;  // RFC 5280 appendix A.1, ub-common-name

std::optional<Hash> spki_of(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return std::nullopt;
  Hash hash{};
  unsigned hash_size = 0;
  const bool hashed =
      EVP_Digest(der, static_cast<std::size_t>(size), hash.data(), &hash_size, EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);
  return hashed && hash_size == hash.size() ? std::optional(hash) : std::nullopt;
}

Owned<X509> certificate_of(std::string_view pem) {
  const Owned<BIO> bio = bio_of(pem);
  return Owned<X509>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) return false;
  random[0] = static_cast<unsigned char>((random[0] & 0x7f) | 0x40);  // positive and of full length
  BIGNUM* number = BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr);
  const bool set = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

/// Nobody reads the name to decide anything; it tells a person whose certificate this is. So a long one is cut.
bool set_name(X509* certificate, std::string_view name) {
  const std::string_view cut = name.substr(0, kMaxCommonName);
  X509_NAME* subject = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(cut.data()), static_cast<int>(cut.size()),
                                    -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1;
}

/// From 1970, whatever the clocks say, to the date that RFC 5280 4.1.2.5 gives to a certificate without an end: what ends a
/// key is a new consortium record, never a forgotten date.
bool set_times(X509* certificate) {
  return ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "19700101000000Z") == 1 &&
         ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") == 1;
}

Owned<X509> self_signed(EVP_PKEY* key, std::string_view name) {
  Owned<X509> certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 || !set_serial(certificate.get()) ||
      !set_name(certificate.get(), name) || !set_times(certificate.get()) ||
      X509_set_pubkey(certificate.get(), key) != 1 || X509_sign(certificate.get(), key, EVP_sha256()) == 0) {
    return nullptr;
  }
  return certificate;
}

std::string pem_of(X509* certificate) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return {};
  return text_of(bio.get());
}

Result<std::string> read_public_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::storage;
    return Error{code, path + ": opening: " + std::generic_category().message(errno)};
  }
  std::string contents(kMaxCertificate + 1, '\0');
  file.read(contents.data(), static_cast<std::streamsize>(contents.size()));
  contents.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return Error{ErrorCode::storage, path + ": reading failed"};
  if (contents.size() > kMaxCertificate) return Error{ErrorCode::malformed, path + ": longer than 64 KiB"};
  return contents;
}

}  // namespace

Result<TlsIdentity> make_tls_identity(std::string_view name) {
  const NoErrorsLeft guard;
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (name.empty() || !printable) return Error{ErrorCode::invalid, "a certificate's name is printable ASCII, no space"};
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const Owned<X509> certificate = key ? self_signed(key.get(), name) : nullptr;
  if (!certificate) return Error{ErrorCode::invalid, "no TLS key and certificate can be made (OpenSSL)"};
  TlsIdentity identity;
  identity.key_pem = pem_of(key.get());
  identity.certificate_pem = pem_of(certificate.get());
  const auto spki = spki_of(certificate.get());
  if (identity.key_pem.empty() || identity.certificate_pem.empty() || !spki) {
    return Error{ErrorCode::invalid, "the TLS key and certificate cannot be encoded (OpenSSL)"};
  }
  identity.spki = *spki;
  return identity;
}

Result<TlsIdentity> read_tls_identity(const std::string& key_path, const std::string& certificate_path) {
  const NoErrorsLeft guard;
  auto key_pem = read_secret_file(key_path);
  if (!key_pem) return key_pem.error();
  const Wipe wipe(*key_pem);
  const auto certificate_pem = read_public_file(certificate_path);
  if (!certificate_pem) return certificate_pem.error();
  const Owned<EVP_PKEY> key = private_key_of(*key_pem).key;
  const Owned<X509> certificate = certificate_of(*certificate_pem);
  if (!key) return Error{ErrorCode::malformed, key_path + ": not a private key in PEM without a passphrase"};
  if (!certificate) return Error{ErrorCode::malformed, certificate_path + ": not a certificate in PEM"};
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Error{ErrorCode::invalid, certificate_path + ": not the certificate of the key in " + key_path};
  }
  const auto spki = spki_of(certificate.get());
  if (!spki) return Error{ErrorCode::malformed, certificate_path + ": its public key cannot be encoded"};
  return TlsIdentity{*key_pem, *certificate_pem, *spki};
}

Result<Hash> spki_of_certificate(std::string_view certificate_pem) {
  const NoErrorsLeft guard;
  if (certificate_pem.size() > kMaxCertificate) return Error{ErrorCode::malformed, "a certificate longer than 64 KiB"};
  const Owned<X509> certificate = certificate_of(certificate_pem);
  if (!certificate) return Error{ErrorCode::malformed, "not a certificate in PEM"};
  const auto spki = spki_of(certificate.get());
  if (!spki) return Error{ErrorCode::malformed, "a certificate whose public key cannot be encoded"};
  return *spki;
}

}  // namespace testamur::identity
