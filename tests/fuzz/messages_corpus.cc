#include "core_steps.h"
#include "corpus.h"
#include "messages_of_every_kind.h"
#include "testamur/consensus/configuration.h"
#include "wire.h"

namespace testamur::consensus {
namespace {

using fuzz::StepKind;
using test::Corpus;

void write_configurations(Corpus& corpus) {
  const Configuration four{{{NodeId{1}, NodeId{2}, NodeId{3}, NodeId{4}}, 3}, {}, {NodeId{5}}, {}, {NodeId{5}}, {}, {}};
  const std::vector<Change> changes{{Change::Kind::voter, NodeId{5}}, {Change::Kind::learner, NodeId{4}, false, 6}};
  const Configuration joint = enter_joint(four, true, changes, byzantine_quorum).configuration;
  for (const Configuration& each : {four, joint, leave_joint(joint).configuration}) {
    corpus.add("configuration", *encode(each));
  }
}

Bytes bytes_of(const Message& message) {
  peer::v1::Message sent;
  wire::encode(message, sent);
  const std::string bytes = sent.SerializeAsString();
  return {bytes.begin(), bytes.end()};
}

/// A story of fuzz_core's node. Of a liar's messages the terms are the node's own, and the indexes in its log.
class Story {
 public:
  Story& then(StepKind kind, unsigned argument = 0) {
    fuzz::add_step(bytes_, {kind, static_cast<std::uint8_t>(argument), {}});
    return *this;
  }
  Story& from(unsigned node, const Body& body, std::uint64_t term = 1) {
    const Bytes message = bytes_of({NodeId{node}, NodeId{1}, Term{term}, body});
    fuzz::add_step(bytes_, {StepKind::liar, static_cast<std::uint8_t>(node - 2), message});
    return *this;
  }
  Story& written() { return then(StepKind::disk, 1); }
  /// Two others hold the log up to here, and say so.
  Story& held(std::uint64_t index) {
    for (const unsigned node : {2u, 3u}) {
      from(node, AppendResponse{AppendOutcome::accepted, at(index)});
      from(node, Durable{at(index)});
    }
    return *this;
  }
  Story& elected() {
    then(StepKind::ticks, 15);
    for (const unsigned node : {2u, 3u}) from(node, PreVoteResponse{0, true});
    written();
    for (const unsigned node : {2u, 3u}) from(node, VoteResponse{true});
    return written();
  }
  /// Node 2 leads, and sends so many entries after this one.
  Story& followed(std::uint64_t after, std::size_t entries, std::uint64_t term = 1, std::uint8_t slip = 0) {
    AppendRequest request{at(after), {}};
    for (std::size_t i = 0; i < entries; ++i) request.entries.push_back(an_entry(i, Bytes{1, 2}));
    for (Entry& entry : request.entries) entry.id = {Term{1}, {}, {0xff, slip}};
    return from(2, request, term).written();
  }
  static EntryId at(std::uint64_t index) { return {Term{1}, Index{index}, {}}; }
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

constexpr unsigned kCertify = 1;
constexpr unsigned kCompact = 2;
constexpr unsigned kPropose = 3;
constexpr unsigned kRead = 4;
constexpr unsigned kChange = 5;
constexpr unsigned kTransfer = 6;

Entry a_change(std::uint8_t how, std::uint8_t node) {
  Entry entry = an_entry(1, Bytes{how, node});
  entry.kind = EntryKind::configuration;
  entry.id = {Term{1}, {}, {0xff}};
  return entry;
}

void write_stories(Corpus& corpus) {
  std::vector<Story> stories;
  Story follows;
  follows.followed(0, 3, 2).held(3).then(StepKind::owner).written().from(3, Derived{{Index{1}, 1, {}}});
  follows.from(2, Derived{{Index{1}, 1, {}}}).from(2, Heartbeat{1}).then(StepKind::owner, kCertify);
  follows.then(StepKind::owner, kCompact).followed(3, 3).held(5).from(2, Behind{Story::at(2)});
  stories.push_back(follows);
  stories.push_back(
      Story(follows).from(3, VoteRequest{Story::at(6), true}, 2).written().from(4, Lacking{Story::at(4)}));
  stories.push_back(Story(follows).then(StepKind::power, 1).followed(4, 2).from(3, Found{{}, {an_entry(1, Bytes{1})}}));
  stories.push_back(
      Story(follows).from(2, AppendRequest{Story::at(6), {a_change(0x81, 5), a_change(0, 0)}}).written().held(8));
  stories.push_back(Story(follows).then(StepKind::link, 1).from(2, CampaignNow{}).written());

  for (std::uint8_t slip = 1; slip <= 5; ++slip) {
    stories.push_back(Story().followed(0, 1, 3).followed(1, 2, 1, slip).held(3));
  }

  Story leads;
  leads.elected().held(1).then(StepKind::owner, kPropose).written().held(2).then(StepKind::owner, kRead);
  leads.from(2, HeartbeatResponse{1}).from(3, HeartbeatResponse{1}).from(4, ReadRequest{5});
  leads.from(4, AppendResponse{AppendOutcome::conflict, {}}).then(StepKind::ticks).then(StepKind::owner, kCertify);
  stories.push_back(leads);
  stories.push_back(Story(leads).then(StepKind::owner, kTransfer).held(2).from(2, VoteRequest{Story::at(2), true}, 2));
  for (const unsigned change : {1u, 2u, 4u, 12u}) {
    stories.push_back(Story(leads).then(StepKind::owner, kChange + 8 * change).written().held(3).written().held(4));
  }
  for (const Story& story : stories) corpus.add("core", story.bytes());
}

}  // namespace
}  // namespace testamur::consensus

void testamur::test::write_messages(Corpus& corpus) {
  using namespace consensus;
  write_configurations(corpus);
  peer::v1::Frame frame;
  for (const Message& message : messages_of_every_kind()) {
    wire::encode(message, *frame.mutable_message());
    corpus.add("frame", as_bytes(frame.SerializeAsString()));
    wire::encode(message, *frame.add_following()->mutable_message());
    Bytes step;
    const Bytes sent = bytes_of(message);
    fuzz::add_step(step, {StepKind::message, 0, sent});
    fuzz::add_step(step, {StepKind::liar, 1, sent});
    corpus.add("core", step);
  }
  corpus.add("frame", as_bytes(frame.SerializeAsString()));
  write_stories(corpus);
}
