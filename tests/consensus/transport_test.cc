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

bool has_entries(const Message& message) { return entries_of(message.body) != nullptr; }

/// What keeps its order: messages with entries, and all else.
std::vector<std::string> in_order(const std::vector<Message>& messages, bool entries) {
  std::vector<std::string> out;
  for (const Message& message : messages) {
    if (has_entries(message) == entries) out.push_back(bytes_of(message));
  }
  return out;
}

/// No two parts of them alike.
Bytes some_bytes(std::size_t length) {
  Bytes bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);
  return bytes;
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
  for (const bool entries : {false, true}) {
    const std::vector<std::string> sent = in_order(kinds, entries);
    const std::vector<std::string> arrived = in_order(b_.told->messages, entries);
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
  for (const bool entries : {false, true}) EXPECT_TRUE(in_order(b_.told->messages, entries) == in_order(all, entries));
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
  const auto heartbeat = std::find_if_not(messages.begin(), messages.end(), has_entries);
  EXPECT_EQ(heartbeat - messages.begin(), 0) << "of what is being written, a part cannot be overtaken; the rest is";
}

TEST_F(TransportTest, HeartbeatsOvertakeALargeMessageThatIsUnderWay) {
  b_.start_with({a_.as_peer()});
  Relay relay(b_.address);
  PeerAddress through = b_.as_peer();
  through.address = relay.address();
  a_.start_with({through});
  ASSERT_TRUE(until_connected(a_, b_.id));
  const Bytes large = some_bytes(20u << 20);
  const Message append{a_.id, b_.id, Term{1}, AppendRequest{an_id(0), {an_entry(1, large)}}};
  relay.silence(true);
  a_.transport->send(append);
  a_.transport->send_letter(b_.id, large);
  a_.transport->send({a_.id, b_.id, Term{2}, AppendRequest{an_id(1), {}}});
  constexpr std::uint64_t kHeartbeats = 4;
  for (std::uint64_t round = 0; round < kHeartbeats; ++round) {
    relay.pass_only(1u << 20);
    ASSERT_TRUE(eventually([&] { return relay.is_silent(); }));
    a_.transport->send({a_.id, b_.id, Term{1}, Heartbeat{round}});
  }
  EXPECT_TRUE(b_.told->read(
      [](const Told& told) { return std::none_of(told.messages.begin(), told.messages.end(), has_entries); }));
  relay.pass_only(1u << 30);
  ASSERT_TRUE(b_.told->until([&] { return b_.told->messages.size() == kHeartbeats + 2; }));
  const auto& arrived = b_.told->messages;
  for (std::uint64_t round = 0; round < kHeartbeats; ++round) {
    const auto* heartbeat = std::get_if<Heartbeat>(&arrived[round].body);
    ASSERT_NE(heartbeat, nullptr) << round;
    EXPECT_EQ(heartbeat->round, round);
  }
  EXPECT_TRUE(bytes_of(arrived[kHeartbeats]) == bytes_of(append));
  ASSERT_EQ(b_.told->letters.size(), 1u);
  EXPECT_TRUE(b_.told->letters[0].second == large);
  EXPECT_EQ(b_.told->letters_after[0], kHeartbeats + 1) << "entries and letters overtake nothing";
  EXPECT_EQ(arrived[kHeartbeats + 1].term, Term{2});
}

TEST_F(TransportTest, MessagesOfEveryLengthArriveWholeAndInOrder) {
  start_both();
  std::vector<std::size_t> lengths;
  for (const std::size_t parts : {1u, 2u, 3u}) {
    for (std::size_t less = 0; less < 24; ++less) lengths.push_back(parts * kPartBytes - less);
    lengths.push_back(parts * kPartBytes + 1);
  }
  std::vector<Message> sent;
  for (const std::size_t length : lengths) {
    const Bytes bytes = some_bytes(length);
    a_.transport->send_letter(b_.id, bytes);
    // What is around the payload is longer here.
    const Bytes payload(bytes.begin() + 130, bytes.end());
    sent.push_back({a_.id, b_.id, Term{1}, AppendRequest{an_id(0), {an_entry(length, payload)}}});
    a_.transport->send(sent.back());
    a_.transport->send({a_.id, b_.id, Term{1}, Heartbeat{length}});
  }
  ASSERT_TRUE(b_.told->until(
      [&] { return b_.told->messages.size() == 2 * lengths.size() && b_.told->letters.size() == lengths.size(); }));
  EXPECT_TRUE(in_order(b_.told->messages, /*entries=*/true) == in_order(sent, /*entries=*/true));
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    EXPECT_TRUE(b_.told->letters[i].second == some_bytes(lengths[i])) << lengths[i];
    const auto before = b_.told->messages.begin() + static_cast<std::ptrdiff_t>(b_.told->letters_after[i]);
    EXPECT_EQ(std::count_if(b_.told->messages.begin(), before, has_entries), std::ptrdiff_t(i));
  }
  EXPECT_EQ(a_.transport->dropped(b_.id), 0u);
}

TEST_F(TransportTest, WhatWaitsBehindALargeMessageIsBoundedAndNothingOfItOutlivesTheStream) {
  b_.start_with({a_.as_peer()});
  Relay relay(b_.address);
  PeerAddress through = b_.as_peer();
  through.address = relay.address();
  auto options = a_.options({through});
  options.max_queued_bytes = 22u << 20;
  a_.start(std::move(options));
  ASSERT_TRUE(until_connected(a_, b_.id));
  relay.silence(true);
  const Bytes large(20u << 20);             // more than the sockets hold
  a_.transport->send_letter(b_.id, large);  // is on its way, and waits no longer
  a_.transport->send_letter(b_.id, large);
  EXPECT_EQ(a_.transport->dropped(b_.id), 0u);
  a_.transport->send_letter(b_.id, large);
  EXPECT_EQ(a_.transport->dropped(b_.id), 1u);
  relay.cut();
  EXPECT_TRUE(a_.told->until_disconnected(" is lost: "));
  relay.silence(false);
  ASSERT_TRUE(a_.told->until([&] { return a_.told->connected.size() == 2; }));
  a_.transport->send_letter(b_.id, some_bytes(600u << 10));
  ASSERT_TRUE(b_.told->until([&] { return b_.told->letters.size() == 1; }));
  EXPECT_TRUE(b_.told->letters[0].second == some_bytes(600u << 10));
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
  const Message message{a_.id, b_.id, Term{5}, AppendRequest{an_id(0), {an_entry(1, some_bytes(20u << 20))}}};
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
