// Applying one block: judge every statement in order, then make each tree once, then write everything at once.
#include "block_view.h"
#include "entries.h"
#include "registry_tree.h"
#include "state.h"

namespace testamur::store {
namespace {

void accept_issue(const IssueBody& body, LeafIndex leaf, PendingRegister& pending, BlockWrites& writes) {
  RegisterState& state = *pending.state;
  const BatchEntry entry{leaf, body.first, body.count, body.batch_root};
  state.batches->append(add_batch(state.index, state.record.batches, entry, writes));
  state.record.batches += 1;
  state.record.issued += body.count;
}

void accept_amend(const AmendBody& body, LeafIndex leaf, Time recorded_at, PendingRegister& pending,
                  BlockWrites& writes) {
  RegisterState& state = *pending.state;
  for (const Change& change : body.changes) {
    const Event event{EventSequence{state.record.events}, leaf, recorded_at, change};
    state.events->append(add_event(state.index, event, writes));
    pending.overlay.set(change.first, change.count, change.status);
    state.record.events += 1;
  }
}

/// Brings a changed register's trees and record up to date; returns the record's leaf hash in the registry.
Hash finish_register(PendingRegister& pending, Height height, BlockWrites& writes) {
  RegisterState& state = *pending.state;
  RegisterRecord& record = state.record;
  pending.statuses->update(pending.overlay.runs(), record.issued, height, writes);
  record.status_root = pending.statuses->root();
  state.statuses = pending.statuses->top();
  record.batches_root = state.batches->root();
  record.events_root = state.events->root();
  state.batches->flush(keys::batches_tree(state.index), writes);
  state.events->flush(keys::events_tree(state.index), writes);
  Bytes encoded = encode(record);
  const Hash leaf = merkle::leaf_hash(encoded);
  writes.add(keys::record(state.index, height), std::move(encoded));
  return leaf;
}

}  // namespace

Applied Ledger::State::apply(LogIndex index, const Payload& payload, const SignatureCheck& check_signature) {
  const auto view = store->view();
  BlockWrites writes;
  BlockView block(*view, registry, head.height);
  Applied applied{true, {}, {}};
  const LeafIndex first_leaf{head.size};
  const Bytes old_head = encode(head);

  const auto add_leaf = [&](Bytes data) {
    const LeafIndex at{log.size()};
    log.append(merkle::leaf_hash(data));
    writes.add(keys::leaf(at), std::move(data));
    return at;
  };
  for (const Submission& submission : payload.submissions) {
    const Judgement judged = judge(submission, payload.time, id, block, check_signature);
    Outcome outcome{judged.code, {}};
    if (judged.code == Acceptance::ok) {
      const Statement& statement = *judged.statement;
      outcome.leaf = add_leaf(statement_leaf(payload.time, submission.signed_statement));
      if (const auto* issue = std::get_if<IssueBody>(&statement.body)) {
        PendingRegister& pending = block.touch(statement.institution, issue->register_name);
        accept_issue(*issue, outcome.leaf, pending, writes);
        if (issue->listed) write_listed(*submission.listed, outcome.leaf, pending.state->index, issue->first, writes);
      } else {
        const auto& amend = std::get<AmendBody>(statement.body);
        PendingRegister& pending = block.touch(statement.institution, amend.register_name);
        accept_amend(amend, outcome.leaf, payload.time, pending, writes);
      }
    }
    applied.outcomes.push_back(outcome);
  }

  BlockRecord& record = applied.record;
  record.height = Height{head.height.value + 1};
  std::map<RecordIndex, Hash> changed;
  for (auto& [at, pending] : block.touched()) changed[at] = finish_register(pending, record.height, writes);
  RegistryTree tree(*view, head.height, head.registry_size, std::move(registry_tiles));
  tree.update(changed, record.height, writes);

  record.time = payload.time;
  record.first_leaf = first_leaf;
  record.previous = head.block_leaf;
  record.registry_size = head.registry_size;
  record.registry_root = tree.root();
  registry_tiles = tree.take_tiles();
  record.consortium = merkle::leaf_hash(encode(registry.consortium()));
  Bytes leaf = encode(record);
  head.block_leaf = merkle::leaf_hash(leaf);
  const LeafIndex at = add_leaf(std::move(leaf));
  log.flush(keys::log_tree(), writes);
  writes.add(keys::block(record.height), encode_block_place(at, index));
  writes.add(keys::block_time(record.time), u64_bytes(record.height.value));

  head.applied = index;
  head.height = record.height;
  head.time = record.time;
  head.size = log.size();
  head.root = log.root();
  writes.replace(keys::head(), old_head, encode(head));
  writes.writes().put(keys::undo(record.height), writes.undo());
  store->write(writes.writes());
  uncertified.insert_or_assign(head.size, head);
  return applied;
}

void Ledger::State::skip(LogIndex index) {
  head.applied = index;
  storage::WriteSet writes;
  writes.put(keys::head(), encode(head));
  store->write(writes);
}

}  // namespace testamur::store
