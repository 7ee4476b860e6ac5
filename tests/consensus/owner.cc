#include "owner.h"

#include <algorithm>
#include <bit>
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

Digest digest_of(std::uint64_t state) {
  Digest out;
  for (std::size_t i = 0; i < out.size(); i += 8) {
    state = scatter(state);
    std::memcpy(out.data() + i, &state, 8);
  }
  return out;
}

}  // namespace

Digest hash_entry(const Entry& entry) {
  const auto& [id, previous, payload, kind] = entry;
  std::uint64_t state = scatter(id.term.value ^ scatter(id.index.value ^ scatter(static_cast<std::uint64_t>(kind))));
  state = mix(state, previous.data(), previous.size());
  if (payload) state = mix(~state, payload->data(), payload->size());
  return digest_of(state);
}

Payload payload_of(std::uint64_t number) {
  std::vector<std::uint8_t> bytes;
  for (unsigned shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
  return std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
}

std::uint64_t number_of(const Payload& payload) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i > 0; --i) number = number << 8 | (*payload)[i - 1];
  return number;
}

Digest head_after(const Digest& before, const Entry& entry) {
  const std::uint64_t state = mix(entry.id.index.value, before.data(), before.size());
  return digest_of(mix(state, entry.payload->data(), entry.payload->size()));
}

std::optional<Claim> Owner::apply(const Entry& entry) {
  if (entry.id.index <= applied_) {
    // Handed out again after a restart.
    const auto block = std::find_if(blocks_.begin(), blocks_.end(),
                                    [&](const Block& known) { return known.claim.index == entry.id.index; });
    return block == blocks_.end() ? std::nullopt : std::optional(block->claim);
  }
  applied_ = entry.id.index;
  if (!entry.is_owners()) return std::nullopt;
  const Digest before = blocks_.empty() ? Digest{} : blocks_.back().claim.head;
  blocks_.push_back({{entry.id.index, height() + 1, head_after(before, entry)}, entry.id});
  return blocks_.back().claim;
}

const Block* Owner::block_at(std::uint64_t height) const {
  if (blocks_.empty() || height < blocks_.front().claim.height || height > this->height()) return nullptr;
  return &blocks_[height - blocks_.front().claim.height];
}

void Owner::flush() { on_disk_ = {applied_, certified_, std::nullopt}; }

Index Owner::safe_to_compact() const {
  return on_disk_.certified ? std::min(on_disk_.applied, on_disk_.certified->block.claim.index) : Index{};
}

void Owner::lose_power(bool keeps_unflushed) {
  if (keeps_unflushed) flush();
  applied_ = on_disk_.applied;
  certified_ = on_disk_.certified;
  if (on_disk_.blocks) blocks_ = std::move(*on_disk_.blocks);
  on_disk_.blocks.reset();
  std::erase_if(blocks_, [&](const Block& block) { return block.claim.index > applied_; });
  cosigned_.reset();
  gathered_.clear();
}

void Owner::install(const Content& content) {
  applied_ = content.snapshot.last.index;
  if (!on_disk_.blocks) on_disk_.blocks = std::move(blocks_);
  blocks_ = {content.certified.block};
  certify(content.certified);
}

std::optional<Claim> Owner::to_cosign(const Claim& agreed, const std::optional<Claim>& promised) const {
  const Block* block = block_at(agreed.height);
  if (block == nullptr || block->claim != agreed) return std::nullopt;
  if (promised && (agreed.height < promised->height || (agreed.height == promised->height && agreed != *promised)))
    return std::nullopt;
  return agreed;
}

std::optional<Certified> Owner::gather(NodeId voter, const Claim& claim, std::size_t threshold) {
  if (claim.height <= certified_height()) return std::nullopt;
  std::uint64_t& signers = gathered_[{claim.height, claim.head}];
  signers |= std::uint64_t{1} << voter.value;
  if (gathered_.size() > kMaxGathered) gathered_.erase(std::prev(gathered_.end(), 2));
  // The newest that may be certified: cosignatures of heads that are still to be derived wait.
  for (auto known = gathered_.rbegin(); known != gathered_.rend(); ++known) {
    if (static_cast<std::size_t>(std::popcount(known->second)) < threshold) continue;
    const Block* block = block_at(known->first.first);
    if (block != nullptr && block->claim.head == known->first.second) return Certified{*block, known->second};
  }
  return std::nullopt;
}

void Owner::certify(const Certified& certified) {
  certified_ = certified;
  gathered_.erase(gathered_.begin(), gathered_.upper_bound({certified.block.claim.height + 1, Digest{}}));
  forget_blocks();
}

/// What is below the newest certified block is of no use any more, once that is on disk.
void Owner::forget_blocks() {
  const std::uint64_t kept =
      std::min(certified_height(), on_disk_.certified ? on_disk_.certified->block.claim.height : 0);
  while (!blocks_.empty() && blocks_.front().claim.height < kept) blocks_.pop_front();
}

}  // namespace testamur::consensus::simulation
