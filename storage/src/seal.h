// The seal of a synced store: a small file beside the database that says how many writes were synced.
//
// A write-ahead log cannot say by itself whether its end was torn by a loss of power, which is harmless, or damaged later, which
// may have cost what was promised (Alagappan and others, FAST 2018). The seal can: it is written after each synced write, so
// that a store which recovers fewer writes than its seal names has lost some.
//
// The seal itself is not synced with each write; that would double the syncs. What that leaves open:
// - The process is killed: the page cache keeps the seal, which then names the last write that was promised, or the one before
//   when the process died between the two.
// - The power is lost: the seal on disk may be as old as the kernel lets a page be (half a minute). It then names fewer writes than
//   the log holds; that is no error. Damage done to the end of the log in the same accident can then hide between the two numbers;
//   in the middle of the log it is found without the seal (see rocks.cc).
// - The power is lost while the page with the seal is under way to the disk: the file is far smaller than a sector, begins at one's
//   start and never changes its size, so the disk has the old bytes or the new. Should a disk break that promise, the checksum turns it
//   into a refusal to open, never into a shorter log.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace rocksdb {
class Env;
class RandomRWFile;
}  // namespace rocksdb

namespace testamur::storage {

class Seal {
 public:
  /// The number in the directory's seal; nothing where there is no seal. Throws StorageFault: corrupt, storage.
  static std::optional<std::uint64_t> read(rocksdb::Env& env, const std::string& directory);
  /// Makes a seal with the number 0, synced: it is there, whole, after any loss of power.
  static void create(rocksdb::Env& env, const std::string& directory);

  /// Opens the seal that is there, for writing.
  Seal(rocksdb::Env& env, const std::string& directory);
  ~Seal();
  Seal(const Seal&) = delete;
  Seal& operator=(const Seal&) = delete;

  void write(std::uint64_t number);
  void sync();

 private:
  std::string path_;
  std::unique_ptr<rocksdb::RandomRWFile> file_;
};

}  // namespace testamur::storage
