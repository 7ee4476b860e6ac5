// The alphabets of the ledger's names (FORMATS, introduction).
#pragma once

#include <string_view>

namespace testamur {

/// A lower-case DNS name: 3 to 253 bytes, two labels or more, each 1 to 63 of `a-z 0-9 -`, no hyphen at its ends.
bool is_institution_id(std::string_view text);
/// 1 to 64 of `a-z 0-9 -`.
bool is_register_name(std::string_view text);
/// Origins, node names and addresses: 1 to 255 of `a-z 0-9 . : / -`.
bool is_network_name(std::string_view text);
/// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace testamur
