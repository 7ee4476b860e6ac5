#include "outgoing.h"

#include "hello.h"
#include "parts.h"
#include "wire.h"

namespace testamur::consensus {
namespace {

constexpr std::chrono::milliseconds kFirstBackoff{100};
constexpr std::chrono::milliseconds kLongestBackoff{1'000};
/// What is small goes with other small ones that wait, so many at most: to send and to receive cost more than such a one does.
constexpr std::size_t kSmallBytes = 4 << 10;
constexpr std::size_t kMostTogether = 16;
/// A stream that lasted so long was a good one. Sooner, it counts as one more failure: else two nodes that replace one
/// another's streams, or refuse them, would do so without a pause.
constexpr std::chrono::seconds kGoodStream{5};

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

/// One try, and the stream when it comes to one.
class Outgoing::Call : public std::enable_shared_from_this<Call> {
 public:
  explicit Call(Outgoing& all) : all_(all) {}

  void begin() {
    // A new channel each time: gRPC keeps in one how long to wait before connecting again, and whom the name last stood for.
    const auto channel = grpc::CreateCustomChannel("dns:///" + all_.peer_.address, all_.credentials_, all_.arguments_);
    const auto stub = peer::v1::Peer::NewStub(channel);
    stream_ = stub->PrepareAsyncTalk(&context_, all_.loop_.queue());
    stream_->StartCall(started_.begin(shared_from_this()));
  }
  /// From any thread, once.
  void cancel() { context_.TryCancel(); }
  /// By whoever set `writing_`.
  void write(const std::vector<Queued>& together, bool more_follows) {
    peer::v1::Frame frame;
    put(together.front(), frame);
    for (std::size_t i = 1; i < together.size(); ++i) put(together[i], *frame.add_following());
    // Most are known to be short without being measured.
    if (together.front().bytes > kPartBytes && frame.ByteSizeLong() > kPartBytes) {
      large_ = frame.SerializeAsString();
      sent_ = 0;
      return write_part();
    }
    grpc::WriteOptions options;
    if (more_follows) options.set_buffer_hint();
    stream_->Write(frame, options, written_.begin(shared_from_this()));
  }

 private:
  void write_part() {
    peer::v1::Frame frame;
    peer::v1::Part& part = *frame.mutable_part();
    part.set_total(large_->size());
    part.set_offset(sent_);
    part.set_bytes(large_->data() + sent_, std::min(kPartBytes, large_->size() - sent_));
    sent_ += part.bytes().size();
    if (sent_ == large_->size()) large_.reset();
    // The next one only when this one is on the socket: what gRPC holds is not overtaken.
    stream_->Write(frame, grpc::WriteOptions().set_write_through(), written_.begin(shared_from_this()));
  }

  /// Into a frame, or what follows in one.
  template <class Place>
  static void put(const Queued& queued, Place& place) {
    if (const auto* message = std::get_if<Message>(&queued.what)) {
      wire::encode(*message, *place.mutable_message());
    } else {
      const Bytes& letter = std::get<Bytes>(queued.what);
      place.set_letter(letter.data(), letter.size());
    }
  }

  void started(bool ok) {
    if (!ok) return finish();
    peer::v1::Frame frame;
    *frame.mutable_hello() = own_hello(all_.shared_);
    greeting_ = true;
    stream_->Write(frame, greeted_.begin(shared_from_this()));
    read();
    patience_.Set(all_.loop_.queue(), std::chrono::system_clock::now() + std::chrono::milliseconds(kHandshakeTimeoutMs),
                  waited_.begin(shared_from_this()));
  }
  void greeted(bool) {
    greeting_ = false;
    if (hello_is_good_ && !over_) connect();
    finish_if_over();
  }
  void waited(bool time_is_up) {
    if (time_is_up && !connected_) cancel();
  }

  void read() { stream_->Read(&hello_, read_.begin(shared_from_this())); }
  void have_read(bool ok) {
    if (!ok) {
      over_ = true;
      patience_.Cancel();
      all_.lost();
      return finish_if_over();
    }
    if (hello_is_good_) {
      // The other side has nothing more to say but why it ends the stream.
      cancel();
    } else if (const auto refusal = check_hello(hello_, all_.shared_.options.ledger, all_.peer_.name)) {
      all_.shared_.refusals->tell(who(all_.peer_) + refusal->why, who(all_.peer_) + " is refused: " + refusal->why);
      cancel();
    } else {
      hello_is_good_ = true;
      patience_.Cancel();
      if (!greeting_) connect();
    }
    read();
  }
  /// Both have said hello.
  void connect() {
    connected_ = true;
    all_.connected();
  }

  void written(bool ok) {
    // After a write that failed, what the other side says of it is on its way.
    const bool goes_on = ok && !over_;
    const bool part_follows = goes_on && large_;
    std::vector<Queued> next;
    bool more_follows = false;
    {
      const std::lock_guard lock(all_.mutex_);
      if (goes_on) next = all_.next_to_write(part_follows);
      all_.writing_ = !next.empty() || part_follows;
      more_follows = part_follows || all_.is_anything_queued();
    }
    if (!next.empty()) return write(next, more_follows);
    if (part_follows) return write_part();
    finish_if_over();
  }
  void finish_if_over() {
    if (!over_ || greeting_ || all_.is_writing()) return;
    finish();
  }
  void finish() { stream_->Finish(&status_, finished_.begin(shared_from_this())); }

  Outgoing& all_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<peer::v1::Frame, peer::v1::Hello>> stream_;
  peer::v1::Hello hello_;
  grpc::Status status_;
  grpc::Alarm patience_;
  bool greeting_ = false;  // our hello is under way
  bool hello_is_good_ = false;
  bool connected_ = false;
  bool over_ = false;  // the other side's part of the stream
  // The frame that goes in parts. Of whoever set `writing_`, which stays set until all of it is sent.
  std::optional<std::string> large_;
  std::size_t sent_ = 0;

  Operation started_{[this](bool ok) { started(ok); }};
  Operation greeted_{[this](bool ok) { greeted(ok); }};
  Operation waited_{[this](bool ok) { waited(ok); }};
  Operation read_{[this](bool ok) { have_read(ok); }};
  Operation written_{[this](bool ok) { written(ok); }};
  Operation finished_{[this](bool) { all_.ended(status_, connected_, std::chrono::steady_clock::now() - began_); }};
};

Outgoing::Outgoing(const Shared& shared, PeerAddress peer, Loop& loop)
    : shared_(shared),
      peer_(std::move(peer)),
      loop_(loop),
      credentials_(
          identity::channel_credentials(shared.options.tls, peer_.spki,
                                        // By value: gRPC may ask after this object is gone.
                                        [refusals = shared.refusals, who = who(peer_)](const std::string& why) {
                                          refusals->tell(who + why, who + " is not called: " + why);
                                        })),
      arguments_(channel_arguments(peer_)),
      backoff_(kFirstBackoff) {}

void Outgoing::start() {
  active_.emplace(loop_);
  dial();
}

void Outgoing::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  if (call_) call_->cancel();
  pause_.Cancel();
}

void Outgoing::redial() {
  redial_ = true;
  backoff_ = kFirstBackoff;
  const std::lock_guard lock(mutex_);
  pause_.Cancel();
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
  if (auto one = queued(std::move(message))) enqueue({*std::move(one)});
}

void Outgoing::send_all(std::vector<Message> messages) {
  std::vector<Queued> all;
  for (Message& message : messages) {
    if (auto one = queued(std::move(message))) all.push_back(*std::move(one));
  }
  enqueue(std::move(all));
}

std::optional<Outgoing::Queued> Outgoing::queued(Message message) {
  const std::size_t bytes = wire::max_frame_bytes(message);
  // Beyond that number, entries count as a message that is too long: their receiver would end the stream over them.
  const std::size_t counted =
      wire::within_bounds(message) ? bytes : std::max(bytes, shared_.options.max_message_bytes + 1);
  if (!fits(counted, "a message")) return std::nullopt;
  return Queued{std::move(message), bytes};
}

void Outgoing::send(Bytes letter) {
  constexpr std::size_t kAround = 16;
  const std::size_t bytes = letter.size() + kAround;
  if (fits(bytes, "a letter")) enqueue({{std::move(letter), bytes}});
}

void Outgoing::enqueue(std::vector<Queued> all) {
  std::vector<Queued> first;
  bool more_follows = false;
  std::shared_ptr<Call> by;
  {
    const std::lock_guard lock(mutex_);
    for (Queued& queued : all) {
      Line& line = line_of(queued);
      const bool room = line.waiting.size() < shared_.options.max_queued_messages &&
                        line.bytes + queued.bytes <= shared_.options.max_queued_bytes;
      if (!connected_ || !room) {
        ++dropped_;
        continue;
      }
      line.bytes += queued.bytes;
      line.waiting.push_back(std::move(queued));
    }
    if (writing_ || !is_anything_queued()) return;
    first = next_to_write(/*within_large=*/false);
    more_follows = is_anything_queued();
    writing_ = true;
    by = call_;
  }
  by->write(first, more_follows);
}

Outgoing::Queued Outgoing::Line::next() {
  Queued queued = std::move(waiting.front());
  waiting.pop_front();
  bytes -= queued.bytes;
  return queued;
}

Outgoing::Line& Outgoing::line_of(const Queued& queued) {
  const auto* message = std::get_if<Message>(&queued.what);
  return message != nullptr && entries_of(message->body) == nullptr ? first_ : after_;
}

/// One, with the small ones that wait behind it where it is small itself; between the parts of a large one, of the first line only.
/// With the mutex held.
std::vector<Outgoing::Queued> Outgoing::next_to_write(bool within_large) {
  std::vector<Queued> next;
  const auto is_small = [](const Queued& queued) { return queued.bytes <= kSmallBytes; };
  while (is_anything_queued() && next.size() < kMostTogether) {
    if (first_.waiting.empty() && within_large) break;
    Line& line = first_.waiting.empty() ? after_ : first_;
    if (!next.empty() && !(is_small(next.front()) && is_small(line.waiting.front()))) break;
    next.push_back(line.next());
  }
  return next;
}

bool Outgoing::is_writing() const {
  const std::lock_guard lock(mutex_);
  return writing_;
}

void Outgoing::dial() {
  std::shared_ptr<Call> call;
  {
    const std::lock_guard lock(mutex_);
    redial_ = false;
    if (!stopping_) call = call_ = std::make_shared<Call>(*this);
  }
  // Without another try there is nothing left to do.
  call ? call->begin() : active_.reset();
}

void Outgoing::connected() {
  {
    const std::lock_guard lock(mutex_);
    connected_ = true;
  }
  if (shared_.events.connected) shared_.events.connected(peer_.id);
}

void Outgoing::lost() {
  const std::lock_guard lock(mutex_);
  connected_ = false;
  dropped_ += first_.waiting.size() + after_.waiting.size();
  first_ = after_ = {};
}

void Outgoing::ended(const grpc::Status& status, bool was_connected, std::chrono::steady_clock::duration lasted) {
  {
    const std::lock_guard lock(mutex_);
    call_.reset();
  }
  tell_end(status, was_connected);
  if (lasted >= kGoodStream) backoff_ = kFirstBackoff;
  auto pause = std::exchange(backoff_, std::min(2 * backoff_, kLongestBackoff));
  if (redial_) backoff_ = kFirstBackoff;
  const std::lock_guard lock(mutex_);
  if (redial_ || stopping_) pause = {};
  pause_.Set(loop_.queue(), std::chrono::system_clock::now() + pause, paused_.begin(nullptr));
}

void Outgoing::tell_end(const grpc::Status& status, bool was_connected) {
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
