#include "outgoing.h"

#include <pthread.h>

#include "hello.h"
#include "wire.h"

namespace testamur::consensus {
namespace {

constexpr std::chrono::milliseconds kFirstBackoff{100};
constexpr std::chrono::milliseconds kLongestBackoff{1'000};
/// A stream that lasted so long was a good one. Sooner, it counts as one more failure: else two nodes that replace one
/// another's streams, or refuse them, would do so without a pause.
constexpr std::chrono::seconds kGoodStream{5};
/// Taken from the queue at once: enough that the writes share packets, little enough that the queue's bounds are the bounds.
constexpr std::size_t kBatchMessages = 128;
constexpr std::size_t kBatchBytes = 1u << 20;

grpc::ChannelArguments channel_arguments(const PeerAddress& peer) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(-1);  // bounded before it is queued
  arguments.SetMaxReceiveMessageSize(64 << 10);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // In gRPC this is the time one attempt may take. When to try again is decided here, with a new channel each time.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kHandshakeTimeoutMs);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // whatever the environment says
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // The name asked for in the handshake. It decides nothing; but of an IP address the other side's gRPC complains.
  arguments.SetSslTargetNameOverride(peer.name);
  return arguments;
}

/// Words for an end that says nothing but what a socket said.
std::string words_of(const grpc::Status& status) {
  std::string words = for_log(status.error_message());
  if (words.find("Socket closed") != std::string::npos || words.find("Connection reset") != std::string::npos) {
    words += " (a node ends a connection so when this node's key is not pinned there)";
  }
  return words;
}

bool is_refusal(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::UNIMPLEMENTED: return true;
    default: return false;
  }
}

}  // namespace

Outgoing::Outgoing(const Shared& shared, PeerAddress peer)
    : shared_(shared),
      peer_(std::move(peer)),
      credentials_(
          identity::channel_credentials(shared.options.tls, peer_.spki,
                                        // By value: gRPC may ask after this object is gone.
                                        [refusals = shared.refusals, who = who(peer_)](const std::string& why) {
                                          refusals->tell(who + why, who + " is not called: " + why);
                                        })),
      arguments_(channel_arguments(peer_)),
      backoff_(kFirstBackoff) {}

Outgoing::~Outgoing() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void Outgoing::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), ("to peer " + std::to_string(peer_.id.value)).c_str());
    run();
  });
}

void Outgoing::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  if (context_ != nullptr) context_->TryCancel();
  changed_.notify_all();
}

void Outgoing::redial() {
  const std::lock_guard lock(mutex_);
  redial_ = true;
  changed_.notify_all();
}

bool Outgoing::fits(std::size_t bytes, std::string_view what) {
  if (bytes <= shared_.options.max_message_bytes) return true;
  ++dropped_;
  shared_.refusals->tell("too long to " + who(peer_),
                         std::string(what) + " of " + std::to_string(bytes) + " bytes is not sent to " + who(peer_) +
                             ": expected at most " + std::to_string(shared_.options.max_message_bytes));
  return false;
}

void Outgoing::send(Message message) {
  const std::size_t bytes = wire::max_frame_bytes(message);
  // Beyond that number, entries count as a message that is too long: their receiver would end the stream over them.
  const std::size_t counted =
      wire::within_bounds(message) ? bytes : std::max(bytes, shared_.options.max_message_bytes + 1);
  if (fits(counted, "a message")) enqueue({std::move(message), bytes});
}

void Outgoing::send(Bytes letter) {
  constexpr std::size_t kAround = 16;
  const std::size_t bytes = letter.size() + kAround;
  if (fits(bytes, "a letter")) enqueue({std::move(letter), bytes});
}

void Outgoing::enqueue(Queued queued) {
  const std::lock_guard lock(mutex_);
  const bool room = queue_.size() < shared_.options.max_queued_messages &&
                    queued_bytes_ + queued.bytes <= shared_.options.max_queued_bytes;
  if (!connected_ || !room) {
    ++dropped_;
    return;
  }
  queued_bytes_ += queued.bytes;
  queue_.push_back(std::move(queued));
  if (queue_.size() == 1) changed_.notify_all();
}

