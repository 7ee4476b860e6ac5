#include "signers.h"

#include <algorithm>

#include <openssl/crypto.h>
#include <CLI/CLI.hpp>

#include "passphrase.h"

namespace testamur::tool {

CLI::Option* add_key_options(CLI::App& command, KeyFiles& files) {
  auto* key = command.add_option("--key", files.paths, "A key file that signs; repeat it for more signatures")
                  ->allow_extra_args(false);
  add_passphrase_option(command, files.passphrase_files);
  return key;
}

std::optional<Failure> Signers::read() {
  if (read_) return std::nullopt;
  if (files_.paths.size() > kMaxSignatures) return Failure{kFailed, "invalid", "--key: expected 16 at most"};
  std::vector<SecretKey> keys;
  for (const std::string& path : files_.paths) {
    identity::Seed seed{};
    if (auto failure = open_key(path, files_.passphrase_files, context_, seed)) return failure;
    keys.push_back(SecretKey::from_seed(seed));
    OPENSSL_cleanse(seed.data(), seed.size());
    const auto same = [&](const SecretKey& other) { return other.public_key() == keys.back().public_key(); };
    if (std::any_of(keys.begin(), keys.end() - 1, same)) {
      return Failure{kFailed, "invalid", path + ": expected another key, found one that is given already"};
    }
  }
  keys_ = std::move(keys);
  read_ = true;
  return std::nullopt;
}

Called<RegisterNow> ask_register(NodeClient& node, const RegisterName& name) {
  const auto answer = node.get_register(name);
  if (!answer) return {{}, answer.failure};
  const auto record = decode_record(as_bytes(answer->record()));
  const auto institution = decode_record(as_bytes(answer->institution_record()));
  const auto* reg = record ? std::get_if<RegisterRecord>(&*record) : nullptr;
  const auto* inst = institution ? std::get_if<InstitutionRecord>(&*institution) : nullptr;
  if (reg == nullptr || inst == nullptr || reg->institution != name.institution || reg->name != name.name ||
      inst->id != name.institution) {
    return {{}, {"malformed", "node " + node.address() + ": expected the record of " + format(name), false}};
  }
  return {RegisterNow{*reg, *inst}, {}};
}

std::optional<Failure> check_each_signer(const InstitutionRecord& institution, const Signers& signers, KeyUse use,
                                         Time at) {
  const auto keys = signers.keys();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Key* key = find_key(institution, key_id(keys[i].public_key()));
    if (key == nullptr) {
      return Failure{
          kFailed, "bad_signature",
          signers.path(i) + ": expected a key of " + institution.id + ", found one that its record does not name"};
    }
    if (!key->valid_for(use, at)) {
      return Failure{kFailed, "not_enough_signatures",
                     signers.path(i) + ": expected a key that may " + format_uses(use) + " now, found one that may " +
                         format_uses(key->uses) + (key->invalid_from.value == 0 ? "" : " and is no longer valid")};
    }
  }
  return std::nullopt;
}

std::optional<Failure> check_signers(const RegisterNow& now, const Signers& signers, KeyUse use, Time at) {
  const auto keys = signers.keys();
  if (auto failure = check_each_signer(now.institution, signers, use, at)) return failure;
  if (keys.size() >= now.record.approvals) return std::nullopt;
  return Failure{kFailed, "not_enough_signatures",
                 now.record.institution + "/" + now.record.name + " asks for " + std::to_string(now.record.approvals) +
                     " signatures a statement, found " + std::to_string(keys.size()) +
                     (keys.size() == 1 ? " key" : " keys") + "; give more with --key"};
}

}  // namespace testamur::tool
