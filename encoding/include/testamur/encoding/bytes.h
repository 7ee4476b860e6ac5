// Byte strings, hashes, and their text forms.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace testamur {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// A SHA-256 value, 32 bytes.
using Hash = std::array<std::uint8_t, 32>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);

/// Strict: lower-case digits only, an even number of them. Nothing for any other text.
std::optional<Bytes> from_hex(std::string_view text);

/// Strict: exactly 64 lower-case digits.
std::optional<Hash> hash_from_hex(std::string_view text);

/// Base64 of RFC 4648 section 4, padded.
std::string to_base64(ByteView bytes);

/// Strict: padding required, no white space, unused bits zero. Nothing for any other text.
std::optional<Bytes> from_base64(std::string_view text);

/// The whole text as a decimal number: digits only, no leading zero, within 64 bits.
std::optional<std::uint64_t> from_decimal(std::string_view text);

}  // namespace testamur
