// Goal: what the public listener promises beside the path itself: health, reflection, heads as they come, idle heads that stay young,
// bounds that are polite.
// Method: a real node, or four, asked over real gRPC.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <gtest/gtest.h>

#include "cluster.h"
#include "testamur/ledger/checkpoint.h"

namespace testamur::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace v1 = testamur::v1;

grpc::ByteBuffer buffer_of(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string text_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string out;
  for (const grpc::Slice& slice : slices) out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return out;
}

/// Whoever watches the health is told at once how it is.
void expect_watched(grpc::ChannelInterface& channel) {
  grpc::ClientContext context;
  const grpc::internal::RpcMethod method("/grpc.health.v1.Health/Watch", grpc::internal::RpcMethod::SERVER_STREAMING);
  const std::unique_ptr<grpc::ClientReader<grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(&channel, method, &context, buffer_of("")));
  grpc::ByteBuffer answer;
  ASSERT_TRUE(stream->Read(&answer));
  EXPECT_EQ(text_of(answer), "\x08\x01");
  context.TryCancel();
  EXPECT_FALSE(stream->Read(&answer));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(Service, TellsItsHealthAndDescribesItself) {
  Cluster cluster({.nodes = 1});
  cluster.start(0);
  cluster.wait_for_leader();
  const auto channel = grpc::CreateChannel(cluster.public_address(0), grpc::InsecureChannelCredentials());
  // The two standard services, whose stubs Debian does not install: in bytes. An empty request is about the whole server;
  // the answer's field 1 says 1, serving.
  const auto health = [&](const std::string& request) {
    grpc::ClientContext context;
    grpc::ByteBuffer answer;
    const grpc::internal::RpcMethod method("/grpc.health.v1.Health/Check", grpc::internal::RpcMethod::NORMAL_RPC);
    const grpc::Status status = grpc::internal::BlockingUnaryCallImpl<grpc::ByteBuffer, grpc::ByteBuffer>(
                                    channel.get(), method, &context, buffer_of(request), &answer)
                                    .status();
    return status.ok() ? text_of(answer) : status.error_message();
  };
  EXPECT_TRUE(wait_until([&] { return health("") == std::string("\x08\x01"); }));
  EXPECT_EQ(health("\x0a\x12testamur.v1.Ledger"), "\x08\x01");
  EXPECT_EQ(health("\x0a\x07unknown"), "service name unknown");
  expect_watched(*channel);

  grpc::ClientContext context;
  const grpc::internal::RpcMethod method("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                         grpc::internal::RpcMethod::BIDI_STREAMING);
  const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(channel.get(), method,
                                                                                            &context));
  ASSERT_TRUE(stream->Write(buffer_of(std::string("\x3a\x01*", 3))));  // list_services
  grpc::ByteBuffer answer;
  ASSERT_TRUE(stream->Read(&answer));
  EXPECT_THAT(text_of(answer), HasSubstr("testamur.v1.Ledger"));
  stream->WritesDone();
  stream->Finish();
}

TEST(Service, AnIdleHeadIsCosignedAnewAndWatchersSeeIt) {
  Cluster cluster;
  for (unsigned i = 0; i < 4; ++i) cluster.set_more_config(i, "[consensus]\ncosign_every_s = 1\n");
  cluster.start_all();
  cluster.wait_for_leader();
  const v1::Outcome outcome = cluster.submit(0, cluster.one_entry(0, "r0", 0));
  ASSERT_EQ(outcome.code(), "ok");
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  const auto stream = cluster.node(2).WatchHeads(&context, {});
  const Quorum quorum = quorum_of(cluster.world().consortium());
  v1::Checkpoint last;
  v1::Checkpoint head;
  for (int cosigned_anew = 0; cosigned_anew < 3;) {
    ASSERT_TRUE(stream->Read(&head));
    if (head.height() == last.height()) {
      EXPECT_GT(head.seconds(), last.seconds()) << "the same head, at a later time";
      cosigned_anew += head.height() == outcome.height() ? 1 : 0;
    } else {
      EXPECT_GT(head.height(), last.height());
    }
    last = head;
    // What a watcher gets is certified: it can check it by itself.
    const SignedNote note = value_of(decode_signed_note(head.note()));
    std::vector<Cosignature> cosignatures;
    for (const SignatureLine& line : note.signatures) cosignatures.push_back(value_of(cosignature_from(line)));
    EXPECT_TRUE(certify(value_of(decode_checkpoint(note.text)), quorum, cosignatures, 0));
  }
  EXPECT_EQ(head.height(), outcome.height()) << "no block was made for it";
  context.TryCancel();
}

