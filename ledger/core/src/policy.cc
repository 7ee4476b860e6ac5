#include "testamur/ledger/policy.h"

#include <algorithm>

#include "testamur/ledger/alphabet.h"
#include "testamur/ledger/genesis.h"

namespace testamur {
namespace {

constexpr std::string_view kFirstLine = "testamur-policy/v1";
constexpr std::size_t kMaxVoters = 255;

/// Reads the policy line by line; every line is words with single spaces between them.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  /// The words of the next line, or nothing at the end. A line without its newline has none.
  std::vector<std::string_view> next() {
    const std::size_t end = rest_.find('\n');
    if (end == rest_.npos) return {};
    ++number_;
    std::vector<std::string_view> words;
    for (std::size_t start = 0; start <= end;) {
      const std::size_t stop = std::min(rest_.find(' ', start), end);
      words.push_back(rest_.substr(start, stop - start));
      start = stop + 1;
    }
    rest_.remove_prefix(end + 1);
    return words;
  }
  bool at_end() const { return rest_.empty(); }
  bool next_is(std::string_view word) const { return rest_.starts_with(word); }
  std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

Error expected(const Lines& lines, std::string_view what) {
  return {ErrorCode::malformed, "policy line " + std::to_string(lines.number()) + ": expected " + std::string(what)};
}

Result<Epoch> read_epoch(Lines& lines) {
  const auto words = lines.next();
  Epoch epoch;
  const bool shaped = words.size() == 6 && words[0] == "epoch" && words[2] == "from" && words[4] == "threshold";
  const auto revision = shaped ? from_decimal(words[1]) : std::nullopt;
  const auto size = shaped ? from_decimal(words[3]) : std::nullopt;
  const auto threshold = shaped ? from_decimal(words[5]) : std::nullopt;
  if (!revision || !size || !threshold || *revision > UINT32_MAX || *size == 0) {
    return expected(lines, "\"epoch REVISION from SIZE threshold COUNT\"");
  }
  epoch.revision = static_cast<std::uint32_t>(*revision);
  epoch.first_size = *size;
  while (lines.next_is("voter ")) {
    const auto voter = lines.next();
    if (voter.size() != 2) return expected(lines, "\"voter VERIFIER_KEY\"");
    auto key = decode_verifier_key(voter[1]);
    if (!key) return expected(lines, "a good verifier key; " + key.error().message);
    if (key->type != NoteKeyType::cosignature) return expected(lines, "a cosigner key, type 4");
    if (!is_network_name(key->name)) return expected(lines, "a node name, 1 to 255 of a-z 0-9 . : / -");
    for (const VerifierKey& other : epoch.quorum.voters) {
      // The names, the keys and the short ids by which a proof names its cosigners: each must tell voters apart.
      if (other.key == key->key || other.name == key->name || other.id() == key->id()) {
        return expected(lines, "each voter once");
      }
    }
    epoch.quorum.voters.push_back(std::move(*key));
    if (epoch.quorum.voters.size() > kMaxVoters) return expected(lines, "255 voters at most");
  }
  const auto count = static_cast<unsigned>(epoch.quorum.voters.size());
  if (count == 0 || *threshold < byzantine_quorum(count) || *threshold > count) {
    return expected(lines, "a threshold that is a Byzantine quorum of the epoch's voters");
  }
  epoch.quorum.threshold = static_cast<std::uint8_t>(*threshold);
  return epoch;
}

}  // namespace

Policy policy_of(const ConsortiumRecord& record, const Hash& ledger) {
  return {origin_line(record.origin, ledger), ledger, {Epoch{record.revision, 1, quorum_of(record)}}};
}

std::string encode(const Policy& policy) {
  std::string out = std::string(kFirstLine) + "\norigin " + policy.origin + "\n";
  for (const Epoch& epoch : policy.epochs) {
    out += "epoch " + std::to_string(epoch.revision) + " from " + std::to_string(epoch.first_size) + " threshold " +
           std::to_string(epoch.quorum.threshold) + "\n";
    for (const VerifierKey& key : epoch.quorum.voters) out += "voter " + encode(key) + "\n";
  }
  return out;
}

Result<Policy> decode_policy(std::string_view text) {
  Lines lines(text);
  if (text.size() > kMaxPolicyBytes) return expected(lines, "1 MiB at most");
  const auto first = lines.next();
  if (first.size() != 1 || first[0] != kFirstLine) return expected(lines, "\"" + std::string(kFirstLine) + "\"");
  const auto origin = lines.next();
  if (origin.size() != 2 || origin[0] != "origin") return expected(lines, "\"origin NAME/LEDGER_ID\"");
  Policy policy;
  policy.origin = origin[1];
  const std::size_t slash = policy.origin.rfind('/');
  const auto ledger = slash == policy.origin.npos ? std::nullopt : hash_from_hex(origin[1].substr(slash + 1));
  if (!ledger || !is_network_name(origin[1].substr(0, slash))) {
    return expected(lines, "an origin that ends in \"/\" and the ledger's id, 64 lower-case hex digits");
  }
  policy.ledger = *ledger;
  while (!lines.at_end()) {
    auto epoch = read_epoch(lines);
    if (!epoch) return epoch.error();
    if (!policy.epochs.empty() && (epoch->revision - policy.epochs.back().revision != 1 ||
                                   policy.epochs.back().first_size >= epoch->first_size)) {
      return expected(lines, "epochs without a gap between revisions, their sizes rising");
    }
    policy.epochs.push_back(std::move(*epoch));
  }
  if (policy.epochs.empty()) return expected(lines, "one epoch at least");
  return policy;
}

std::string tlog_policy(const ConsortiumRecord& record, const Hash& ledger) {
  const std::string origin = origin_line(record.origin, ledger);
  std::string out;
  std::string group;
  for (const Node* node : voters(record)) out += "log " + encode(note_key(*node, origin)) + "\n";
  for (const Node* node : voters(record)) {
    out += "witness " + node->name + " " + encode(cosigner_key(*node)) + "\n";
    group += " " + node->name;
  }
  // Node names are lower-case, so none of them is the group's.
  return out + "group VOTERS " + std::to_string(record.threshold) + group + "\nquorum VOTERS\n";
}

}  // namespace testamur
