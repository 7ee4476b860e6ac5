#include "entries.h"

#include <cstring>

#include "random.h"

namespace testamur::consensus::simulation {
namespace {

std::uint64_t mix(std::uint64_t state, const std::uint8_t* bytes, std::size_t size) {
  for (; size >= 8; bytes += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, 8);
    state = scatter(state ^ word);
  }
  std::uint64_t rest = size;
  for (; size > 0; ++bytes, --size) rest = rest << 8 | *bytes;
  return scatter(state ^ rest);
}

}  // namespace

Digest digest_from(std::uint64_t word) {
  Digest out{};
  for (std::size_t i = 0; word != 0 && i < out.size(); i += 8) {
    std::memcpy(out.data() + i, &word, 8);
    word = scatter(word);
  }
  return out;
}

std::uint64_t first_word(const Digest& digest) {
  std::uint64_t word = 0;
  std::memcpy(&word, digest.data(), 8);
  return word;
}

Digest hash_entry(const Entry& entry) {
  const auto& [id, previous, payload, kind] = entry;
  std::uint64_t state = scatter(id.term.value ^ scatter(id.index.value ^ scatter(static_cast<std::uint64_t>(kind))));
  state = mix(state, previous.data(), previous.size());
  if (payload) state = mix(~state, payload->data(), payload->size());
  return digest_from(scatter(state));
}

Payload payload_of(std::uint64_t number, const testamur::Payload& block) {
  return std::make_shared<const Bytes>(Writer{}.u64(number).raw(encode(block)).bytes());
}

std::uint64_t number_of(const Payload& payload) { return Reader(*payload, "payload").u64("number"); }

bool makes_block(const Entry& entry) { return entry.is_owners() && (number_of(entry.payload) & kLate) == 0; }

ByteView block_in(const Payload& payload) { return ByteView(*payload).subspan(sizeof(std::uint64_t)); }

}  // namespace testamur::consensus::simulation
