// `testamur key protect`: puts a person's key under a passphrase, or under another.
#include <ostream>

#include <openssl/crypto.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "app.h"
#include "files.h"
#include "old_file.h"
#include "passphrase.h"

namespace testamur::tool {
namespace {

struct Options {
  std::string file;
  std::vector<std::string> passphrase_files;
  std::string new_file;
};

constexpr const char* kExample =
    R"(  testamur key protect registrar.pem

  Asks for a new passphrase, twice, and encrypts the key file with it; of a key that is encrypted already, asks for the present one
  first. The key itself stays the same, and so does everything that names it. There is no way back from a passphrase that is
  forgotten: the institution then needs another key. For people's keys; a node must be able to start with nobody there to ask.)";

/// The new file takes the old one's place once it is whole, and what the old one held is overwritten.
std::optional<Failure> replace(const std::string& path, const identity::Seed& seed,
                               const identity::Passphrase& passphrase) {
  auto pem = identity::encode_ed25519_key(seed, passphrase);
  if (!pem) return failure_of(Error{pem.error().code, path + ": " + pem.error().message});
  OldFile old(path);
  auto done = old.opened();
  if (done) done = write_file(path, as_bytes(*pem), Existing::replace, 0600);
  if (done) done = old.overwrite();
  return done ? std::nullopt : std::optional(failure_of(done.error()));
}

int run_protect(const Options& options, Context& context) {
  identity::Seed seed{};
  auto failure = open_key(options.file, options.passphrase_files, context, seed);
  identity::Passphrase passphrase;
  if (!failure) failure = new_passphrase(options.file, options.new_file, "--new-passphrase-file", context, passphrase);
  if (!failure) failure = replace(options.file, seed, passphrase);
  OPENSSL_cleanse(seed.data(), seed.size());
  if (failure) return fail(context, *failure);
  if (context.json) {
    context.print({{"exit", kGood}, {"file", options.file}, {"encrypted", true}});
  } else {
    context.out << "Protected: " << options.file << " takes its new passphrase from now on.\n"
                << "Backups and copies of the file are as they were, and so may be old blocks of the disk.\n";
  }
  return kGood;
}

}  // namespace

void add_key(CLI::App& app, Context& context) {
  CLI::App& group = *app.add_subcommand("key", "Protect a key file");
  group.require_subcommand(1);
  CLI::App& command = add_command(group, context, "protect", "Encrypt a key file, or change its passphrase", kExample);
  const auto options = std::make_shared<Options>();
  command.add_option("FILE", options->file, "The key file")->required();
  add_passphrase_option(command, options->passphrase_files);
  command.add_option("--new-passphrase-file", options->new_file,
                     "A file, mode 0600, whose first line is the new passphrase; without it you are asked");
  command.callback([options, &context] { context.exit = run_protect(*options, context); });
}

}  // namespace testamur::tool
