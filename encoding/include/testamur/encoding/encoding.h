// The TLS presentation language (RFC 8446 section 3): big-endian, no padding, one encoding for each value.
//
// A Reader walks a byte string field by field. The first thing that is wrong is kept, with the field's name, its place
// and what was expected there; every later read gives zeros, so a decoder reads on and asks once, at finish().
#pragma once

#include "testamur/encoding/bytes.h"
#include "testamur/encoding/ordinal.h"
#include "testamur/encoding/result.h"

namespace testamur {

class Reader {
 public:
  /// `what` names the structure in error messages; it must outlive the reader.
  Reader(ByteView bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  std::uint8_t u8(std::string_view field);
  std::uint16_t u16(std::string_view field);
  std::uint32_t u24(std::string_view field);
  std::uint32_t u32(std::string_view field);
  std::uint64_t u64(std::string_view field);
  Time time(std::string_view field) { return Time{u64(field)}; }
  /// A byte that must lie in [low, high].
  std::uint8_t u8_in(std::string_view field, std::uint8_t low, std::uint8_t high);
  /// A byte that must be 0 or 1.
  bool flag(std::string_view field) { return u8_in(field, 0, 1) == 1; }

  template <std::size_t N>
  std::array<std::uint8_t, N> fixed(std::string_view field) {
    std::array<std::uint8_t, N> out{};
    const ByteView taken = take(field, N);
    if (taken.size() == N) std::copy(taken.begin(), taken.end(), out.begin());
    return out;
  }
  Hash hash(std::string_view field) { return fixed<32>(field); }

  /// opaque<low..high> with a length of 1, 2 or 3 bytes. The view lies in the reader's bytes.
  ByteView opaque8(std::string_view field, std::size_t low, std::size_t high);
  ByteView opaque16(std::string_view field, std::size_t low = 0, std::size_t high = 0xffff);
  ByteView opaque24(std::string_view field, std::size_t low = 0, std::size_t high = 0xffffff);
  /// Text<0..255>, any bytes; alphabets are the caller's to check.
  std::string text(std::string_view field) { return std::string(as_text(opaque8(field, 0, 255))); }

  ByteView take(std::string_view field, std::size_t count);

  bool ok() const { return !error_; }
  bool at_end() const { return offset_ == bytes_.size(); }
  std::size_t offset() const { return offset_; }
  /// Records what was expected of the field just read; only the first one is kept.
  void expect(bool condition, std::string_view field, std::string_view expected);
  /// Nothing when all was well and no byte is left over.
  std::optional<Error> finish();

 private:
  void fail(std::string_view field, std::string_view expected, std::size_t at, ErrorCode code);
  ByteView opaque(std::string_view field, std::size_t length, std::size_t low, std::size_t high, std::size_t at);
  std::uint64_t integer(std::string_view field, std::size_t width);

  ByteView bytes_;
  std::string_view what_;
  std::size_t offset_ = 0;
  std::size_t field_start_ = 0;
  std::optional<Error> error_;
};

class Writer {
 public:
  Writer& u8(std::uint8_t v) { return integer(v, 1); }
  Writer& u16(std::uint16_t v) { return integer(v, 2); }
  Writer& u24(std::uint32_t v) { return integer(v, 3); }
  Writer& u32(std::uint32_t v) { return integer(v, 4); }
  Writer& u64(std::uint64_t v) { return integer(v, 8); }
  Writer& time(Time t) { return u64(t.value); }
  Writer& raw(ByteView bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  /// Length-prefixed byte strings. The length must fit: encoding a value that has no encoding is a programming error.
  Writer& opaque8(ByteView bytes) { return length(bytes.size(), 1).raw(bytes); }
  Writer& opaque16(ByteView bytes) { return length(bytes.size(), 2).raw(bytes); }
  Writer& opaque24(ByteView bytes) { return length(bytes.size(), 3).raw(bytes); }
  Writer& text(std::string_view text) { return opaque8(as_bytes(text)); }

  const Bytes& bytes() const& { return bytes_; }
  Bytes&& bytes() && { return std::move(bytes_); }

 private:
  Writer& integer(std::uint64_t value, std::size_t width);
  Writer& length(std::size_t size, std::size_t width);

  Bytes bytes_;
};

}  // namespace testamur
