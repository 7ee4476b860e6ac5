// The keys that sign a statement, checked before it goes out: a refusal by the ledger says less than can be said here.
#pragma once

#include "failure.h"
#include "testamur/ledger/record.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace testamur::tool {

/// As a command line names them.
struct KeyFiles {
  std::vector<std::string> paths;
  std::vector<std::string> passphrase_files;
};
/// --key and --passphrase-file.
CLI::Option* add_key_options(CLI::App& command, KeyFiles& files);

/// The keys that a command signs with: read when they are first needed, so that a run that needs none asks for no passphrase; and once.
class Signers {
 public:
  Signers(KeyFiles files, Context& context) : files_(std::move(files)), context_(context) {}

  /// No key was named.
  bool empty() const { return files_.paths.empty(); }
  /// Failures name the file; invalid when two are the same.
  std::optional<Failure> read();
  /// Once they are read.
  std::span<const SecretKey> keys() const { return keys_; }
  const std::string& path(std::size_t i) const { return files_.paths[i]; }

 private:
  KeyFiles files_;
  Context& context_;
  bool read_ = false;
  std::vector<SecretKey> keys_;
};

struct RegisterNow {
  RegisterRecord record;
  InstitutionRecord institution;
};
/// The register as the node shows it, which is believed as far as making a statement goes: a wrong one is refused by the ledger.
Called<RegisterNow> ask_register(NodeClient& node, const RegisterName& name);

/// Whether each of these keys may sign for this use at this time.
std::optional<Failure> check_each_signer(const InstitutionRecord& institution, const Signers& signers, KeyUse use,
                                         Time at);
/// Whether these keys may sign for this use at this time, and are as many as the register asks for.
std::optional<Failure> check_signers(const RegisterNow& now, const Signers& signers, KeyUse use, Time at);

}  // namespace testamur::tool
