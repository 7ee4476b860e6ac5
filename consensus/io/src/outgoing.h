// The stream that this node opens to one other, kept open by a thread of its own: connect, say hello, send what is queued, and
// when it breaks begin again. A second thread, as long as there is a stream, hears what the other side has to say about it.
//
// Nothing waits in the queue for a stream that is not there: whoever is told `connected` knows best what to say first.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <deque>
#include <thread>

#include "stream.h"
#include "testamur/peer/v1/peer.grpc.pb.h"

namespace testamur::consensus {

class Outgoing {
 public:
  Outgoing(const Shared& shared, PeerAddress peer);
  ~Outgoing();
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  void start();
  /// Ends the stream and does not begin another. Returns at once; the destructor waits for the threads.
  void stop();

  void send(Message message);
  void send(Bytes letter);
  /// The other side is there: try at once.
  void redial();

  bool connected() const { return connected_; }
  std::uint64_t dropped() const { return dropped_; }
  const PeerAddress& peer() const { return peer_; }

 private:
  using Stream = grpc::ClientReaderWriter<peer::v1::Frame, peer::v1::Hello>;
  struct Queued {
    std::variant<Message, Bytes> what;
    std::size_t bytes;
  };
  /// How the other side's hello went, told by the thread that reads to the one that writes.
  enum class Hello : std::uint8_t { awaited, good, wrong };

  void run();
  void talk_once();
  bool begin(grpc::ClientContext& context);
  void listen(Stream& stream, grpc::ClientContext& context);
  bool greet(Stream& stream, grpc::ClientContext& context);
  void pump(Stream& stream);
  bool take(std::vector<Queued>& batch);
  void end(const grpc::Status& status, bool was_connected);
  void wait_before_next(std::chrono::steady_clock::duration lasted);
  void enqueue(Queued queued);
  bool fits(std::size_t bytes, std::string_view what);

  const Shared& shared_;
  const PeerAddress peer_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  const grpc::ChannelArguments arguments_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Queued> queue_;
  std::size_t queued_bytes_ = 0;
  grpc::ClientContext* context_ = nullptr;  // of the stream there is, to cancel it
  Hello hello_ = Hello::awaited;
  bool ended_ = false;  // the other side's part of the stream is over
  bool redial_ = false;
  bool stopping_ = false;

  std::atomic<bool> connected_ = false;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::chrono::milliseconds backoff_;
  std::thread thread_;
};

}  // namespace testamur::consensus
