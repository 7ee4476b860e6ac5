#include "testamur/ledger/checkpoint.h"

#include <algorithm>

#include "testamur/ledger/alphabet.h"

namespace testamur {
namespace {

constexpr std::uint8_t kMaxCosignatures = 255;

std::string cosigned_message(std::string_view body, std::uint64_t seconds) {
  return "cosignature/v1\ntime " + std::to_string(seconds) + "\n" + std::string(body);
}

/// Takes one line off the front of `text`, without its newline; nothing when there is none.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

std::string encode(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" + to_base64(checkpoint.root) + "\n";
}

Result<Checkpoint> decode_checkpoint(std::string_view body) {
  const auto malformed = [](std::string_view expected) {
    return Error{ErrorCode::malformed, "checkpoint: expected " + std::string(expected)};
  };
  const auto origin = take_line(body);
  const auto size = take_line(body);
  const auto root = take_line(body);
  if (!root || !body.empty()) return malformed("three lines, each with its newline, and no more");
  Checkpoint checkpoint;
  checkpoint.origin = *origin;
  // 255 bytes of origin, a slash, and the 64 digits of the ledger's id.
  if (origin->empty() || origin->size() > 320) return malformed("an origin line of 1 to 320 bytes");
  const auto number = from_decimal(*size);
  if (!number) return malformed("a decimal size without leading zeros in line 2");
  checkpoint.size = *number;
  const auto bytes = from_base64(*root);
  if (!bytes || bytes->size() != checkpoint.root.size()) return malformed("base64 of a 32-byte root in line 3");
  std::copy(bytes->begin(), bytes->end(), checkpoint.root.begin());
  return checkpoint;
}

Cosignature cosign(const Checkpoint& checkpoint, std::uint64_t seconds, std::string_view node_name,
                   const SecretKey& key) {
  const std::string message = cosigned_message(encode(checkpoint), seconds);
  return {note_key_id(node_name, NoteKeyType::cosignature, key.public_key()), seconds, key.sign(as_bytes(message))};
}

bool verify_cosignature(std::string_view body, const Cosignature& cosignature, const PublicKey& key,
                        const SignatureCheck& check_signature) {
  // C2SP: a timestamp does not exceed 2^63 - 1.
  if (cosignature.seconds >> 63 != 0) return false;
  return check_signature(key, as_bytes(cosigned_message(body, cosignature.seconds)), cosignature.signature);
}

void write(Writer& writer, const std::vector<Cosignature>& cosignatures) {
  writer.u8(static_cast<std::uint8_t>(cosignatures.size()));
  for (const Cosignature& c : cosignatures) writer.raw(c.key_id).u64(c.seconds).raw(c.signature);
}

std::vector<Cosignature> read_cosignatures(Reader& reader, std::string_view field) {
  std::vector<Cosignature> out(reader.u8_in(field, 0, kMaxCosignatures));
  for (Cosignature& cosignature : out) {
    cosignature.key_id = reader.fixed<4>(field);
    cosignature.seconds = reader.u64(field);
    cosignature.signature = reader.fixed<64>(field);
  }
  return out;
}

SignatureLine to_line(const Cosignature& cosignature, std::string_view node_name) {
  Writer writer;
  writer.u64(cosignature.seconds).raw(cosignature.signature);
  return {std::string(node_name), cosignature.key_id, std::move(writer).bytes()};
}

Result<Cosignature> cosignature_from(const SignatureLine& line) {
  Cosignature cosignature;
  Reader reader(line.signature, "cosignature");
  cosignature.key_id = line.id;
  cosignature.seconds = reader.u64("timestamp");
  cosignature.signature = reader.fixed<64>("signature");
  if (auto error = reader.finish()) return *error;
  return cosignature;
}

VerifierKey cosigner_key(const Node& node) { return {node.name, NoteKeyType::cosignature, node.cosigner_key}; }

VerifierKey note_key(const Node& node, std::string_view origin_line) {
  return {std::string(origin_line), NoteKeyType::ed25519, node.note_key};
}

Quorum quorum_of(const ConsortiumRecord& record) {
  Quorum quorum;
  quorum.threshold = record.threshold;
  for (const Node* node : voters(record)) quorum.voters.push_back(cosigner_key(*node));
  return quorum;
}

std::optional<std::size_t> find_voter(const Quorum& quorum, const NoteKeyId& id) {
  const auto found =
      std::find_if(quorum.voters.begin(), quorum.voters.end(), [&](const VerifierKey& key) { return key.id() == id; });
  if (found == quorum.voters.end()) return std::nullopt;
  return static_cast<std::size_t>(found - quorum.voters.begin());
}

std::optional<std::vector<Cosignature>> certify(const Checkpoint& checkpoint, const Quorum& quorum,
                                                std::span<const Cosignature> cosignatures,
                                                std::uint64_t not_before_seconds,
                                                const SignatureCheck& check_signature) {
  const std::string body = encode(checkpoint);
  std::vector<std::optional<Cosignature>> newest(quorum.voters.size());
  for (const Cosignature& cosignature : cosignatures) {
    const auto voter = find_voter(quorum, cosignature.key_id);
    if (!voter || cosignature.seconds < not_before_seconds) continue;
    if (newest[*voter] && newest[*voter]->seconds >= cosignature.seconds) continue;
    if (verify_cosignature(body, cosignature, quorum.voters[*voter].key, check_signature)) newest[*voter] = cosignature;
  }
  std::vector<std::uint64_t> times;
  for (const auto& cosignature : newest) {
    if (cosignature) times.push_back(cosignature->seconds);
  }
  if (quorum.threshold == 0 || times.size() < quorum.threshold) return std::nullopt;
  std::sort(times.rbegin(), times.rend());
  const std::uint64_t oldest_needed = times[quorum.threshold - 1u];

  // Everything newer than the threshold-th newest is needed; of those as old as it, the first voters fill up the count.
  const auto newer = static_cast<std::size_t>(
      std::count_if(times.begin(), times.end(), [&](std::uint64_t t) { return t > oldest_needed; }));
  std::size_t places_left = quorum.threshold - newer;
  std::vector<Cosignature> chosen;
  for (const auto& cosignature : newest) {
    if (!cosignature || cosignature->seconds < oldest_needed) continue;
    if (cosignature->seconds == oldest_needed) {
      if (places_left == 0) continue;
      --places_left;
    }
    chosen.push_back(*cosignature);
  }
  return chosen;
}

std::uint64_t head_seconds(const CertifiedCheckpoint& head) {
  std::uint64_t oldest = UINT64_MAX;
  for (const Cosignature& cosignature : head.cosignatures) oldest = std::min(oldest, cosignature.seconds);
  return oldest;
}

Result<void> may_cosign(const CosignMemory& memory, const Checkpoint& checkpoint, std::uint64_t seconds,
                        Time block_time) {
  const auto refuse = [](std::string what) {
    return Error{ErrorCode::conflict, "cosign: expected " + std::move(what)};
  };
  if (checkpoint.size < memory.size) {
    return refuse("a head of " + std::to_string(memory.size) + " leaves or more, found " +
                  std::to_string(checkpoint.size));
  }
  if (checkpoint.size == memory.size && memory.size != 0 && checkpoint.root != memory.root) {
    return refuse("the root " + to_hex(memory.root) + " already signed at size " + std::to_string(memory.size));
  }
  if (seconds < memory.seconds) return refuse("a time of " + std::to_string(memory.seconds) + " or later");
  if (seconds < block_time.value / 1000) return refuse("a time no earlier than the block's");
  return {};
}

}  // namespace testamur
