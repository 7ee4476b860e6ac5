// Goal: what one node sends another arrives as it was, in its order, what is small before what is large, and known to be from it; what
// breaks is mended; and nobody who sends ever waits.
// Method: real transports over real TLS on loopback addresses. Run under the thread sanitizer as well.
#include "messages_of_every_kind.h"
#include "relay.h"
#include "transport_nodes.h"
#include "wire.h"

namespace testamur::consensus {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// gRPC cleans up after its last object on a thread of its own. It is waited for: what it has yet to free at the end of the program
/// would pass for a leak.
class GrpcHasCleanedUp : public testing::Environment {
 public:
  void SetUp() override { grpc_init(); }
  void TearDown() override { grpc_shutdown_blocking(); }
};
[[maybe_unused]] const auto* const kGrpcHasCleanedUp = testing::AddGlobalTestEnvironment(new GrpcHasCleanedUp);

std::string bytes_of(const Message& message) {
  peer::v1::Frame frame;
  wire::encode(message, *frame.mutable_message());
  return frame.SerializeAsString();
}

bool is_append(const Message& message) { return std::holds_alternative<AppendRequest>(message.body); }

/// What keeps its order: requests of entries, and all else.
std::vector<std::string> in_order(const std::vector<Message>& messages, bool appends) {
  std::vector<std::string> out;
  for (const Message& message : messages) {
    if (is_append(message) == appends) out.push_back(bytes_of(message));
  }
  return out;
}

Bytes letter_of(std::size_t number) { return Bytes{static_cast<std::uint8_t>(number), 0, 255}; }

class TransportTest : public testing::Test {
 protected:
  void start_both() {
    a_.start_with({b_.as_peer()});
    b_.start_with({a_.as_peer()});
    ASSERT_TRUE(until_connected(a_, b_.id));
    ASSERT_TRUE(until_connected(b_, a_.id));
  }

  Node a_{NodeId{1}, "a.example"};
  Node b_{NodeId{2}, "b.example"};
};

TEST_F(TransportTest, EveryKindOfMessageArrivesIntactAndInOrder) {
  start_both();
  EXPECT_TRUE(a_.transport->is_connected(b_.id));
  const std::vector<Message> kinds = messages_of_every_kind(a_.id, b_.id);
  constexpr std::size_t kRounds = 50;
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (const Message& message : kinds) {
      Message forged = message;
      forged.from = NodeId{99};  // who it is from is known by the key alone
      a_.transport->send(std::move(forged));
    }
    a_.transport->send_letter(b_.id, letter_of(round));
  }
  ASSERT_TRUE(b_.told->until(
      [&] { return b_.told->messages.size() == kRounds * kinds.size() && b_.told->letters.size() == kRounds; }));
  for (const Message& arrived : b_.told->messages) {
    EXPECT_EQ(arrived.from, a_.id);
    EXPECT_EQ(arrived.to, b_.id);
  }
  for (const bool appends : {false, true}) {
    const std::vector<std::string> sent = in_order(kinds, appends);
    const std::vector<std::string> arrived = in_order(b_.told->messages, appends);
    ASSERT_EQ(arrived.size(), kRounds * sent.size());
    for (std::size_t i = 0; i < arrived.size(); ++i) ASSERT_EQ(arrived[i], sent[i % sent.size()]) << i;
  }
  for (std::size_t i = 0; i < kRounds; ++i) {
    EXPECT_EQ(b_.told->letters[i].first, a_.id);
    ASSERT_EQ(b_.told->letters[i].second, letter_of(i));
  }
  EXPECT_EQ(a_.transport->dropped(b_.id), 0u);
  EXPECT_THAT(a_.told->refused, IsEmpty());
  EXPECT_THAT(b_.told->refused, IsEmpty());
}

