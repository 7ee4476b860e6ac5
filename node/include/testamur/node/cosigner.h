// What this node signs, and how heads become certified (FORMATS 5, CONSENSUS).
//
// A head is cosigned when a quorum of voters derived it, and read back from the store before it is signed. What makes "never a
// smaller head, never another one of a size, never an earlier time" true is on disk before a signature leaves: a promise, written in
// the consensus log together with the claim of the same head, so that it costs no sync of its own. After a restart the promise
// counts as if it had been signed.
//
// One thread, that of the ledger.
#pragma once

#include <chrono>
#include <map>
#include <set>

#include "testamur/node/clock.h"
#include "testamur/store/ledger.h"

namespace testamur::node {

/// What goes to disk: no smaller head than this, no other of this size, no earlier time will be signed.
Bytes encode(const CosignMemory& memory);
Result<CosignMemory> decode_cosign_memory(ByteView bytes);

class Cosigner {
 public:
  struct Options {
    std::string node;  ///< its name
    Clock clock;
    std::chrono::seconds every{60};  ///< an idle head is cosigned anew so often
    SignatureCheck check_signature = ed25519_verify;
    SignatureCheck signature_made = {};  ///< told what this node signs, so that it need not check it; may be left out
  };
  struct Events {
    /// Puts a promise on disk, then calls back on this thread.
    std::function<void(Bytes promise, std::function<void()> done)> keep;
    /// To all voters.
    std::function<void(const Checkpoint&, const Cosignature&)> cosigned;
    /// To all: the newest certified checkpoint, again.
    std::function<void()> repeat;
    /// A newer checkpoint is certified, or the same one at a later time.
    std::function<void(const CertifiedCheckpoint&, const store::BlockHead&)> certified;
    /// A voter's word is not taken, or contradicts what this node holds.
    std::function<void(const std::string& voter, const std::string& what)> strange;
    /// The store cannot be read or written any more, or quorums signed two stories.
    std::function<void(const Error&)> failed;
  };

  /// `promised`: what the disk holds, if anything. A node that is no voter gathers, and signs nothing.
  Cosigner(Options options, store::Ledger& ledger, SecretKey key, std::optional<CosignMemory> promised, Events events);

  /// A block was applied, or is found again after a restart.
  void derived(const store::BlockHead& head);
  /// The promise to be written with the claim of the newest block derived; `kept` is called on this thread once it is on disk.
  struct Promise {
    Bytes record;
    std::function<void()> kept;
  };
  Promise promise();
  /// A quorum, this node among them, derived this head, as it was read back from the store.
  void agreed(const store::BlockHead& head);
  /// From another node: what that node itself cosigned.
  void received(const std::string& from, const Checkpoint& checkpoint, const Cosignature& cosignature);
  /// The evidence, where a quorum signed another head than this node derived. Then at least a third of the institutions signed two
  /// stories, or what this node counted was a liar's; it has to go on from a snapshot.
  std::optional<std::string> received(const CertifiedCheckpoint& certified);
  /// Cosigns idle heads anew, and says again what may have been lost. Every now and then.
  void tick();

 private:
  using Gathered = std::map<NoteKeyId, Cosignature>;

  void cosign();
  void cosign(const store::BlockHead& head);
  std::optional<std::uint64_t> seconds_for(const store::BlockHead& head);
  bool is_promised(const store::BlockHead& head, std::uint64_t seconds) const;
  Promise promise(const store::BlockHead& head, std::uint64_t seconds);
  void keep_promise(const store::BlockHead& head, std::uint64_t seconds);
  void sign(const store::BlockHead& head, std::uint64_t seconds);
  bool may_count(const std::string& voter, const Checkpoint& checkpoint, const Cosignature& cosignature,
                 const PublicKey& key);
  void tell_whether_signed_twice(const std::string& voter, const Checkpoint& checkpoint,
                                 const Cosignature& cosignature);
  std::optional<std::string> contradicted(const CertifiedCheckpoint& certified, const store::BlockHead& mine);
  bool adds_nothing(const Checkpoint& checkpoint, const Cosignature& cosignature) const;
  bool is_gathered(const Checkpoint& checkpoint, const Cosignature& cosignature) const;
  void gather(const Checkpoint& checkpoint, const Cosignature& cosignature);
  void try_certify(const store::BlockHead& head);
  void accept(const CertifiedCheckpoint& certified, const store::BlockHead& head);
  void tell(const std::string& voter, const std::string& what);

  const Options options_;
  store::Ledger& ledger_;
  const SecretKey key_;
  const Events events_;
  const Quorum quorum_;
  bool is_voter_ = false;

  CosignMemory signed_;        // what left, or may have left before a restart
  CosignMemory promised_;      // what is known to be on disk
  CosignMemory last_promise_;  // the newest one made; each covers those before
  bool keeping_ = false;
  Height agreed_;
  std::optional<std::pair<Checkpoint, Cosignature>> own_;
  std::map<std::uint64_t, store::BlockHead> heads_;              // by size, from the certified one up
  std::map<std::pair<std::uint64_t, Hash>, Gathered> gathered_;  // by size and root
  std::optional<CertifiedCheckpoint> certified_;
  struct Told {
    std::set<std::string> what;
    unsigned since_tick = 0;
  };
  std::map<std::string, Told> told_;  // by voter
  unsigned ticks_ = 0;
};

}  // namespace testamur::node
