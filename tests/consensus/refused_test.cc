// Goal: nobody is heard but the pinned nodes of one ledger, each under its own name and in well-formed words; and whoever is turned
// away is told why, as is this node's operator, once and not every second.
// Method: real transports over real TLS, and raw gRPC callers and callees that hold a good key and misuse it.
#include "refusals.h"
#include "transport_nodes.h"

namespace testamur::consensus {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Refused, ANodeWithAnotherKeyByBothSides) {
  Node a{NodeId{1}, "a.example"};
  Node b{NodeId{2}, "b.example"};
  const PeerAddress expected = b.as_peer();
  b.tls = tls_for(b.name);  // the right name and address, another key
  a.start_with({expected});
  b.start_with({a.as_peer()});
  // a calls b, and is called by it.
  EXPECT_TRUE(a.told->until_refused("b.example (" + b.address + ") is not called: the other end holds the key " +
                                    to_hex(b.tls.spki) + ", expected " + to_hex(expected.spki)));
  EXPECT_TRUE(a.told->until_refused("a caller holds the key " + to_hex(b.tls.spki) + ", which is not pinned"));
  // b cannot know that it is refused, only that it is hung up on; it says what that may mean.
  EXPECT_TRUE(b.told->until_disconnected("a.example (" + a.address + ") is not reached"));
  EXPECT_FALSE(a.transport->is_connected(b.id));
  EXPECT_FALSE(b.transport->is_connected(a.id));
  EXPECT_THAT(a.told->read([](const Told& told) { return told.connected; }), IsEmpty());
  EXPECT_THAT(b.told->read([](const Told& told) { return told.connected; }), IsEmpty());
}

TEST(Refused, AnotherLedgerByBothSides) {
  Node a{NodeId{1}, "a.example"};
  Node b{NodeId{2}, "b.example"};
  b.ledger = Hash{8};
  a.start_with({b.as_peer()});
  b.start_with({a.as_peer()});
  const std::string why = "it is of ledger " + to_hex(b.ledger) + ", expected " + to_hex(a.ledger);
  EXPECT_TRUE(a.told->until_refused(why));
  EXPECT_TRUE(b.told->until_refused("a.example (" + a.address + ") refuses this node: " + why));
  EXPECT_TRUE(
      a.told->until_refused("b.example (" + b.address + ") refuses this node: it is of ledger " + to_hex(a.ledger)));
  EXPECT_FALSE(a.transport->is_connected(b.id));
}

TEST(Refused, ACalleeOfAnotherLedgerWhateverItThinksOfUs) {
  Node a{NodeId{1}, "a.example"};
  Node b{NodeId{2}, "b.example"};
  b.ledger = Hash{8};
  RawCallee callee(b, a, hello_of(b));
  a.start_with({b.as_peer()});
  EXPECT_TRUE(a.told->until_refused("b.example (" + b.address + ") is refused: it is of ledger " + to_hex(b.ledger)));
  EXPECT_FALSE(a.transport->is_connected(b.id));
}

class RefusedCaller : public testing::Test {
 protected:
  void SetUp() override { a_.start_with({b_.as_peer(), c_.as_peer()}); }
  void TearDown() override {
    EXPECT_THAT(a_.told->read([](const Told& told) { return told.messages; }), IsEmpty());
  }

  static peer::v1::Frame heartbeat() {
    peer::v1::Frame frame;
    frame.mutable_message()->mutable_heartbeat();
    return frame;
  }

  Node a_{NodeId{1}, "a.example"};
  Node b_{NodeId{2}, "b.example"};
  Node c_{NodeId{3}, "c.example"};
};

TEST_F(RefusedCaller, WithAStolenNameAndAKeyOfItsOwn) {
  Node thief{NodeId{2}, "b.example"};
  EXPECT_FALSE(RawCaller(thief, a_).say_hello(thief).say(heartbeat()).end().ok());
  EXPECT_TRUE(a_.told->until_refused("a caller holds the key " + to_hex(thief.tls.spki)));
}

TEST_F(RefusedCaller, WithAnotherMembersName) {
  const grpc::Status status = RawCaller(c_, a_).say_hello(b_).say(heartbeat()).end();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), HasSubstr("it says it is \"b.example\", but its key is that of \"c.example\""));
  EXPECT_TRUE(a_.told->until_refused("c.example (calling from ipv4:127."));
}

