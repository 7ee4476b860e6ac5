#include "passphrase.h"

#include <algorithm>

#include <openssl/crypto.h>
#include <CLI/CLI.hpp>

namespace testamur::tool {
namespace {

using identity::Passphrase;
using identity::Seed;

constexpr int kTries = 3;

Failure wrong(const std::string& path, const std::string& where) {
  return {kFailed, "wrong_passphrase", path + ": expected this key's passphrase" + where + ", found another"};
}

/// Whether the passphrase opens the key.
std::optional<Failure> try_open(const std::string& path, const Passphrase& passphrase, Seed& seed, bool& opened) {
  auto read = identity::open_ed25519_key(path, passphrase);
  if (!read) return failure_of(read.error());
  opened = read->has_value();
  if (!opened) return std::nullopt;
  seed = **read;
  OPENSSL_cleanse((*read)->data(), (*read)->size());
  return std::nullopt;
}

std::optional<Failure> open_by_files(const std::string& path, const std::vector<std::string>& files, Seed& seed) {
  bool opened = false;
  for (const std::string& file : files) {
    const auto passphrase = read_passphrase_file(file);
    if (!passphrase) return failure_of(passphrase.error());
    if (auto failure = try_open(path, *passphrase, seed, opened)) return failure;
    if (opened) return std::nullopt;
  }
  return wrong(path, " in " + (files.size() == 1 ? files.front() : "one of the files of --passphrase-file"));
}

std::optional<Failure> open_by_person(const std::string& path, Context& context, Seed& seed) {
  bool opened = false;
  for (int i = 0; i < kTries; ++i) {
    const auto passphrase = context.ask_secret("Passphrase of " + path + ": ");
    if (!passphrase || passphrase->empty()) {
      return Failure{kFailed, "passphrase_needed", path + ": expected the passphrase of this key, and none was given"};
    }
    if (auto failure = try_open(path, *passphrase, seed, opened)) return failure;
    if (opened) return std::nullopt;
    context.err << "It does not open " << path << ".\n";
  }
  return wrong(path, "");
}

}  // namespace

Result<Passphrase> read_passphrase_file(const std::string& path) {
  auto text = identity::read_secret_file(path);
  if (!text) return text.error();
  std::string_view line = *text;
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  Passphrase passphrase(line.begin(), line.end());
  OPENSSL_cleanse(text->data(), text->size());
  if (passphrase.empty() || passphrase.size() > identity::kMaxPassphrase) {
    return Error{ErrorCode::invalid, path + ": expected a passphrase of 1 to 1000 bytes as the first line, found " +
                                         std::to_string(passphrase.size())};
  }
  return passphrase;
}

std::optional<Failure> new_passphrase(const std::string& key_path, const std::string& file, const std::string& option,
                                      Context& context, Passphrase& out) {
  const auto too_short = [](const std::string& where) {
    return Failure{kFailed, "invalid",
                   where + ": expected a passphrase of at least " + std::to_string(kMinPassphrase) + " bytes"};
  };
  if (!file.empty()) {
    auto read = read_passphrase_file(file);
    if (!read) return failure_of(read.error());
    if (read->size() < kMinPassphrase) return too_short(file);
    out = std::move(*read);
    return std::nullopt;
  }
  if (!context.ask_secret) {
    return Failure{kFailed, "passphrase_needed",
                   "expected a terminal to ask for the passphrase of " + key_path + ", found none; give " + option};
  }
  auto once = context.ask_secret("New passphrase for " + key_path + ": ");
  if (!once) return Failure{kFailed, "passphrase_needed", "No passphrase was given for " + key_path};
  if (once->size() < kMinPassphrase) return too_short(key_path);
  const auto again = context.ask_secret("The same once more: ");
  if (!again || *again != *once) {
    return Failure{kFailed, "wrong_passphrase", key_path + ": expected the same passphrase twice, found two"};
  }
  out = std::move(*once);
  return std::nullopt;
}

std::optional<Failure> open_key(const std::string& path, const std::vector<std::string>& passphrase_files,
                                Context& context, Seed& seed) {
  const auto encrypted = identity::is_encrypted_key(path);
  if (!encrypted) return failure_of(encrypted.error());
  if (!*encrypted) {
    auto read = identity::read_ed25519_key(path);
    if (!read) return failure_of(read.error());
    seed = *read;
    OPENSSL_cleanse(read->data(), read->size());
    return std::nullopt;
  }
  if (!passphrase_files.empty()) return open_by_files(path, passphrase_files, seed);
  if (context.ask_secret) return open_by_person(path, context, seed);
  return Failure{kFailed, "passphrase_needed",
                 path +
                     ": this key is encrypted, and nobody is here to ask for its passphrase; give "
                     "--passphrase-file"};
}

void add_passphrase_option(CLI::App& command, std::vector<std::string>& files) {
  command
      .add_option("--passphrase-file", files,
                  "A file, mode 0600, whose first line is the passphrase of encrypted keys; repeat it where they "
                  "differ. Without it you are asked")
      ->allow_extra_args(false);
}

}  // namespace testamur::tool
