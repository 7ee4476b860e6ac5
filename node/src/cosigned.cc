#include "testamur/node/cosigned.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "testamur/encoding/encoding.h"
#include "testamur/ledger/sha256.h"

namespace testamur::node {
namespace {

/// Of one that has ended as told.
constexpr Hash kNoBoot{};
constexpr std::size_t kMaxBytes = 256;

struct Content {
  Hash boot{};
  std::uint64_t size = 0;
  bool certain = true;
};

Bytes encode(const Content& content) {
  Bytes bytes = Writer{}.u8(1).raw(content.boot).u64(content.size).u8(content.certain ? 1 : 0).bytes();
  const Hash sum = sha256(bytes);
  bytes.insert(bytes.end(), sum.begin(), sum.end());
  return bytes;
}

/// Nothing when it is not whole.
std::optional<Content> decode(ByteView bytes) {
  Reader reader(bytes, "cosigned");
  Content content;
  reader.u8_in("version", 1, 1);
  content.boot = reader.hash("boot");
  content.size = reader.u64("size");
  content.certain = reader.flag("certain");
  const Hash sum = reader.hash("sum");
  if (reader.finish() || sum != sha256(bytes.first(bytes.size() - sum.size()))) return std::nullopt;
  return content;
}

}  // namespace

std::string boot_of_machine() {
  std::ifstream stream("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(stream, id);
  return id;
}

Result<std::unique_ptr<Cosigned>> Cosigned::open(const std::filesystem::path& path,
                                                 const std::optional<CosignMemory>& promised, const std::string& boot) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return Error{ErrorCode::storage, path.string() + ": it cannot be opened: " + std::strerror(errno)};
  std::unique_ptr<Cosigned> out(new Cosigned(path, file, sha256(as_bytes(boot))));
  std::array<std::uint8_t, kMaxBytes> bytes{};
  const ssize_t count = ::pread(file, bytes.data(), bytes.size(), 0);
  if (count < 0) return out->failed("reading");
  const auto content = decode(ByteView(bytes).first(static_cast<std::size_t>(count)));
  const bool is_whole = content && (content->boot == kNoBoot || (!boot.empty() && content->boot == out->boot_));
  if (is_whole) {
    out->size_ = content->size;
    out->certain_ = content->certain;
  } else if (promised) {
    out->size_ = promised->size;
    out->certain_ = false;
  }
  // From here on it is of this boot, also when the machine stops before anything else is written to it.
  if (const auto written = out->write(out->boot_); !written) return written.error();
  if (const auto synced = out->sync(); !synced) return synced.error();
  return out;
}

Cosigned::~Cosigned() {
  // Where this fails it goes on naming this boot, and counts no longer than that.
  if (write(kNoBoot)) (void)sync();
  ::close(file_);
}

Result<void> Cosigned::note(const Checkpoint& checkpoint) {
  if (checkpoint.size < size_ || (checkpoint.size == size_ && certain_)) return {};
  size_ = checkpoint.size;
  certain_ = true;
  return write(boot_);
}

/// A few bytes in their place, by one call: a process that is killed leaves them whole.
Result<void> Cosigned::write(const Hash& boot) const {
  const Bytes bytes = encode({boot, size_, certain_});
  if (::pwrite(file_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return failed("writing");
  return {};
}

Result<void> Cosigned::sync() const {
  if (::fsync(file_) != 0) return failed("syncing");
  return {};
}

Error Cosigned::failed(std::string_view what) const {
  return {ErrorCode::storage, path_.string() + ": " + std::string(what) + " failed: " + std::strerror(errno)};
}

}  // namespace testamur::node
