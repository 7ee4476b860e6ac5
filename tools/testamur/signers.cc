#include "signers.h"

#include "site.h"

namespace testamur::tool {

Result<std::vector<SecretKey>> read_keys(const std::vector<std::string>& paths) {
  std::vector<SecretKey> keys;
  if (paths.size() > kMaxSignatures) return Error{ErrorCode::invalid, "--key: expected 16 at most"};
  for (const std::string& path : paths) {
    const auto key = read_key(path);
    if (!key) return key.error();
    for (const SecretKey& other : keys) {
      if (other.public_key() == key->public_key()) {
        return Error{ErrorCode::invalid, path + ": expected another key, found one that is given already"};
      }
    }
    keys.push_back(*key);
  }
  return keys;
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

std::optional<Failure> check_each_signer(const InstitutionRecord& institution, std::span<const SecretKey> keys,
                                         const std::vector<std::string>& paths, KeyUse use, Time at) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Key* key = find_key(institution, key_id(keys[i].public_key()));
    if (key == nullptr) {
      return Failure{kFailed, "bad_signature",
                     paths[i] + ": expected a key of " + institution.id + ", found one that its record does not name"};
    }
    if (!key->valid_for(use, at)) {
      return Failure{kFailed, "not_enough_signatures",
                     paths[i] + ": expected a key that may " + format_uses(use) + " now, found one that may " +
                         format_uses(key->uses) + (key->invalid_from.value == 0 ? "" : " and is no longer valid")};
    }
  }
  return std::nullopt;
}

std::optional<Failure> check_signers(const RegisterNow& now, std::span<const SecretKey> keys,
                                     const std::vector<std::string>& paths, KeyUse use, Time at) {
  if (auto failure = check_each_signer(now.institution, keys, paths, use, at)) return failure;
  if (keys.size() >= now.record.approvals) return std::nullopt;
  return Failure{kFailed, "not_enough_signatures",
                 now.record.institution + "/" + now.record.name + " asks for " + std::to_string(now.record.approvals) +
                     " signatures a statement, found " + std::to_string(keys.size()) +
                     (keys.size() == 1 ? " key" : " keys") + "; give more with --key"};
}

}  // namespace testamur::tool
