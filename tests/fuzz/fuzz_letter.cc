// What another node sends above the consensus. A letter that is read and written again says the same, field by field.
#include <google/protobuf/message_lite.h>

#include "fuzz.h"
#include "testamur/ledger/payload.h"
#include "testamur/node/letters.h"
#include "testamur/node/v1/letter.pb.h"

namespace testamur::node {
namespace {

using fuzz::require;

/// Who signed is known by the key; the names are lost.
std::string note_of(const CertifiedCheckpoint& certified) {
  SignedNote note{encode(certified.checkpoint), {}};
  for (const Cosignature& cosignature : certified.cosignatures) {
    note.signatures.push_back(to_line(cosignature, "node.example"));
  }
  return encode(note);
}

struct Write {
  Bytes operator()(const SubmissionLetter& is) const { return submission_letter(is.handed); }
  Bytes operator()(const NoRoomLetter& is) const { return no_room_letter(is.submission, is.retry_after_ms); }
  Bytes operator()(const CosignedLetter& is) const { return cosigned_letter({{}, is.size, is.root}, is.cosignature); }
  Bytes operator()(const CertifiedLetter& is) const { return certified_letter(note_of(is.certified)); }
  Bytes operator()(const OperatorAsksLetter& is) const { return operator_asks_letter(is.id, is.question); }
  Bytes operator()(const OperatorHearsLetter& is) const { return operator_hears_letter(is.id, is.reply); }
  Bytes operator()(const RejoinsLetter& is) const { return rejoins_letter(is.life); }
  template <class Other>
  Bytes operator()(const Other& is) const {
    return letter_of(is);
  }
};

/// What this node takes of it, and no more: so much must come back.
v1::Letter taken(ByteView bytes) {
  v1::Letter letter;
  require(letter.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  letter.DiscardUnknownFields();
  if (letter.has_submission() && letter.submission().listed_commitments().size() % sizeof(Hash) != 0)
    letter.mutable_submission()->clear_listed_commitments();
  if (letter.has_snapshot_gives() && !letter.snapshot_gives().has_chunk() && !letter.snapshot_gives().has_manifest())
    letter.mutable_snapshot_gives()->set_gone(true);
  if (letter.has_block_gives() && letter.block_gives().leaves().empty()) {
    letter.mutable_block_gives()->clear_first_leaf();
    letter.mutable_block_gives()->clear_payload();
  }
  return letter;
}

struct CheckBounds {
  void operator()(const SubmissionLetter& is) const { require(is.handed.listed_fits || is.handed.listed.empty()); }
  void operator()(const CertifiedLetter& is) const {
    require(!is.certified.cosignatures.empty() && is.certified.cosignatures.size() <= 255);
  }
  void operator()(const RejoinsLetter& is) const { require(is.life != 0); }
  void operator()(const BlockGivesLetter& is) const {
    require(!is.block || (!is.block->leaves.data.empty() && is.block->leaves.data.size() <= kMaxSubmissions + 1));
  }
  template <class Other>
  void operator()(const Other&) const {}
};

void read_and_write(ByteView bytes) {
  const auto letter = read_letter(bytes);
  if (!letter) return require(letter.error().code == ErrorCode::malformed && !letter.error().message.empty());
  std::visit(CheckBounds{}, *letter);
  const Bytes written = std::visit(Write{}, *letter);
  const auto again = read_letter(written);
  require(again && again->index() == letter->index() && std::visit(Write{}, *again) == written);
  if (const auto* certified = std::get_if<CertifiedLetter>(&*letter)) {
    const auto& back = std::get<CertifiedLetter>(*again).certified;
    require(back.checkpoint == certified->certified.checkpoint);
    return require(back.cosignatures == certified->certified.cosignatures);
  }
  require(as_text(written) == taken(bytes).SerializeAsString());
}

}  // namespace
}  // namespace testamur::node

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  testamur::node::read_and_write({data, size});
  return 0;
}
