// Documents to commitments (FORMATS 2): which bytes of a document count.
#pragma once

#include "testamur/encoding/bytes.h"
#include "testamur/encoding/result.h"

namespace testamur::credentials {

enum class DocumentKind {
  json,   ///< a JSON object: its RFC 8785 form without our own proofs
  jws,    ///< a compact JWS: its ASCII text without the trailing newline
  bytes,  ///< anything else
};
std::string_view name(DocumentKind kind);

struct Document {
  DocumentKind kind = DocumentKind::bytes;
  Bytes canonical;  ///< what is hashed
  Hash hash{};      ///< H(canonical), which verifiers are given
};

/// No document is longer.
inline constexpr std::size_t kMaxDocumentBytes = 64u << 20;

/// Reads a document by its content alone. Errors: invalid (a JSON object that breaks I-JSON: a name twice, a number outside
/// binary64, nesting beyond 128), unsupported (a baked badge, a picture with a credential inside), malformed (too long).
Result<Document> read_document(ByteView file);

/// The RFC 8785 form of any JSON text. Errors: malformed (not JSON), invalid (breaks I-JSON).
Result<std::string> canonical_json(std::string_view json);

}  // namespace testamur::credentials
