// The stream that this node opens to one other, opened again whenever it ends: connect, say hello, send what is queued.
//
// Whoever sends writes to the stream himself where no other write is under way, so that no thread has to wake up for it; what comes
// meanwhile is queued, and written by the loop. Nothing waits in the queue for a stream that is not there: whoever is told
// `connected` knows best what to say first.
//
// Entries and letters may be megabytes, and take their time on a slow link. Heartbeats, votes and all else that the consensus says is
// small, and goes before them, and between the parts of a large one: else a leader that sends a lot would be taken for one that is gone.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <deque>

#include "loop.h"
#include "stream.h"
#include "testamur/peer/v1/peer.grpc.pb.h"

namespace testamur::consensus {

class Outgoing {
 public:
  Outgoing(const Shared& shared, PeerAddress peer, Loop& loop);
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  /// Before the loop starts.
  void start();
  /// Ends the stream and does not begin another. Returns at once; the loop's end waits for the stream's.
  void stop();

  void send(Message message);
  void send_all(std::vector<Message> messages);
  void send(Bytes letter);
  /// The other side is there: try at once. Called by the loop.
  void redial();

  bool is_connected() const { return connected_; }
  std::uint64_t dropped() const { return dropped_; }
  const PeerAddress& peer() const { return peer_; }

 private:
  class Call;
  struct Queued {
    std::variant<Message, Bytes> what;
    std::size_t bytes;
  };
  /// What waits, in order.
  struct Line {
    std::deque<Queued> waiting;
    std::size_t bytes = 0;
    Queued next();
  };

  void dial();
  std::optional<Queued> queued(Message message);
  void enqueue(std::vector<Queued> all);
  bool fits(std::size_t bytes, std::string_view what);
  Line& line_of(const Queued& queued);
  bool is_anything_queued() const { return !first_.waiting.empty() || !after_.waiting.empty(); }
  std::vector<Queued> next_to_write(bool within_large);
  bool is_writing() const;
  void connected();
  void lost();
  void ended(const grpc::Status& status, bool was_connected, std::chrono::steady_clock::duration lasted);
  void tell_end(const grpc::Status& status, bool was_connected);

  const Shared& shared_;
  const PeerAddress peer_;
  Loop& loop_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  const grpc::ChannelArguments arguments_;

  mutable std::mutex mutex_;
  Line first_;                  // messages without entries
  Line after_;                  // entries and letters
  bool writing_ = false;        // a write to the stream there is, by whoever set this, is under way
  std::shared_ptr<Call> call_;  // of the stream there is, or is to be
  bool stopping_ = false;

  std::atomic<bool> connected_ = false;  // changes under the mutex
  std::atomic<std::uint64_t> dropped_ = 0;

  // Of the loop's thread.
  std::optional<Loop::Active> active_;
  bool redial_ = false;  // the other side was heard since this try began
  std::chrono::milliseconds backoff_;
  grpc::Alarm pause_;
  Operation paused_{[this](bool) { dial(); }};
};

}  // namespace testamur::consensus
