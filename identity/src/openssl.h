// OpenSSL's objects, freed by their owners, and secrets, wiped by theirs.
#pragma once

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <cstring>
#include <memory>
#include <string>

#include "testamur/identity/secret.h"

namespace testamur::identity {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }  // a memory BIO wipes what it held
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_ALGOR* algorithm) const { X509_ALGOR_free(algorithm); }
  void operator()(X509_SIG* sealed) const { X509_SIG_free(sealed); }
  void operator()(PKCS8_PRIV_KEY_INFO* info) const { PKCS8_PRIV_KEY_INFO_free(info); }  // wipes the key
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// Empties OpenSSL's queue of errors when it goes: an error left there is taken for one of the next TLS call on this thread.
class NoErrorsLeft {
 public:
  NoErrorsLeft() = default;
  ~NoErrorsLeft() { ERR_clear_error(); }
  NoErrorsLeft(const NoErrorsLeft&) = delete;
  NoErrorsLeft& operator=(const NoErrorsLeft&) = delete;
};

/// Wipes a buffer (std::string, std::array) when it goes.
template <class Buffer>
class Wipe {
 public:
  explicit Wipe(Buffer& buffer) : buffer_(buffer) {}
  ~Wipe() { OPENSSL_cleanse(buffer_.data(), buffer_.size()); }
  Wipe(const Wipe&) = delete;
  Wipe& operator=(const Wipe&) = delete;

 private:
  Buffer& buffer_;
};

inline Owned<BIO> bio_of(std::string_view text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

/// What came of reading a private key.
struct PrivateKey {
  Owned<EVP_PKEY> key;     ///< nothing: it cannot be read
  bool encrypted = false;  ///< a passphrase was asked for
};

/// Without a passphrase, one that is encrypted is not read: a daemon has nobody to ask.
inline PrivateKey private_key_of(std::string_view pem, const Passphrase& passphrase = {}) {
  struct Asking {
    const Passphrase& passphrase;
    bool asked = false;
  } asking{passphrase};
  const auto give = [](char* out, int size, int, void* held) {
    static_cast<Asking*>(held)->asked = true;
    const Passphrase& given = static_cast<Asking*>(held)->passphrase;
    const std::size_t length = given.size();
    if (length == 0 || length > static_cast<std::size_t>(size)) return -1;
    std::memcpy(out, given.data(), length);
    return static_cast<int>(length);
  };
  const Owned<BIO> bio = bio_of(pem);
  PrivateKey read;
  read.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, give, &asking));
  read.encrypted = asking.asked;
  return read;
}

/// As PKCS #8 PEM; empty when it fails.
inline std::string pem_of(EVP_PKEY* key) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) return {};
  return text_of(bio.get());
}

}  // namespace testamur::identity
