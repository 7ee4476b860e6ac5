#include "files_by_reference.h"

#include <filesystem>

#include "testamur/encoding/encoding.h"

namespace testamur::tool {
namespace {

namespace fs = std::filesystem;

/// Up to the zero byte.
std::string_view take_text(ByteView& bytes) {
  const std::string_view text = as_text(bytes).substr(0, as_text(bytes).find('\0'));
  bytes = bytes.subspan(text.size() + 1);
  return text;
}

}  // namespace

Bytes encode(const ReferredRow& row) {
  Writer writer;
  writer.raw(as_bytes(row.reference)).u8(0).u64(row.row).u8(row.to_find ? 1 : 0).raw(as_bytes(row.file));
  return std::move(writer).bytes();
}

ReferredRow decode_referred_row(ByteView bytes) {
  ReferredRow out;
  out.reference = take_text(bytes);
  Reader reader(bytes, "row");
  out.row = reader.u64("row");
  out.to_find = reader.flag("to_find");
  out.file = as_text(bytes.subspan(reader.offset()));
  return out;
}

Result<void> FilesByReference::list(const std::vector<std::string>& directories) {
  for (std::size_t i = 0; i < directories.size(); ++i) {
    std::error_code error;
    for (fs::directory_iterator it(directories[i], error); !error && it != fs::directory_iterator();
         it.increment(error)) {
      std::error_code ignored;
      if (!it->is_regular_file(ignored)) continue;
      const std::string name = it->path().filename().string();
      // No reference begins with a dot.
      for (std::size_t dot = name.find('.', 1); dot != name.npos && name.front() != '.';
           dot = name.find('.', dot + 1)) {
        Writer record;
        record.raw(as_bytes(std::string_view(name).substr(0, dot))).u8(0).raw(as_bytes(name)).u8(0);
        record.u32(static_cast<std::uint32_t>(i));
        files_.put(record.bytes());
      }
    }
    if (error) return Error{ErrorCode::storage, directories[i] + ": reading the directory failed: " + error.message()};
  }
  return {};
}

Result<void> FilesByReference::advance() {
  ByteView record;
  const auto more = files_.next(record);
  if (!more) return more.error();
  next_.reset();
  if (!*more) return {};
  File& file = next_.emplace();
  file.reference = take_text(record);
  file.name = take_text(record);
  file.directory = Reader(record, "file").u32("directory");
  return {};
}

Result<void> FilesByReference::find(const std::string& reference, Found& found) {
  if (!begun_) {
    begun_ = true;
    if (auto advanced = advance(); !advanced) return advanced;
  }
  if (at_ != reference) {
    at_ = reference;
    found_ = {};
    while (next_ && next_->reference <= reference) {
      if (next_->reference == reference) {
        if (found_.count == 0) found_.directory = next_->directory;
        if (found_.count < 2) found_.names[found_.count] = next_->name;
        ++found_.count;
      }
      if (auto advanced = advance(); !advanced) return advanced;
    }
  }
  found = found_;
  return {};
}

}  // namespace testamur::tool
