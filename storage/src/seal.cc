#include "seal.h"

#include <rocksdb/env.h>

#include "testamur/encoding/encoding.h"
#include "testamur/storage/checksum.h"
#include "testamur/storage/key_value.h"

namespace testamur::storage {
namespace {

constexpr std::uint64_t kMagic = 0x74657374616d7572;  // "testamur"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kSealBytes = 8 + 4 + 8 + 4;

std::string path_of(const std::string& directory) { return directory + "/SEAL"; }

void require(const rocksdb::Status& status, const std::string& doing) {
  if (!status.ok()) throw StorageFault(ErrorCode::storage, "store: " + doing + ": " + status.ToString());
}

Bytes encode(std::uint64_t number) {
  Writer out;
  out.u64(kMagic).u32(kVersion).u64(number);
  const std::uint32_t sum = checksum(out.bytes());
  return std::move(out.u32(sum)).bytes();
}

rocksdb::Slice slice(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

std::optional<std::uint64_t> Seal::read(rocksdb::Env& env, const std::string& directory) {
  const std::string path = path_of(directory);
  const rocksdb::Status there = env.FileExists(path);
  if (there.IsNotFound()) return std::nullopt;
  require(there, "looking for " + path);
  std::string text;
  require(rocksdb::ReadFileToString(&env, path, &text), "reading " + path);

  const ByteView bytes = as_bytes(text);
  Reader in(bytes, "seal");
  in.expect(in.u64("magic") == kMagic, "magic", "that of a seal");
  in.expect(in.u32("version") == kVersion, "version", "1");
  const std::uint64_t number = in.u64("number");
  const std::uint32_t sum = in.u32("checksum");
  const bool whole = !in.finish() && sum == checksum(bytes.first(kSealBytes - 4));
  if (!whole) {
    throw StorageFault(ErrorCode::corrupt, "store: " + path + ": expected a seal of " + std::to_string(kSealBytes) +
                                               " bytes with its checksum, found " + std::to_string(bytes.size()) +
                                               " bytes: " + to_hex(bytes.first(std::min(bytes.size(), kSealBytes))));
  }
  return number;
}

// Under another name first: a seal that was half written when the power went must not look like a damaged one.
void Seal::create(rocksdb::Env& env, const std::string& directory) {
  const std::string path = path_of(directory);
  const std::string beginning = path + ".new";
  std::unique_ptr<rocksdb::WritableFile> file;
  require(env.NewWritableFile(beginning, &file, rocksdb::EnvOptions{}), "making " + beginning);
  require(file->Append(slice(encode(0))), "writing " + beginning);
  require(file->Sync(), "syncing " + beginning);
  require(file->Close(), "closing " + beginning);
  require(env.RenameFile(beginning, path), "renaming " + beginning);
  std::unique_ptr<rocksdb::Directory> handle;
  require(env.NewDirectory(directory, &handle), "opening " + directory);
  require(handle->Fsync(), "syncing " + directory);
}

Seal::Seal(rocksdb::Env& env, const std::string& directory) : path_(path_of(directory)) {
  require(env.NewRandomRWFile(path_, &file_, rocksdb::EnvOptions{}), "opening " + path_);
}

Seal::~Seal() = default;

void Seal::write(std::uint64_t number) { require(file_->Write(0, slice(encode(number))), "writing " + path_); }

void Seal::sync() { require(file_->Sync(), "syncing " + path_); }

}  // namespace testamur::storage