TEST_F(TransportTest, WhatIsSaidAtOneMomentArrivesInOrder) {
  start_both();
  std::vector<Message> all;
  constexpr std::size_t kRounds = 50;
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (Message& message : messages_of_every_kind(a_.id, b_.id)) all.push_back(std::move(message));
    // Too large to go with others.
    const auto payload = std::make_shared<const Bytes>(8 << 10, static_cast<std::uint8_t>(round));
    all.push_back({a_.id, b_.id, Term{1}, AppendRequest{{}, {Entry{{}, {}, payload, EntryKind::data}}}});
  }
  std::vector<Message> sent = all;
  sent.push_back({a_.id, NodeId{9}, Term{1}, Heartbeat{1}});  // to nobody
  a_.transport->send_all(std::move(sent));
  a_.transport->send_letter(b_.id, letter_of(1));
  ASSERT_TRUE(b_.told->until([&] { return b_.told->letters.size() == 1; }));
  ASSERT_EQ(b_.told->messages.size(), all.size());
  for (const bool appends : {false, true}) EXPECT_TRUE(in_order(b_.told->messages, appends) == in_order(all, appends));
}

TEST_F(TransportTest, AHeartbeatDoesNotWaitForMegabytesOfEntries) {
  b_.start_with({a_.as_peer()});
  Relay relay(b_.address);
  PeerAddress through = b_.as_peer();
  through.address = relay.address();
  a_.start_with({through});
  ASSERT_TRUE(until_connected(a_, b_.id));
  relay.silence(true);  // a slow link
  constexpr std::size_t kAppends = 8;
  for (std::size_t i = 0; i < kAppends; ++i) {
    a_.transport->send({a_.id, b_.id, Term{1}, AppendRequest{an_id(i), {an_entry(i + 1, Bytes(4u << 20))}}});
  }
  a_.transport->send({a_.id, b_.id, Term{1}, Heartbeat{7}});
  relay.silence(false);
  ASSERT_TRUE(b_.told->until([&] { return b_.told->messages.size() == kAppends + 1; }));
  const auto& messages = b_.told->messages;
  const auto heartbeat = std::find_if_not(messages.begin(), messages.end(), is_append);
  EXPECT_LE(heartbeat - messages.begin(), 2) << "what is being written cannot be overtaken; what waits is";
}

TEST_F(TransportTest, WhereEntriesHaveNoRoomAHeartbeatHas) {
  RawCallee silent(b_, a_, hello_of(b_));
  auto options = a_.options({b_.as_peer()});
  options.max_queued_bytes = 1u << 20;
  a_.start(std::move(options));
  ASSERT_TRUE(until_connected(a_, b_.id));
  while (a_.transport->dropped(b_.id) == 0) a_.transport->send_letter(b_.id, Bytes(64u << 10));
  const auto dropped = a_.transport->dropped(b_.id);
  a_.transport->send({a_.id, b_.id, Term{1}, Heartbeat{1}});
  EXPECT_EQ(a_.transport->dropped(b_.id), dropped);
}

TEST_F(TransportTest, AnEmptyLetterIsALetter) {
  start_both();
  b_.transport->send_letter(a_.id, {});
  ASSERT_TRUE(a_.told->until([&] { return a_.told->letters.size() == 1; }));
  EXPECT_THAT(a_.told->letters[0].second, IsEmpty());
}

TEST_F(TransportTest, AnAppendOfTwentyMegabytesGoesThrough) {
  start_both();
  std::vector<std::uint8_t> payload(20u << 20);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);
  const Message message{a_.id, b_.id, Term{5}, AppendRequest{an_id(0), {an_entry(1, payload)}}};
  a_.transport->send(message);
  ASSERT_TRUE(b_.told->until([&] { return b_.told->messages.size() == 1; }));
  EXPECT_TRUE(bytes_of(b_.told->messages[0]) == bytes_of(message));
}

TEST_F(TransportTest, AMessageTooLongIsDroppedAndToldAndTheStreamStays) {
  start_both();
  a_.transport->send_letter(b_.id, Bytes(25u << 20));
  EXPECT_TRUE(a_.told->until_refused("is not sent to b.example"));
  EXPECT_EQ(a_.transport->dropped(b_.id), 1u);
  a_.transport->send_letter(b_.id, letter_of(1));
  EXPECT_TRUE(b_.told->until([&] { return b_.told->letters.size() == 1; }));
  EXPECT_EQ(std::count(a_.told->connected.begin(), a_.told->connected.end(), b_.id), 1);
}

