#include "wire.h"

#include <algorithm>
#include <string>

#include "testamur/consensus/fields.h"

namespace testamur::consensus::wire {
namespace {

namespace v1 = peer::v1;

std::string bytes_of(const Digest& digest) { return {digest.begin(), digest.end()}; }

void put(const EntryId& id, v1::EntryId* out) {
  out->set_term(id.term.value);
  out->set_index(id.index.value);
  out->set_hash(bytes_of(id.hash));
}

void put(const Entry& entry, v1::Entry* out) {
  put(entry.id, out->mutable_id());
  out->set_previous(bytes_of(entry.previous));
  if (entry.payload) out->set_payload(entry.payload->data(), entry.payload->size());
  out->set_kind(static_cast<std::uint32_t>(entry.kind));
}

struct Encode {
  v1::Message& out;

  void operator()(const PreVoteRequest& body) const {
    auto* to = out.mutable_pre_vote_request();
    to->set_campaign(body.campaign);
    put(body.last, to->mutable_last());
  }
  void operator()(const PreVoteResponse& body) const {
    auto* to = out.mutable_pre_vote_response();
    to->set_campaign(body.campaign);
    to->set_granted(body.granted);
  }
  void operator()(const VoteRequest& body) const {
    auto* to = out.mutable_vote_request();
    put(body.last, to->mutable_last());
    to->set_transferred(body.transferred);
  }
  void operator()(const VoteResponse& body) const { out.mutable_vote_response()->set_granted(body.granted); }
  void operator()(const AppendRequest& body) const {
    auto* to = out.mutable_append_request();
    put(body.previous, to->mutable_previous());
    for (const Entry& entry : body.entries) put(entry, to->add_entries());
  }
  void operator()(const AppendResponse& body) const {
    auto* to = out.mutable_append_response();
    to->set_outcome(static_cast<std::uint32_t>(body.outcome));
    put(body.at, to->mutable_at());
  }
  void operator()(const Heartbeat& body) const { out.mutable_heartbeat()->set_round(body.round); }
  void operator()(const HeartbeatResponse& body) const { out.mutable_heartbeat_response()->set_round(body.round); }
  void operator()(const Durable& body) const { put(body.last, out.mutable_durable()->mutable_last()); }
  void operator()(const Derived& body) const {
    auto* to = out.mutable_derived();
    to->set_index(body.claim.index.value);
    to->set_height(body.claim.height);
    to->set_head(bytes_of(body.claim.head));
  }
  void operator()(const CampaignNow&) const { out.mutable_campaign_now(); }
  void operator()(const ReadRequest& body) const { out.mutable_read_request()->set_id(body.id); }
  void operator()(const ReadResponse& body) const {
    auto* to = out.mutable_read_response();
    to->set_id(body.id);
    if (body.index) to->set_index(body.index->value);
  }
  void operator()(const Behind& body) const { put(body.base, out.mutable_behind()->mutable_base()); }
  void operator()(const Lacking& body) const { put(body.after, out.mutable_lacking()->mutable_after()); }
  void operator()(const Found& body) const {
    auto* to = out.mutable_found();
    put(body.after, to->mutable_after());
    for (const Entry& entry : body.entries) put(entry, to->add_entries());
  }
};

/// Reads fields, and keeps the first that is wrong; what it returns counts only when none is.
class Reader {
 public:
  std::uint64_t number(std::uint64_t value, std::string_view field) {
    if (value > kMaxNumber) fail(field, "is " + std::to_string(value) + ", expected less than 2^63");
    return value;
  }

  Digest digest(const std::string& bytes, std::string_view field) {
    Digest digest{};
    if (bytes.size() == digest.size()) {
      std::copy(bytes.begin(), bytes.end(), digest.begin());
    } else {
      fail(field, "is of " + std::to_string(bytes.size()) + " bytes, expected 32");
    }
    return digest;
  }

  EntryId id(bool present, const v1::EntryId& id, std::string_view field) {
    if (!present) fail(field, "is missing");
    if (error_) return {};
    return {Term{number(id.term(), field)}, Index{number(id.index(), field)}, digest(id.hash(), field)};
  }

  Entry entry(const v1::Entry& entry) {
    Entry read;
    read.id = id(entry.has_id(), entry.id(), "an entry's id");
    read.previous = digest(entry.previous(), "an entry's previous hash");
    if (entry.has_payload() && !error_) {
      read.payload = std::make_shared<const std::vector<std::uint8_t>>(entry.payload().begin(), entry.payload().end());
    }
    if (entry.kind() > static_cast<std::uint32_t>(EntryKind::configuration))
      fail("an entry's kind", "is " + std::to_string(entry.kind()) + ", expected 0 or 1");
    read.kind = entry.kind() == 0 ? EntryKind::data : EntryKind::configuration;
    return read;
  }