TEST_F(RefusedCaller, OfAnotherVersion) {
  peer::v1::Frame frame;
  *frame.mutable_hello() = hello_of(b_);
  frame.mutable_hello()->set_version(2);
  const grpc::Status status = RawCaller(b_, a_).say(frame).say(heartbeat()).end();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("version 2 of the peer protocol, expected 1"));
}

TEST_F(RefusedCaller, WhoseLedgerIsNoHash) {
  peer::v1::Frame frame;
  *frame.mutable_hello() = hello_of(b_);
  frame.mutable_hello()->set_ledger("another");
  const grpc::Status status = RawCaller(b_, a_).say(frame).end();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(RefusedCaller, WhoSaysNoHello) {
  const grpc::Status status = RawCaller(b_, a_).say(heartbeat()).end();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RefusedCaller, WhoseWordsAreMalformed) {
  std::vector<std::pair<peer::v1::Frame, std::string>> frames(7);
  frames[0].second = "a frame of no kind known here";
  *frames[1].first.mutable_hello() = hello_of(b_);
  frames[1].second = "a second hello";
  frames[2].first.mutable_message()->set_term(1);
  frames[2].second = "a malformed message: the body is missing";
  frames[3].first.mutable_message()->mutable_durable()->mutable_last()->set_hash("short");
  frames[3].second = "the last entry is of 5 bytes, expected 32";
  frames[4].second = "bytes that are no frame, or one of too many fields";
  for (int i = 0; i < 100'000; ++i) frames[4].first.mutable_message()->mutable_append_request()->add_entries();
  frames[5].first = heartbeat();
  frames[5].first.add_following();
  frames[5].second = "a frame of no kind known here";
  frames[6].first = heartbeat();
  frames[6].first.add_following()->mutable_message()->set_term(1);
  frames[6].second = "a malformed message: the body is missing";
  for (const auto& [frame, why] : frames) {
    RawCaller caller(b_, a_);
    ASSERT_TRUE(caller.say_hello(b_).hear()) << why;
    for (const peer::v1::Frame& each : in_parts(frame)) caller.say(each);
    const grpc::Status status = caller.say(heartbeat()).end();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << why;
    EXPECT_THAT(status.error_message(), HasSubstr(why));
    EXPECT_TRUE(a_.told->until_refused(why));
  }
}

TEST_F(RefusedCaller, WhosePartsAreWrong) {
  const std::string full(kPartBytes, 'x');
  constexpr std::size_t kTwo = 2 * kPartBytes;
  const auto with_letter = [](std::size_t length) {
    peer::v1::Frame frame;
    frame.set_letter(std::string(length, 'y'));
    return frame;
  };
  peer::v1::Frame hello;
  hello.mutable_hello()->set_name(std::string(kTwo, 'z'));
  peer::v1::Frame short_hello;
  *short_hello.mutable_hello() = hello_of(b_);
  peer::v1::Frame entries;
  entries.mutable_message()->mutable_append_request()->mutable_previous()->set_hash(std::string(32, 'h'));
  peer::v1::Frame behind = heartbeat();
  *behind.add_following()->mutable_message() = entries.message();
  peer::v1::Frame followed = part(kTwo, 0, full);
  *followed.add_following()->mutable_message() = heartbeat().message();
  const std::string between = "entries or a letter between the parts of another";
  const std::vector<std::pair<std::vector<peer::v1::Frame>, std::string>> cases{
      {{part((24u << 20) + 1, 0, full)}, "the bytes of a frame in parts are 25165825, expected at most 25165824"},
      {{part(~std::uint64_t{0}, 0, full)}, "are 18446744073709551615, expected at most 25165824"},
      {{part(kPartBytes, 0, full)}, "the bytes of a frame in parts are 131072, expected more than 131072"},
      {{part(kTwo, kPartBytes, full)}, "a part begins at byte 131072, expected 0"},
      {{part(kTwo, 0, full), part(kTwo, 0, full)}, "a part begins at byte 0, expected 131072"},
      {{part(kTwo, 0, full), part(kTwo + 1, kPartBytes, full)},
       "of bytes 262145, expected of the one begun, of 262144"},
      {{part(kTwo, 0, full + "x")}, "the bytes of a part are 131073, expected 131072"},
      {{part(kTwo + 1, 0, "x")}, "the bytes of a part are 1, expected 131072"},
      {{part(kPartBytes + 1, 0, full), part(kPartBytes + 1, kPartBytes, "xx")}, "a part are 2, expected 1"},
      {{part(kTwo, 0, full), with_letter(1)}, between},
      {{part(kTwo, 0, full), entries}, between},
      {{part(kTwo, 0, full), behind}, between},
      {{part(kTwo, 0, full), short_hello}, "a second hello"},
      {{followed}, "a part that something follows"},
      {{part(kTwo, 0, full), part(kTwo, kPartBytes, full)}, "bytes that are no frame"},
      {in_parts(hello), "a second hello"},
      {in_parts(part(kTwo, 0, full + full)), "a frame of no kind known here"},
  };
  for (const auto& [frames, why] : cases) {
    RawCaller caller(b_, a_);
    ASSERT_TRUE(caller.say_hello(b_).hear()) << why;
    for (const peer::v1::Frame& frame : frames) caller.say(frame);
    const grpc::Status status = caller.end();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << why;
    EXPECT_THAT(status.error_message(), HasSubstr(why));
    EXPECT_TRUE(a_.told->until_refused(why));
  }
  EXPECT_THAT(a_.told->read([](const Told& told) { return told.letters; }), IsEmpty());

  // One too many, after all that are right.
  const peer::v1::Frame whole = with_letter(kTwo);
  RawCaller caller(b_, a_);
  ASSERT_TRUE(caller.say_hello(b_).hear());
  for (const peer::v1::Frame& frame : in_parts(whole)) caller.say(frame);
  const std::size_t total = whole.ByteSizeLong();
  EXPECT_THAT(caller.say(part(total, total, "")).end().error_message(),
              HasSubstr("a part begins at byte " + std::to_string(total) + ", expected 0"));
  EXPECT_THAT(a_.told->read([](const Told& told) { return told.letters; }), SizeIs(1));
}

TEST_F(RefusedCaller, WhoStopsWithinAFrame) {
  peer::v1::Frame whole;
  whole.set_letter(std::string(2 * kPartBytes, 'y'));
  const auto parts = in_parts(whole);
  {
    RawCaller caller(b_, a_);
    ASSERT_TRUE(caller.say_hello(b_).hear());
    const grpc::Status status = caller.say(parts[0]).fall_silent().end();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(status.error_message(), "the stream ends within a frame in parts");
  }
  // The next stream knows nothing of it.
  RawCaller caller(b_, a_);
  ASSERT_TRUE(caller.say_hello(b_).hear());
  for (const peer::v1::Frame& each : parts) caller.say(each);
  EXPECT_TRUE(caller.fall_silent().end().ok());
  EXPECT_THAT(a_.told->read([](const Told& told) { return told.letters; }), SizeIs(1));
}

TEST_F(RefusedCaller, WhoseFrameIsLongerThanAPart) {
  peer::v1::Frame whole;
  whole.set_letter(std::string(kMaxFrameBytes, 'y'));
  RawCaller caller(b_, a_);
  ASSERT_TRUE(caller.say_hello(b_).hear());
  EXPECT_FALSE(caller.say(whole).end().ok());
  EXPECT_THAT(a_.told->read([](const Told& told) { return told.letters; }), IsEmpty());
}

TEST_F(RefusedCaller, AgainAndAgainIsToldOnce) {
  for (int i = 0; i < 5; ++i) RawCaller(c_, a_).say_hello(b_).end();
  const auto told = a_.told->read([](const Told& all) { return all.refused; });
  EXPECT_EQ(std::count_if(told.begin(), told.end(),
                          [](const std::string& what) { return what.find("its key is that of") != std::string::npos; }),
            1);
}

TEST(Refusals, EachSubjectOnceAndNoMoreSubjectsThanSoMany) {
  int told = 0;
  Refusals refusals([&](const std::string&) { ++told; });
  for (int i = 0; i < 3; ++i) refusals.tell("x", "x");
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(refusals.due("y"));
  EXPECT_FALSE(refusals.due("y"));
  for (int i = 0; i < 10'000; ++i) refusals.tell(std::to_string(i), "a stranger");
  EXPECT_LE(told, 128);
  refusals.close();
  refusals.tell("z", "z");
  EXPECT_LE(told, 128);
}

TEST(Refusals, WhatOthersChoseIsPrintableAndShort) {
  EXPECT_EQ(for_log("a\nb\x1b[1m"), "a?b?[1m");
  EXPECT_LE(for_log(std::string(10'000, 'x')).size(), 303u);
}

}  // namespace
}  // namespace testamur::consensus
