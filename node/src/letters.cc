#include "testamur/node/letters.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cstring>

#include "service_answers.h"
#include "testamur/consensus/fields.h"
#include "testamur/ledger/payload.h"
#include "testamur/node/v1/letter.pb.h"

namespace testamur::node {
namespace {

constexpr std::size_t kMaxCosignatures = 255;
/// A block's leaves are its statements and its record; a few fields are around them.
constexpr std::size_t kMaxFields = kMaxSubmissions + 1 + 16;

Bytes bytes_of(const v1::Letter& letter) {
  Bytes out(letter.ByteSizeLong());
  letter.SerializeToArray(out.data(), static_cast<int>(out.size()));
  return out;
}

template <std::size_t N>
bool copy_exactly(const std::string& from, std::array<std::uint8_t, N>& to) {
  if (from.size() != N) return false;
  std::memcpy(to.data(), from.data(), N);
  return true;
}

Error malformed(const std::string& expected) { return {ErrorCode::malformed, "letter: expected " + expected}; }

}  // namespace

Handed handed_of(std::string_view signed_statement, std::string_view listed_commitments) {
  Handed handed;
  handed.signed_statement.assign(signed_statement.begin(), signed_statement.end());
  handed.listed_fits = listed_commitments.size() % sizeof(Hash) == 0;
  if (handed.listed_fits && !listed_commitments.empty()) {
    handed.listed.resize(listed_commitments.size() / sizeof(Hash));
    std::memcpy(handed.listed.data(), listed_commitments.data(), listed_commitments.size());
  }
  return handed;
}

Bytes submission_letter(const Handed& handed) {
  v1::Letter letter;
  auto& submission = *letter.mutable_submission();
  submission.set_signed_statement(text_of(handed.signed_statement));
  const auto* listed = reinterpret_cast<const char*>(handed.listed.data());
  submission.set_listed_commitments(std::string(listed, listed + handed.listed.size() * sizeof(Hash)));
  return bytes_of(letter);
}

Bytes no_room_letter(const SubmissionId& submission, std::uint32_t retry_after_ms) {
  v1::Letter letter;
  letter.mutable_no_room()->set_submission(text_of(submission));
  letter.mutable_no_room()->set_retry_after_ms(retry_after_ms);
  return bytes_of(letter);
}

Bytes cosigned_letter(const Checkpoint& checkpoint, const Cosignature& cosignature) {
  v1::Letter letter;
  auto& cosigned = *letter.mutable_cosigned();
  cosigned.set_size(checkpoint.size);
  cosigned.set_root(text_of(checkpoint.root));
  cosigned.set_seconds(cosignature.seconds);
  cosigned.set_key_id(text_of(cosignature.key_id));
  cosigned.set_signature(text_of(cosignature.signature));
  return bytes_of(letter);
}

Bytes certified_letter(const std::string& note) {
  v1::Letter letter;
  letter.mutable_certified()->set_note(note);
  return bytes_of(letter);
}

Bytes operator_asks_letter(std::uint64_t id, const std::string& question) {
  v1::Letter letter;
  letter.mutable_operator_asks()->set_id(id);
  letter.mutable_operator_asks()->set_question(question);
  return bytes_of(letter);
}

Bytes operator_hears_letter(std::uint64_t id, const std::string& reply) {
  v1::Letter letter;
  letter.mutable_operator_hears()->set_id(id);
  letter.mutable_operator_hears()->set_reply(reply);
  return bytes_of(letter);
}

Bytes rejoins_letter(std::uint64_t life) {
  v1::Letter letter;
  letter.mutable_rejoins()->set_life(life);
  return bytes_of(letter);
}

Bytes letter_of(const SnapshotAsksLetter& letter) {
  v1::Letter out;
  auto& asks = *out.mutable_snapshot_asks();
  if (letter.height) asks.set_height(letter.height->value);
  asks.set_after(text_of(letter.after));
  return bytes_of(out);
}

namespace {

void write(const consensus::Base& at, v1::Place& out) {
  out.set_term(at.id.term.value);
  out.set_index(at.id.index.value);
  out.set_hash(text_of(at.id.hash));
  out.set_configuration(text_of(*consensus::encode(at.configuration)));
}

Result<consensus::Base> read(const v1::Place& from) {
  consensus::Base at;
  at.id.term = consensus::Term{from.term()};
  at.id.index = consensus::Index{from.index()};
  if (!copy_exactly(from.hash(), at.id.hash)) return malformed("an entry's hash");
  auto configuration = consensus::decode_configuration(as_bytes(from.configuration()));
  if (!configuration) return malformed("a configuration");
  at.configuration = std::move(*configuration);
  return at;
}

}  // namespace

Bytes letter_of(const SnapshotGivesLetter& letter) {
  v1::Letter out;
  auto& gives = *out.mutable_snapshot_gives();
  gives.set_height(letter.height.value);
  if (const auto* manifest = std::get_if<SnapshotGivesLetter::Manifest>(&letter.what)) {
    auto& is = *gives.mutable_manifest();
    is.set_manifest(text_of(manifest->manifest));
    write(manifest->at, *is.mutable_at());
  } else if (const auto* chunk = std::get_if<SnapshotGivesLetter::Chunk>(&letter.what)) {
    gives.set_chunk(text_of(chunk->bytes));
  } else {
    gives.set_gone(true);
  }
  return bytes_of(out);
}

Bytes letter_of(const PlaceAsksLetter& letter) {
  v1::Letter out;
  out.mutable_place_asks()->set_height(letter.height.value);
  return bytes_of(out);
}

Bytes letter_of(const PlaceGivesLetter& letter) {
  v1::Letter out;
  out.mutable_place_gives()->set_height(letter.height.value);
  write(letter.at, *out.mutable_place_gives()->mutable_at());
  return bytes_of(out);
}

Bytes letter_of(const BlockAsksLetter& letter) {
  v1::Letter out;
  out.mutable_block_asks()->set_height(letter.height.value);
  out.mutable_block_asks()->set_count(letter.count);
  return bytes_of(out);
}

Bytes letter_of(const BlockGivesLetter& letter) {
  v1::Letter out;
  auto& gives = *out.mutable_block_gives();
  gives.set_height(letter.height.value);
  if (!letter.block) return bytes_of(out);
  gives.set_payload(letter.block->payload.value);
  gives.set_first_leaf(letter.block->leaves.first.value);
  for (const Bytes& leaf : letter.block->leaves.data) gives.add_leaves(text_of(leaf));
  return bytes_of(out);
}

namespace {

Result<Letter> read_snapshot(const v1::SnapshotGives& gives) {
  SnapshotGivesLetter out{Height{gives.height()}, SnapshotGivesLetter::Gone{}};
  if (gives.has_chunk()) {
    out.what = SnapshotGivesLetter::Chunk{Bytes(gives.chunk().begin(), gives.chunk().end())};
  } else if (gives.has_manifest()) {
    const auto& from = gives.manifest();
    auto at = read(from.at());
    if (!at) return at.error();
    out.what = SnapshotGivesLetter::Manifest{Bytes(from.manifest().begin(), from.manifest().end()), std::move(*at)};
  }
  return Letter{std::move(out)};
}

}  // namespace

Result<Letter> read_letter(ByteView bytes) {
  google::protobuf::io::ArrayInputStream looked_at(bytes.data(), static_cast<int>(bytes.size()));
  v1::Letter letter;
  if (!consensus::has_at_most(kMaxFields, looked_at, *v1::Letter::descriptor()) ||
      !letter.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return malformed("a letter of no more fields than a block has leaves");
  }
  switch (letter.kind_case()) {
    case v1::Letter::kSubmission:
      return Letter{SubmissionLetter{
          handed_of(letter.submission().signed_statement(), letter.submission().listed_commitments())}};
    case v1::Letter::kNoRoom: {
      NoRoomLetter out;
      if (!copy_exactly(letter.no_room().submission(), out.submission)) return malformed("a submission's hash");
      out.retry_after_ms = letter.no_room().retry_after_ms();
      return Letter{out};
    }
    case v1::Letter::kCosigned: {
      const v1::Cosigned& cosigned = letter.cosigned();
      CosignedLetter out;
      out.size = cosigned.size();
      out.cosignature.seconds = cosigned.seconds();
      if (!copy_exactly(cosigned.root(), out.root) || !copy_exactly(cosigned.key_id(), out.cosignature.key_id) ||
          !copy_exactly(cosigned.signature(), out.cosignature.signature)) {
        return malformed("a root, a key id and a signature");
      }
      return Letter{out};
    }
    case v1::Letter::kCertified: {
      auto certified = certified_of(letter.certified().note());
      if (!certified) return certified.error();
      return Letter{CertifiedLetter{std::move(*certified)}};
    }
    case v1::Letter::kOperatorAsks:
      return Letter{OperatorAsksLetter{letter.operator_asks().id(), letter.operator_asks().question()}};
    case v1::Letter::kOperatorHears:
      return Letter{OperatorHearsLetter{letter.operator_hears().id(), letter.operator_hears().reply()}};
    case v1::Letter::kRejoins:
      if (letter.rejoins().life() == 0) return malformed("a life other than 0");
      return Letter{RejoinsLetter{letter.rejoins().life()}};
    case v1::Letter::kSnapshotAsks: {
      SnapshotAsksLetter out;
      if (letter.snapshot_asks().has_height()) out.height = Height{letter.snapshot_asks().height()};
      out.after.assign(letter.snapshot_asks().after().begin(), letter.snapshot_asks().after().end());
      return Letter{out};
    }
    case v1::Letter::kSnapshotGives: return read_snapshot(letter.snapshot_gives());
    case v1::Letter::kPlaceAsks: return Letter{PlaceAsksLetter{Height{letter.place_asks().height()}}};
    case v1::Letter::kPlaceGives: {
      auto at = read(letter.place_gives().at());
      if (!at) return at.error();
      return Letter{PlaceGivesLetter{Height{letter.place_gives().height()}, std::move(*at)}};
    }
    case v1::Letter::kBlockAsks:
      return Letter{BlockAsksLetter{Height{letter.block_asks().height()}, letter.block_asks().count()}};
    case v1::Letter::kBlockGives: {
      const v1::BlockGives& gives = letter.block_gives();
      BlockGivesLetter out{Height{gives.height()}, {}};
      if (gives.leaves().empty()) return Letter{std::move(out)};
      out.block = store::OlderBlock{store::LogIndex{gives.payload()}, {LeafIndex{gives.first_leaf()}, {}}};
      for (const std::string& leaf : gives.leaves()) out.block->leaves.data.emplace_back(leaf.begin(), leaf.end());
      return Letter{std::move(out)};
    }
    case v1::Letter::KIND_NOT_SET: break;
  }
  return malformed("a kind that this node knows");
}

std::string note_of(const CertifiedCheckpoint& certified, const Quorum& quorum) {
  SignedNote note;
  note.text = encode(certified.checkpoint);
  for (const Cosignature& cosignature : certified.cosignatures) {
    const auto place = find_voter(quorum, cosignature.key_id);
    if (place) note.signatures.push_back(to_line(cosignature, quorum.voters[*place].name));
  }
  return encode(note);
}

Result<CertifiedCheckpoint> certified_of(std::string_view bytes) {
  const auto note = decode_signed_note(bytes);
  if (!note) return note.error();
  auto checkpoint = decode_checkpoint(note->text);
  if (!checkpoint) return checkpoint.error();
  // Each may have to be verified, and a note of 1 MiB has room for thousands.
  if (note->signatures.size() > kMaxCosignatures) return malformed("at most 255 cosignatures");
  CertifiedCheckpoint out;
  out.checkpoint = std::move(*checkpoint);
  for (const SignatureLine& line : note->signatures) {
    const auto cosignature = cosignature_from(line);
    if (!cosignature) return cosignature.error();
    out.cosignatures.push_back(*cosignature);
  }
  if (out.cosignatures.empty()) return malformed("cosignatures");
  return out;
}

}  // namespace testamur::node
