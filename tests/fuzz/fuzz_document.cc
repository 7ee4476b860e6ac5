// Documents: what is canonical stays canonical.
#include "fuzz.h"
#include "testamur/credentials/document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace testamur;
  using namespace testamur::credentials;
  const auto document = read_document({data, size});
  if (document && document->kind == DocumentKind::json) {
    const auto again = read_document(document->canonical);
    fuzz::require(again && again->kind == DocumentKind::json && again->hash == document->hash);
  }
  const auto canonical = canonical_json(as_text({data, size}));
  if (canonical) {
    const auto again = canonical_json(*canonical);
    fuzz::require(again && *again == *canonical);
  }
  return 0;
}
