// Passphrases: from files, for scripts, or from a person at a terminal; and the keys they protect.
#pragma once

#include "failure.h"
#include "testamur/identity/key_file.h"

namespace CLI {
class App;
}

namespace testamur::tool {

/// Shorter ones are not taken for new keys.
inline constexpr std::size_t kMinPassphrase = 8;

/// The first line of a file that its owner alone may read. Errors: those of identity::read_secret_file, invalid.
Result<identity::Passphrase> read_passphrase_file(const std::string& path);

/// A passphrase for a key that is made or protected now: from the file, or where that is empty asked for twice. `option` is the one by
/// which a file is given.
std::optional<Failure> new_passphrase(const std::string& key_path, const std::string& file, const std::string& option,
                                      Context& context, identity::Passphrase& out);

/// Reads a key, encrypted or not. An encrypted one is tried with the passphrase of each file, or where there is none, a person is asked.
/// Failures: wrong_passphrase, passphrase_needed, and the errors of reading files. Whoever holds the seed wipes it.
std::optional<Failure> open_key(const std::string& path, const std::vector<std::string>& passphrase_files,
                                Context& context, identity::Seed& seed);

/// --passphrase-file, for keys that are read.
void add_passphrase_option(CLI::App& command, std::vector<std::string>& files);

}  // namespace testamur::tool
