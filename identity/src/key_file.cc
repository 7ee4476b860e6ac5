#include "testamur/identity/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "openssl.h"

namespace testamur::identity {
namespace {

constexpr std::size_t kMaxFile = 64u << 10;
constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Error failed(const std::string& path, std::string_view doing) {
  return Error{ErrorCode::storage, path + ": " + std::string(doing) + ": " + std::generic_category().message(errno)};
}

Result<void> write_all(int descriptor, std::string_view contents, const std::string& path) {
  while (!contents.empty()) {
    const ssize_t written = ::write(descriptor, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(path, "writing");
    contents.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// The new name lives in the directory, and is lost with it unless that is synced too.
Result<void> sync_directory_of(const std::string& path) {
  std::string directory = std::filesystem::path(path).parent_path().string();
  if (directory.empty()) directory = ".";
  const File file(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0) return failed(directory, "opening the directory");
  if (::fsync(file.get()) != 0) return failed(directory, "syncing the directory");
  return {};
}

Result<void> fill(int descriptor, std::string_view contents, const std::string& path) {
  if (auto written = write_all(descriptor, contents, path); !written) return written;
  if (::fsync(descriptor) != 0) return failed(path, "syncing");
  return sync_directory_of(path);
}

Result<void> check_secret(int descriptor, const std::string& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return failed(path, "looking at it");
  if (!S_ISREG(status.st_mode)) return Error{ErrorCode::invalid, path + ": not a regular file"};
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Error{ErrorCode::invalid,
                 path + ": others than its owner may use this file; expected mode 0600 (chmod 600)"};
  }
  return {};
}

/// Memory for one try is 128 * N * r, 16 MiB; OpenSSL reads no key that takes more than twice that. p makes it slower instead.
constexpr std::uint64_t kScryptN = 1u << 14;
constexpr std::uint64_t kScryptR = 8;
constexpr std::uint64_t kScryptP = 5;
constexpr int kSaltBytes = 16;

/// As encrypted PKCS #8 PEM; empty when it fails.
std::string encrypted_pem_of(EVP_PKEY* key, const Passphrase& passphrase) {
  const Owned<PKCS8_PRIV_KEY_INFO> info(EVP_PKEY2PKCS8(key));
  // Salt and initialization vector are drawn anew.
  Owned<X509_ALGOR> algorithm(
      PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, kSaltBytes, nullptr, kScryptN, kScryptR, kScryptP));
  if (!info || !algorithm) return {};
  const Owned<X509_SIG> sealed(
      PKCS8_set0_pbe(passphrase.data(), static_cast<int>(passphrase.size()), info.get(), algorithm.get()));
  if (!sealed) return {};
  static_cast<void>(algorithm.release());  // it is sealed's now
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8(bio.get(), sealed.get()) != 1) return {};
  return text_of(bio.get());
}

Result<Seed> seed_of(EVP_PKEY* key, const std::string& path) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
    return Error{ErrorCode::malformed, path + ": a private key, but not of Ed25519"};
  }
  Seed seed{};
  const Wipe wipe(seed);
  std::size_t size = seed.size();
  if (EVP_PKEY_get_raw_private_key(key, seed.data(), &size) != 1 || size != seed.size()) {
    return Error{ErrorCode::malformed, path + ": the seed cannot be taken from this key"};
  }
  return seed;
}

Error no_key(const std::string& path) { return {ErrorCode::malformed, path + ": expected a private key in PEM"}; }

}  // namespace

void wipe(void* data, std::size_t size) { OPENSSL_cleanse(data, size); }

Result<void> write_secret_file(const std::string& path, std::string_view contents) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  if (file.get() < 0 && errno == EEXIST) {
    return Error{ErrorCode::conflict, path + ": the file exists, and a key is never overwritten"};
  }
  if (file.get() < 0) return failed(path, "creating");
  auto filled = fill(file.get(), contents, path);
  // Half a key is of no use, and would stand in the way of the next try.
  if (!filled) ::unlink(path.c_str());
  return filled;
}

Result<std::string> read_secret_file(const std::string& path) {
  // Not blocking: opening a pipe would wait for its writer.
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0 && errno == ENOENT) return Error{ErrorCode::not_found, path + ": no such file"};
  if (file.get() < 0) return failed(path, "opening");
  if (auto checked = check_secret(file.get(), path); !checked) return checked.error();
  // Of its full size from the start: a string that grows leaves copies of the secret behind.
  std::string contents(kMaxFile + 1, '\0');
  std::size_t size = 0;
  while (size < contents.size()) {
    const ssize_t got = ::read(file.get(), contents.data() + size, contents.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) break;
    if (got < 0) {
      const Error error = failed(path, "reading");
      OPENSSL_cleanse(contents.data(), contents.size());
      return error;
    }
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxFile) {
    OPENSSL_cleanse(contents.data(), contents.size());
    return Error{ErrorCode::malformed, path + ": longer than 64 KiB, which no key is"};
  }
  contents.resize(size);
  return contents;
}

Result<std::string> encode_ed25519_key(const Seed& seed, const Passphrase& passphrase) {
  const NoErrorsLeft guard;
  if (passphrase.size() > kMaxPassphrase) {
    return Error{ErrorCode::invalid, "expected a passphrase of at most 1000 bytes"};
  }
  const Owned<EVP_PKEY> key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
  if (!key) return Error{ErrorCode::invalid, "no Ed25519 key can be made (OpenSSL)"};
  std::string pem = passphrase.empty() ? pem_of(key.get()) : encrypted_pem_of(key.get(), passphrase);
  if (pem.empty()) return Error{ErrorCode::invalid, "the key cannot be encoded (OpenSSL)"};
  return pem;
}

Result<void> write_ed25519_key(const std::string& path, const Seed& seed, const Passphrase& passphrase) {
  auto pem = encode_ed25519_key(seed, passphrase);
  if (!pem) return Error{pem.error().code, path + ": " + pem.error().message};
  const Wipe wipe(*pem);
  return write_secret_file(path, *pem);
}

Result<bool> is_encrypted_key(const std::string& path) {
  const NoErrorsLeft guard;
  auto pem = read_secret_file(path);
  if (!pem) return pem.error();
  const Wipe wipe(*pem);
  return private_key_of(*pem).encrypted;
}

Result<Seed> read_ed25519_key(const std::string& path) {
  const NoErrorsLeft guard;
  auto pem = read_secret_file(path);
  if (!pem) return pem.error();
  const Wipe wipe(*pem);
  const PrivateKey read = private_key_of(*pem);
  if (read.encrypted) {
    return Error{ErrorCode::invalid, path + ": expected a private key without a passphrase, found an encrypted one"};
  }
  return read.key ? seed_of(read.key.get(), path) : no_key(path);
}

Result<std::optional<Seed>> open_ed25519_key(const std::string& path, const Passphrase& passphrase) {
  const NoErrorsLeft guard;
  auto pem = read_secret_file(path);
  if (!pem) return pem.error();
  const Wipe wipe(*pem);
  const PrivateKey read = private_key_of(*pem, passphrase);
  if (!read.key && !read.encrypted) return no_key(path);
  if (!read.key) return std::optional<Seed>();
  auto seed = seed_of(read.key.get(), path);
  if (!seed) return seed.error();
  const Wipe wipe_seed(*seed);
  return std::optional(*seed);
}

}  // namespace testamur::identity