TEST_F(TransportTest, ToNobodyIsNothing) {
  a_.start_with({a_.as_peer(), b_.as_peer()});  // this node among its peers is passed over
  a_.transport->send({a_.id, NodeId{77}, Term{1}, Heartbeat{}});
  a_.transport->send({a_.id, a_.id, Term{1}, Heartbeat{}});
  a_.transport->send({a_.id, b_.id, Term{1}, Heartbeat{}});
  EXPECT_FALSE(a_.transport->is_connected(b_.id));
  EXPECT_FALSE(a_.transport->is_connected(NodeId{77}));
  EXPECT_EQ(a_.transport->dropped(b_.id), 1u);
  EXPECT_TRUE(a_.told->until_disconnected("b.example (" + b_.address + ") is not reached"));
}

TEST_F(TransportTest, APeerThatCameBackIsConnectedAgain) {
  start_both();
  for (std::ptrdiff_t life = 1; life <= 3; ++life) {
    b_.transport.reset();
    ASSERT_TRUE(a_.told->until([&] { return std::ssize(a_.told->disconnected) >= life; }));
    EXPECT_TRUE(eventually([&] { return !a_.transport->is_connected(b_.id); }));
    b_.told = std::make_unique<Told>();
    b_.start_with({a_.as_peer()});
    ASSERT_TRUE(until_connected(b_, a_.id));
    ASSERT_TRUE(a_.told->until([&] { return std::ssize(a_.told->connected) == life + 1; }));
    a_.transport->send({a_.id, b_.id, Term{1}, Heartbeat{}});
    b_.transport->send({b_.id, a_.id, Term{1}, Heartbeat{}});
    EXPECT_TRUE(b_.told->until([&] { return b_.told->messages.size() == 1; }));
    EXPECT_TRUE(a_.told->until([&] { return std::ssize(a_.told->messages) == life; }));
  }
  EXPECT_THAT(a_.told->read([](const Told& told) { return told.refused; }), IsEmpty());
}

TEST_F(TransportTest, WhoHungUpHasSaidAllThatArrives) {
  start_both();
  constexpr std::size_t kMessages = 500;
  for (std::size_t i = 0; i < kMessages; ++i) a_.transport->send({a_.id, b_.id, Term{1}, Heartbeat{}});
  ASSERT_TRUE(b_.told->until([&] { return !b_.told->messages.empty(); }));
  a_.transport.reset();
  ASSERT_TRUE(b_.told->until([&] { return !b_.told->hung_up.empty(); }));
  const std::size_t then = b_.told->read([](const Told& told) { return told.hung_up.front(); });
  b_.transport.reset();
  EXPECT_EQ(b_.told->read([](const Told& told) { return told.messages.size(); }), then) << "nothing comes after";
}

TEST_F(TransportTest, APeerThatDoesNotReadHoldsNobodyUp) {
  RawCallee silent(b_, a_, hello_of(b_));
  auto options = a_.options({b_.as_peer()});
  options.max_queued_bytes = 1u << 20;
  a_.start(std::move(options));
  ASSERT_TRUE(until_connected(a_, b_.id));
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 2'000; ++i) a_.transport->send_letter(b_.id, Bytes(64u << 10));
  EXPECT_LT(std::chrono::steady_clock::now() - began, kPatience);
  EXPECT_GT(a_.transport->dropped(b_.id), 0u);
  a_.transport.reset();  // and its end waits for nobody either
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2 * kPatience);
}

TEST_F(TransportTest, ALinkThatFellSilentIsNoticedAndMended) {
  b_.start_with({a_.as_peer()});
  Relay relay(b_.address);
  PeerAddress through = b_.as_peer();
  through.address = relay.address();
  a_.start_with({through});
  ASSERT_TRUE(until_connected(a_, b_.id));
  relay.silence(true);
  EXPECT_TRUE(a_.told->until_disconnected(" is lost: "));
  relay.silence(false);
  ASSERT_TRUE(a_.told->until([&] { return a_.told->connected.size() == 2; }));
  a_.transport->send_letter(b_.id, letter_of(1));
  EXPECT_TRUE(b_.told->until([&] { return b_.told->letters.size() == 1; }));
}