  AppendOutcome outcome(std::uint32_t value) {
    if (value > static_cast<std::uint32_t>(AppendOutcome::full)) {
      fail("the outcome", "is " + std::to_string(value) + ", expected 0 to 4");
      return {};
    }
    return static_cast<AppendOutcome>(value);
  }

  void fail(std::string_view field, const std::string& what) {
    if (!error_) error_ = Error{ErrorCode::malformed, std::string(field) + " " + what};
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  std::optional<Error> error_;
};

template <class Entries>
std::vector<Entry> read_entries(const Entries& from, Reader& reader) {
  std::vector<Entry> entries;
  for (const v1::Entry& entry : from) {
    entries.push_back(reader.entry(entry));
    if (reader.error()) break;
  }
  return entries;
}

Body read_body(const v1::Message& message, Reader& reader) {
  switch (message.body_case()) {
    case v1::Message::kPreVoteRequest: {
      const auto& from = message.pre_vote_request();
      return PreVoteRequest{from.campaign(), reader.id(from.has_last(), from.last(), "the last entry")};
    }
    case v1::Message::kPreVoteResponse:
      return PreVoteResponse{message.pre_vote_response().campaign(), message.pre_vote_response().granted()};
    case v1::Message::kVoteRequest: {
      const auto& from = message.vote_request();
      return VoteRequest{reader.id(from.has_last(), from.last(), "the last entry"), from.transferred()};
    }
    case v1::Message::kVoteResponse: return VoteResponse{message.vote_response().granted()};
    case v1::Message::kAppendRequest: {
      const auto& from = message.append_request();
      const EntryId previous = reader.id(from.has_previous(), from.previous(), "the previous entry");
      return AppendRequest{previous, read_entries(from.entries(), reader)};
    }
    case v1::Message::kAppendResponse: {
      const auto& from = message.append_response();
      return AppendResponse{reader.outcome(from.outcome()),
                            reader.id(from.has_at(), from.at(), "the entry answered for")};
    }
    case v1::Message::kHeartbeat: return Heartbeat{message.heartbeat().round()};
    case v1::Message::kHeartbeatResponse: return HeartbeatResponse{message.heartbeat_response().round()};
    case v1::Message::kDurable: {
      const auto& from = message.durable();
      return Durable{reader.id(from.has_last(), from.last(), "the last entry")};
    }
    case v1::Message::kDerived: {
      const auto& from = message.derived();
      return Derived{Claim{Index{reader.number(from.index(), "the index")}, reader.number(from.height(), "the height"),
                           reader.digest(from.head(), "the head")}};
    }
    case v1::Message::kCampaignNow: return CampaignNow{};
    case v1::Message::kReadRequest: return ReadRequest{message.read_request().id()};
    case v1::Message::kReadResponse: {
      const auto& from = message.read_response();
      ReadResponse response{from.id(), std::nullopt};
      if (from.has_index()) response.index = Index{reader.number(from.index(), "the index")};
      return response;
    }
    case v1::Message::kBehind:
      return Behind{reader.id(message.behind().has_base(), message.behind().base(), "the base of the log")};
    case v1::Message::kLacking:
      return Lacking{reader.id(message.lacking().has_after(), message.lacking().after(), "the entry before")};
    case v1::Message::kFound: {
      const auto& from = message.found();
      const EntryId after = reader.id(from.has_after(), from.after(), "the entry before");
      return Found{after, read_entries(from.entries(), reader)};
    }
    case v1::Message::BODY_NOT_SET: break;
  }
  reader.fail("the body", "is missing, or of a kind not known here");
  return Heartbeat{};
}

/// An entry is eight fields at most, those within its id counted; a few are around the entries.
constexpr std::size_t kMaxFields = 9 * kMaxEntries;

}  // namespace

bool within_bounds(google::protobuf::io::ZeroCopyInputStream& bytes) {
  return has_at_most(kMaxFields, bytes, *v1::Frame::descriptor());
}

bool within_bounds(const Message& message) {
  const auto* entries = entries_of(message.body);
  return entries == nullptr || entries->size() <= kMaxEntries;
}

void encode(const Message& message, peer::v1::Message& out) {
  out.Clear();
  out.set_term(message.term.value);
  std::visit(Encode{out}, message.body);
}

Result<Message> decode(const peer::v1::Message& message, NodeId from, NodeId to) {
  Reader reader;
  const Term term{reader.number(message.term(), "the term")};
  Body body = read_body(message, reader);
  if (reader.error()) return *reader.error();
  return Message{from, to, term, std::move(body)};
}

std::size_t max_frame_bytes(const Message& message) {
  // Three numbers of at most 11 bytes, a hash, and the tags and lengths around them, each at most 6.
  constexpr std::size_t kBody = 128;
  constexpr std::size_t kEntry = 160;  // the same, and one hash more
  std::size_t bytes = kBody;
  if (const auto* entries = entries_of(message.body)) {
    for (const Entry& entry : *entries) bytes += kEntry + size_of(entry.payload);
  }
  return bytes;
}

}  // namespace testamur::consensus::wire
