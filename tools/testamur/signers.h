// The keys that sign a statement, checked before it goes out: a refusal by the ledger says less than can be said here.
#pragma once

#include "failure.h"
#include "testamur/ledger/record.h"

namespace testamur::tool {

/// Reads the keys. Errors name the file; invalid when two are the same.
Result<std::vector<SecretKey>> read_keys(const std::vector<std::string>& paths);

struct RegisterNow {
  RegisterRecord record;
  InstitutionRecord institution;
};
/// The register as the node shows it, which is believed as far as making a statement goes: a wrong one is refused by the ledger.
Called<RegisterNow> ask_register(NodeClient& node, const RegisterName& name);

/// Whether each of these keys may sign for this use at this time.
std::optional<Failure> check_each_signer(const InstitutionRecord& institution, std::span<const SecretKey> keys,
                                         const std::vector<std::string>& paths, KeyUse use, Time at);
/// Whether these keys may sign for this use at this time, and are as many as the register asks for.
std::optional<Failure> check_signers(const RegisterNow& now, std::span<const SecretKey> keys,
                                     const std::vector<std::string>& paths, KeyUse use, Time at);

}  // namespace testamur::tool