TEST_F(TransportTest, ANewerStreamReplacesTheOlder) {
  a_.start_with({b_.as_peer()});
  peer::v1::Frame heartbeat;
  heartbeat.mutable_message()->mutable_heartbeat();
  RawCaller older(b_, a_);
  ASSERT_TRUE(older.say_hello(b_).hear());
  older.say(heartbeat);
  ASSERT_TRUE(a_.told->until([&] { return a_.told->messages.size() == 1; }));
  // One that is refused replaces nothing.
  Node lost{b_.id, b_.name};
  lost.tls = b_.tls;
  lost.ledger = Hash{9};
  EXPECT_EQ(RawCaller(b_, a_).say_hello(lost).end().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  older.say(heartbeat);
  ASSERT_TRUE(a_.told->until([&] { return a_.told->messages.size() == 2; }));

  RawCaller newer(b_, a_);
  ASSERT_TRUE(newer.say_hello(b_).hear());
  EXPECT_FALSE(older.end().ok());
  newer.say(heartbeat);
  EXPECT_TRUE(a_.told->until([&] { return a_.told->messages.size() == 3; }));
}

TEST_F(TransportTest, ATakenPortAndPeersThatCannotBeAreErrors) {
  a_.start_with({b_.as_peer()});
  Node c{NodeId{3}, "c.example"};
  const auto start = [&](TransportOptions options) { return Transport::start(std::move(options), c.told->events()); };

  auto taken = c.options({});
  taken.listen = a_.address;
  const auto in_use = start(taken);
  ASSERT_FALSE(in_use);
  EXPECT_EQ(in_use.error().code, ErrorCode::conflict);
  EXPECT_THAT(in_use.error().message, HasSubstr("port " + a_.address.substr(a_.address.rfind(':') + 1) + " is in use"));

  auto nowhere = c.options({});
  nowhere.listen = "nowhere";
  EXPECT_EQ(start(nowhere).error().code, ErrorCode::invalid);
  PeerAddress bad = a_.as_peer();
  bad.address = "unix:/tmp/socket";
  EXPECT_EQ(start(c.options({bad})).error().code, ErrorCode::invalid);
  PeerAddress same_key = b_.as_peer();
  same_key.spki = a_.tls.spki;
  EXPECT_EQ(start(c.options({a_.as_peer(), same_key})).error().code, ErrorCode::invalid);

  auto any = c.options({a_.as_peer()});
  any.listen = "127.0.0.1:0";
  const auto free = start(any);
  ASSERT_TRUE(free) << free.error().message;
  EXPECT_GT((*free)->port(), 0);
}

TEST_F(TransportTest, EndsInTheMiddleOfEverything) {
  // Each answers each message from within its event, so that both are sending and receiving when they end.
  for (int round = 0; round < 3; ++round) {
    std::atomic<int> heard = 0;
    std::array<std::atomic<Transport*>, 2> transports{};
    const auto answering = [&](std::size_t self, NodeId other) {
      TransportEvents events;
      events.message = [&heard, &transports, self, other](const Message& message) {
        ++heard;
        if (Transport* transport = transports.at(self)) transport->send({message.to, other, message.term, Heartbeat{}});
      };
      return events;
    };
    auto a = Transport::start(a_.options({b_.as_peer()}), answering(0, b_.id));
    auto b = Transport::start(b_.options({a_.as_peer()}), answering(1, a_.id));
    ASSERT_TRUE(a && b);
    transports[0] = a->get();
    transports[1] = b->get();
    ASSERT_TRUE(eventually([&] { return (*a)->is_connected(b_.id) && (*b)->is_connected(a_.id); }));
    for (int i = 0; i < 100; ++i) (*a)->send({a_.id, b_.id, Term{1}, Heartbeat{}});
    EXPECT_TRUE(eventually([&] { return heard > 1'000; }));
    (round % 2 == 0 ? a : b)->reset();
    (round % 2 == 0 ? b : a)->reset();
  }
}

}  // namespace
}  // namespace testamur::consensus