TEST(Service, BeyondItsRoomItSaysWhenToComeBack) {
  Cluster cluster({.nodes = 2});
  for (unsigned i = 0; i < 2; ++i) cluster.set_more_config(i, "[limits]\nmax_pending = 5\n");
  cluster.start_all();
  cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  cluster.kill(1);  // nothing is decided any more
  for (std::uint64_t number = 0; number < 5; ++number) {
    const auto taken = cluster.try_submit(0, cluster.one_entry(0, "r0", number), {}, v1::WAIT_NONE, 1000);
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->stage(), v1::STAGE_PENDING) << number;
  }
  const Bytes one_more = cluster.one_entry(0, "r0", 5);
  const auto busy = cluster.try_submit(0, one_more, {}, v1::WAIT_CERTIFIED, 1000);
  ASSERT_TRUE(busy);
  EXPECT_EQ(busy->stage(), v1::STAGE_BUSY);
  EXPECT_GT(busy->retry_after_ms(), 0u);
  // What does not verify would find no room either, and hears its own reason.
  Bytes forged = cluster.one_entry(0, "r0", 6);
  forged.back() ^= 1;
  EXPECT_EQ(cluster.try_submit(0, forged, {}, v1::WAIT_NONE, 1000)->code(), "bad_signature");
  cluster.start(1);
  cluster.leave_out(1, true);  // there it would come before those that wait here
  EXPECT_EQ(cluster.submit(0, one_more).code(), "ok") << "in their order, once there is a quorum again";
}

TEST(Service, WrongQuestionsAreAnsweredWithWhatWasExpected) {
  Cluster cluster({.nodes = 1, .registers = 1});
  cluster.start(0);
  cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  auto& node = cluster.node(0);
  const std::string institution = World::institution_id(0);
  {
    grpc::ClientContext context;
    v1::FindListedResponse answer;
    v1::FindListedRequest request;
    request.set_commitment("short");
    const auto status = node.FindListed(&context, request, &answer);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("expected 32 bytes, found 5"));
  }
  {
    grpc::ClientContext context;
    v1::GetEntryRequest request;
    request.set_institution(institution);
    request.set_register_("r0");
    request.set_number(7);
    v1::Entry answer;
    const auto status = node.GetEntry(&context, request, &answer);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_THAT(status.error_message(), HasSubstr("expected a number below 0"));
  }
  for (const std::string name : {"", "r9", "r0/x"}) {
    grpc::ClientContext context;
    v1::GetRegisterRequest request;
    request.set_institution(institution);
    request.set_register_(name);
    v1::Register answer;
    EXPECT_EQ(node.GetRegister(&context, request, &answer).error_code(), grpc::StatusCode::NOT_FOUND) << name;
  }
  {
    grpc::ClientContext context;
    v1::GetBlocksRequest request;
    request.set_first_height(1000);
    const auto stream = node.GetBlocks(&context, request);
    v1::Block block;
    EXPECT_FALSE(stream->Read(&block));
    EXPECT_THAT(stream->Finish().error_message(), StartsWith("first_height: expected a height up to "));
  }
  grpc::ClientContext context;
  v1::SubmitRequest request;
  request.set_wait_ms(3600'000);
  v1::Outcome answer;
  EXPECT_EQ(node.Submit(&context, request, &answer).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(Service, AFreshCheckpointCoversWhatAnyNodeSaidWasCommitted) {
  Cluster cluster;
  cluster.start_all();
  const unsigned leader = cluster.wait_for_leader();
  ASSERT_TRUE(wait_until([&] { return cluster.level(); }));
  for (std::uint64_t number = 0; number < 40; ++number) {
    // Told by one node as committed, asked at another at once.
    const unsigned by = static_cast<unsigned>(number) % 4;
    const auto told = cluster.try_submit(by, cluster.one_entry(0, "r0", number), {}, v1::WAIT_COMMITTED, 5000);
    ASSERT_TRUE(told && told->code() == "ok");
    grpc::ClientContext context;
    v1::GetCheckpointRequest request;
    request.set_fresh(true);
    v1::Checkpoint head;
    ASSERT_TRUE(cluster.node((by + 1) % 4).GetCheckpoint(&context, request, &head).ok());
    ASSERT_GE(head.height(), told->height()) << "number " << number;
  }
  // One node alone cannot say what is newest.
  for (unsigned i = 0; i < 4; ++i) {
    if (i != leader) cluster.kill(i);
  }
  grpc::ClientContext context;
  v1::GetCheckpointRequest request;
  request.set_fresh(true);
  v1::Checkpoint head;
  EXPECT_EQ(cluster.node(leader).GetCheckpoint(&context, request, &head).error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace testamur::test
