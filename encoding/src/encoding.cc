#include "testamur/encoding/encoding.h"

#include <cstdio>
#include <cstdlib>

namespace testamur {

void Reader::fail(std::string_view field, std::string_view expected, std::size_t at, ErrorCode code) {
  if (error_) return;
  std::string message;
  message.append(what_).append(".").append(field).append(" at byte ").append(std::to_string(at));
  message.append(": expected ").append(expected);
  error_ = Error{code, std::move(message)};
}

ByteView Reader::take(std::string_view field, std::size_t count) {
  if (error_) return {};
  field_start_ = offset_;
  if (bytes_.size() - offset_ < count) {
    fail(field, std::to_string(count) + " bytes, found " + std::to_string(bytes_.size() - offset_), offset_,
         ErrorCode::malformed);
    return {};
  }
  const ByteView taken = bytes_.subspan(offset_, count);
  offset_ += count;
  return taken;
}

std::uint64_t Reader::integer(std::string_view field, std::size_t width) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : take(field, width)) value = value << 8 | byte;
  return value;
}

std::uint8_t Reader::u8(std::string_view field) { return static_cast<std::uint8_t>(integer(field, 1)); }
std::uint16_t Reader::u16(std::string_view field) { return static_cast<std::uint16_t>(integer(field, 2)); }
std::uint32_t Reader::u24(std::string_view field) { return static_cast<std::uint32_t>(integer(field, 3)); }
std::uint32_t Reader::u32(std::string_view field) { return static_cast<std::uint32_t>(integer(field, 4)); }
std::uint64_t Reader::u64(std::string_view field) { return integer(field, 8); }

std::uint8_t Reader::u8_in(std::string_view field, std::uint8_t low, std::uint8_t high) {
  const std::uint8_t value = u8(field);
  if (value < low || value > high) {
    fail(field, std::to_string(low) + " to " + std::to_string(high) + ", found " + std::to_string(value), field_start_,
         ErrorCode::malformed);
    return low;
  }
  return value;
}

ByteView Reader::opaque(std::string_view field, std::size_t length, std::size_t low, std::size_t high, std::size_t at) {
  if (error_) return {};
  if (length < low || length > high) {
    fail(field,
         std::to_string(low) + " to " + std::to_string(high) + " bytes, found a length of " + std::to_string(length),
         at, ErrorCode::malformed);
    return {};
  }
  const ByteView taken = take(field, length);
  field_start_ = at;
  return taken;
}

ByteView Reader::opaque8(std::string_view field, std::size_t low, std::size_t high) {
  const std::size_t at = offset_;
  return opaque(field, u8(field), low, high, at);
}
ByteView Reader::opaque16(std::string_view field, std::size_t low, std::size_t high) {
  const std::size_t at = offset_;
  return opaque(field, u16(field), low, high, at);
}
ByteView Reader::opaque24(std::string_view field, std::size_t low, std::size_t high) {
  const std::size_t at = offset_;
  return opaque(field, u24(field), low, high, at);
}

void Reader::expect(bool condition, std::string_view field, std::string_view expected) {
  if (!condition) fail(field, expected, field_start_, ErrorCode::malformed);
}

std::optional<Error> Reader::finish() {
  if (!error_ && !at_end()) {
    fail("end", "no more bytes, found " + std::to_string(bytes_.size() - offset_), offset_, ErrorCode::malformed);
  }
  return error_;
}

Writer& Writer::integer(std::uint64_t value, std::size_t width) {
  std::array<std::uint8_t, sizeof(value)> big_endian;
  for (std::size_t i = 0; i < width; ++i) big_endian[i] = static_cast<std::uint8_t>(value >> (8 * (width - 1 - i)));
  return raw(ByteView(big_endian).first(width));
}

Writer& Writer::length(std::size_t size, std::size_t width) {
  if (size >> (8 * width) != 0) {
    std::fprintf(stderr, "testamur: a value of %zu bytes has no encoding with a %zu-byte length\n", size, width);
    std::abort();
  }
  return integer(size, width);
}

}  // namespace testamur
