#include "registrars.h"

namespace testamur::consensus::simulation {
namespace {

using test::value_of;

constexpr std::size_t kMostRemembered = 100'000;
constexpr std::uint64_t kWaysToIssue = 4;
constexpr std::uint64_t kWaysToAmend = 32;  // enough that one of them is mostly allowed
constexpr std::uint64_t kForged = 32;       // the way of a statement that nobody signed so

SignatureBytes seal(const PublicKey& key, ByteView message) {
  const Hash hash = sha256({key, message});
  SignatureBytes signature;
  std::copy(hash.begin(), hash.end(), signature.begin());
  std::copy(hash.begin(), hash.end(), signature.begin() + 32);
  return signature;
}

/// As if it were accepted.
void count_in(RegisterRecord& record, const testamur::Statement& statement) {
  if (const auto* issue = std::get_if<IssueBody>(&statement.body)) {
    record.issued = issue->first.value + issue->count;
  } else {
    const auto& amend = std::get<AmendBody>(statement.body);
    record.events = amend.next_event + amend.changes.size();
  }
}

}  // namespace

Registrars& Registrars::of(std::size_t voters) {
  static std::map<std::size_t, std::unique_ptr<Registrars>> known;
  auto& found = known[voters];
  if (!found) found.reset(new Registrars(voters));
  return *found;
}

Registrars::Registrars(std::size_t voters)
    : world_({.institutions = static_cast<unsigned>(voters), .registers = 2}),
      genesis_(world_.genesis_bytes()),
      quorum_(quorum_of(world_.consortium())) {
  for (unsigned i = 0; i < voters; ++i) keys_.push_back({test::World::key(i, "a"), test::World::key(i, "b")});
  auto disk = std::make_shared<test::MemoryStore>();
  value_of(store::Ledger::create(disk, genesis_));
  first_disk_ = disk->copy();
}

/// Few, so that statements meet.
Place Registrars::draw_register(Random& random) const {
  const std::uint64_t drawn = random.below(world_.consortium().nodes.size() == 1 ? 2 : 3);
  return {static_cast<unsigned>(drawn / 2), static_cast<unsigned>(drawn % 2)};
}

RegisterRecord Registrars::record_in(const store::Ledger& ledger, Place place) const {
  const std::size_t institutions = world_.consortium().nodes.size();
  const auto index = static_cast<std::uint32_t>(1 + institutions + 2 * place.institution + place.number);
  return std::get<RegisterRecord>(value_of(decode_record(value_of(ledger.record(index)))));
}

std::shared_ptr<const Statement> Registrars::draw(Random& random, const store::Ledger& ledger,
                                                  const Statements& earlier) {
  const bool goes_on = !earlier.empty() && random.below(2) == 0;
  const Place place = goes_on ? earlier.back()->place : draw_register(random);
  RegisterRecord record = record_in(ledger, place);
  for (const auto& before : earlier) {
    if (before->place == place) count_in(record, before->said);
  }
  const bool issues = record.issued == 0 || random.below(3) == 0;
  std::uint64_t number = issues ? record.issued : record.events;
  const std::uint64_t kind = random.below(32);
  if (kind == 0) ++number;                           // of one who knows better
  if (kind == 1) number = random.below(number + 1);  // of one who has not heard the news
  const std::uint64_t way = kind == 2 ? kForged : random.below(issues ? kWaysToIssue : kWaysToAmend);
  if (statements_.size() > kMostRemembered) statements_.clear();
  auto& found = statements_[{place.institution, place.number, issues ? 1u : 0u, number, way}];
  if (!found) {
    Statement made = issues ? issue(place, number, way) : amend(place, number, way);
    if (way == kForged) made.bytes.back() ^= 1;
    made.forged = way == kForged;
    found = std::make_shared<const Statement>(std::move(made));
  }
  return found;
}

/// As many sign as the register asks for.
Statement Registrars::signed_by(Place place, testamur::Statement said, std::vector<Hash> listed) const {
  const auto& keys = keys_[place.institution];
  Bytes bytes = encode(sign_statement(said, std::span(keys).first(place.number + 1)));
  return {place, std::move(said), std::move(bytes), std::move(listed), false};
}

/// Of few sizes, so that registers come to the same numbers again: within a status chunk, and over some.
Statement Registrars::issue(Place place, std::uint64_t first, std::uint64_t way) const {
  const std::string name = "r" + std::to_string(place.number);
  const std::string title = name + " " + std::to_string(first) + " " + std::to_string(way);
  constexpr std::array<std::uint32_t, kWaysToIssue> counts = {50, 50, 100, 300};
  const std::uint32_t count = counts[way % kWaysToIssue];
  const auto says = [&](const Hash& root, bool listed) {
    return world_.issue(place.institution, name, first, count, root, listed, test::kCreated);
  };
  if (way != 0) return signed_by(place, says(test::bytes_named(title), false), {});
  test::Class listed = test::make_class(title, count, true);
  return signed_by(place, says(listed.root, true), std::move(listed.commitments));
}

/// One or two changes, of single entries and of runs, which may be beyond what was issued or not allowed from their status.
Statement Registrars::amend(Place place, std::uint64_t next_event, std::uint64_t way) const {
  Random random(next_event << 8 | way);
  std::vector<Change> changes(1 + random.below(2));
  for (Change& change : changes) {
    change.first = EntryNumber{random.below(50 + 10 * next_event)};
    change.count = static_cast<std::uint32_t>(random.below(2) == 0 ? 1 : 1 + random.below(150));
    constexpr std::array kinds = {Status::suspended, Status::suspended, Status::suspended,
                                  Status::good,      Status::revoked,   Status::superseded};
    change.status = kinds[random.below(kinds.size())];
    change.reason = static_cast<std::uint8_t>(random.below(kLastReason + 1));
    change.effective_at = test::kCreated;
  }
  return signed_by(place,
                   world_.amend(place.institution, "r" + std::to_string(place.number), next_event, std::move(changes),
                                test::kCreated),
                   {});
}

SignatureCheck Registrars::statement_check() {
  return [this](const PublicKey& key, ByteView message, const SignatureBytes& signature) {
    if (checked_.size() > kMostRemembered) checked_.clear();
    std::string all(signature.begin(), signature.end());
    all.append(key.begin(), key.end()).append(message.begin(), message.end());
    const auto [found, is_new] = checked_.try_emplace(std::move(all), false);
    if (is_new) found->second = ed25519_verify(key, message, signature);
    return found->second;
  };
}

CertifiedCheckpoint Registrars::certify(const Checkpoint& checkpoint, Time block_time) const {
  CertifiedCheckpoint certified{checkpoint, 0, {}, {}};
  for (std::size_t i = 0; i < quorum_.threshold; ++i) {
    Cosignature cosignature{quorum_.voters[i].id(), block_time.value / 1000, {}};
    // What is signed, the check is told.
    const auto sign = [&](const PublicKey& key, ByteView message, const SignatureBytes&) {
      cosignature.signature = seal(key, message);
      return true;
    };
    verify_cosignature(encode(checkpoint), cosignature, quorum_.voters[i].key, sign);
    certified.cosignatures.push_back(cosignature);
  }
  return certified;
}

bool Registrars::check_cosignature(const PublicKey& key, ByteView message, const SignatureBytes& signature) {
  return signature == seal(key, message);
}

}  // namespace testamur::consensus::simulation