void Outgoing::run() {
  for (;;) {
    const auto began = std::chrono::steady_clock::now();
    talk_once();
    wait_before_next(std::chrono::steady_clock::now() - began);
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
}

void Outgoing::wait_before_next(std::chrono::steady_clock::duration lasted) {
  std::unique_lock lock(mutex_);
  if (lasted >= kGoodStream) backoff_ = kFirstBackoff;
  changed_.wait_for(lock, backoff_, [this] { return stopping_ || redial_; });
  backoff_ = redial_ ? kFirstBackoff : std::min(2 * backoff_, kLongestBackoff);
}

bool Outgoing::begin(grpc::ClientContext& context) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  context_ = &context;
  hello_ = Hello::awaited;
  ended_ = false;
  redial_ = false;
  return true;
}

void Outgoing::talk_once() {
  // A new channel each time: gRPC keeps in one how long to wait before connecting again, and whom the name last stood for.
  const auto channel = grpc::CreateCustomChannel("dns:///" + peer_.address, credentials_, arguments_);
  const auto stub = peer::v1::Peer::NewStub(channel);
  grpc::ClientContext context;
  if (!begin(context)) return;
  const auto stream = stub->Talk(&context);
  std::thread listener([&] { listen(*stream, context); });
  const bool greeted = greet(*stream, context);
  if (greeted) {
    connected_ = true;
    if (shared_.events.connected) shared_.events.connected(peer_.id);
    pump(*stream);
  }
  listener.join();
  {
    const std::lock_guard lock(mutex_);
    context_ = nullptr;
    connected_ = false;
    dropped_ += queue_.size();
    queue_.clear();
    queued_bytes_ = 0;
  }
  end(stream->Finish(), greeted);
}

void Outgoing::listen(Stream& stream, grpc::ClientContext& context) {
  peer::v1::Hello hello;
  if (stream.Read(&hello)) {
    const auto refusal = check_hello(hello, shared_.options.ledger, peer_.name);
    if (refusal) shared_.refusals->tell(who(peer_) + refusal->why, who(peer_) + " is refused: " + refusal->why);
    {
      const std::lock_guard lock(mutex_);
      hello_ = refusal ? Hello::wrong : Hello::good;
      changed_.notify_all();
    }
    // The other side has nothing more to say but why it ends the stream. Cancelled is only what does not end by itself: that
    // would take the place of its reason.
    if (stream.Read(&hello)) context.TryCancel();
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool Outgoing::greet(Stream& stream, grpc::ClientContext& context) {
  peer::v1::Frame frame;
  *frame.mutable_hello() = own_hello(shared_);
  if (!stream.Write(frame)) return false;
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(kHandshakeTimeoutMs),
                    [this] { return stopping_ || ended_ || hello_ != Hello::awaited; });
  if (stopping_ || ended_) return false;
  if (hello_ != Hello::good) context.TryCancel();
  return hello_ == Hello::good;
}

bool Outgoing::take(std::vector<Queued>& batch) {
  batch.clear();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || ended_ || !queue_.empty(); });
  if (stopping_ || ended_) return false;
  std::size_t bytes = 0;
  while (!queue_.empty() && batch.size() < kBatchMessages && bytes < kBatchBytes) {
    bytes += queue_.front().bytes;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_bytes_ -= bytes;
  return true;
}

void Outgoing::pump(Stream& stream) {
  std::vector<Queued> batch;
  while (take(batch)) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      peer::v1::Frame frame;
      if (const auto* message = std::get_if<Message>(&batch[i].what)) {
        wire::encode(*message, frame);
      } else {
        const Bytes& letter = std::get<Bytes>(batch[i].what);
        frame.set_letter(letter.data(), letter.size());
      }
      grpc::WriteOptions options;
      if (i + 1 < batch.size()) options.set_buffer_hint();
      if (!stream.Write(frame, options)) return;
    }
  }
}

void Outgoing::end(const grpc::Status& status, bool was_connected) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
  if (is_refusal(status)) {
    const std::string words = for_log(status.error_message());
    shared_.refusals->tell(who(peer_) + words, who(peer_) + " refuses this node: " + words);
  }
  const std::string why = words_of(status);
  if (!shared_.events.disconnected) return;
  // The end of a stream is news each time; that there is still none, now and then.
  if (was_connected) {
    shared_.events.disconnected(peer_.id, who(peer_) + " is lost: " + why);
  } else if (shared_.refusals->due("no stream to " + who(peer_) + why)) {
    shared_.events.disconnected(peer_.id, who(peer_) + " is not reached: " + why);
  }
}

}  // namespace testamur::consensus
