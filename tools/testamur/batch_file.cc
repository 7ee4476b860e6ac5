#include "batch_file.h"

#include <algorithm>

namespace testamur::tool {

Result<BatchFile> BatchFile::open(const std::string& path) {
  auto file = FileReader::open(path);
  if (!file) return file.error();
  BatchFile out(path, std::move(*file));
  if (auto held = out.hold(kMaxBatchOpeningBytes); !held) return held.error();
  Reader reader(out.held_, "batch");
  out.opening_ = read_batch_opening(reader);
  if (!reader.ok()) return out.wrong(reader);
  out.used_ = reader.offset();
  out.first_ = out.place();
  return out;
}

Error BatchFile::wrong(Reader& reader) const {
  const Error error = *reader.finish();
  return {error.code, path_ + ": " + error.message};
}

/// Reads on until so many bytes are held, or the file is at its end.
Result<void> BatchFile::hold(std::size_t bytes) {
  constexpr std::size_t piece = 64 << 10;
  if (held_.size() - used_ >= bytes) return {};
  held_from_ += used_;
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(used_));
  used_ = 0;
  while (held_.size() < bytes) {
    const std::size_t before = held_.size();
    held_.resize(before + piece);
    const auto got = file_.read(std::span(held_).subspan(before));
    held_.resize(before + (got ? *got : 0));
    if (!got) return got.error();
    if (*got == 0) break;
  }
  return {};
}

Result<void> BatchFile::go_to(Place place) {
  index_ = place.index;
  if (place.offset >= held_from_ && place.offset <= held_from_ + held_.size()) {
    used_ = static_cast<std::size_t>(place.offset - held_from_);
    return {};
  }
  held_.clear();
  used_ = 0;
  held_from_ = place.offset;
  return file_.go_to(place.offset);
}

Result<BatchDocument> BatchFile::next() {
  if (auto held = hold(kMaxBatchDocumentBytes); !held) return held.error();
  Reader reader(ByteView(held_).subspan(used_), "batch");
  BatchDocument document = read_batch_document(reader, opening_.erased);
  if (!reader.ok()) return wrong(reader);
  used_ += reader.offset();
  ++index_;
  if (index_ < count()) return document;
  if (auto held = hold(1); !held) return held.error();
  if (used_ == held_.size()) return document;
  return Error{ErrorCode::malformed, path_ + ": batch: expected no bytes after the last document"};
}

}  // namespace testamur::tool
