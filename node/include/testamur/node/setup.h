// What a node needs before it runs: who it is, its keys, its stores. Everything that can be wrong on an operator's machine is found
// here, and said in words.
#pragma once

#include "testamur/consensus/log_store.h"
#include "testamur/identity/tls.h"
#include "testamur/ledger/genesis.h"
#include "testamur/node/config.h"
#include "testamur/node/cosigned.h"
#include "testamur/store/ledger.h"

namespace testamur::node {

/// Who this node is.
struct Self {
  Bytes genesis;
  Hash ledger{};
  ConsortiumRecord consortium;  ///< of genesis
  std::size_t place = 0;        ///< of this node in it
  SecretKey cosigner;
  identity::TlsIdentity tls;

  const Node& node() const { return consortium.nodes[place]; }
};

/// Reads genesis and keys, and checks that they are this node's. Errors name the file.
Result<Self> read_self(const Config& config);

/// What is on its disk.
struct Stores {
  std::shared_ptr<storage::KeyValueStore> state;
  std::unique_ptr<store::Ledger> ledger;
  std::unique_ptr<consensus::LogStore> log;
  consensus::Stored stored;
  std::optional<CosignMemory> promised;  ///< what `stored` has of this node's cosigning
  std::unique_ptr<Cosigned> cosigned;
};

/// The hash that chains the entries of the consensus log.
consensus::Digest entry_hash(const consensus::Entry& entry);

/// Opens what is there; makes what is not. A log of which a part is damaged is opened as far as it is whole, and mended by the
/// others. Errors: conflict (another node's or ledger's data, or in use), corrupt, storage.
Result<Stores> open_stores(const Config& config, const Self& self);

/// Where a snapshot is kept while it arrives; open_stores() puts it in the ledger's place once the log begins after it.
std::filesystem::path arriving_directory(const Config& config);

/// For a node that lost its log, or a part of it that the others cannot mend: sets what is left aside, and begins anew in another
/// life, without a vote until the others have given it one (consensus: Options::life). Errors: storage, conflict.
Result<void> begin_new_life(const Config& config, const Self& self);

/// Takes back everything after the certified block of this height, which must be the newest that the node knows to be certified, and
/// what the node promised about it. Never behind a block that it cosigned; `not_cosigned`: where it does not know whether it did, people
/// do. Errors: invalid (another height), conflict (it cosigned a later block, or may have), as open_stores.
Result<void> return_to_certified(const Config& config, const Self& self, Height height, bool not_cosigned = false);

}  // namespace testamur::node
