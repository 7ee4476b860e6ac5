#include "testamur/tools/proof_json.h"

#include <boost/json.hpp>

namespace testamur::tools {
namespace {

using boost::json::array;
using boost::json::object;

array path_json(const merkle::Path& path) {
  array out;
  for (const Hash& hash : path) out.emplace_back(to_hex(hash));
  return out;
}

array cosignatures_json(const std::vector<Cosignature>& cosignatures) {
  array out;
  for (const Cosignature& c : cosignatures) {
    out.push_back(object{{"key_id", to_hex(c.key_id)}, {"seconds", c.seconds}, {"signature", to_base64(c.signature)}});
  }
  return out;
}

object block_json(const BlockRecord& block) {
  return {{"height", block.height.value},          {"time", block.time.value},
          {"first_leaf", block.first_leaf.value},  {"previous", to_hex(block.previous)},
          {"registry_size", block.registry_size},  {"registry_root", to_hex(block.registry_root)},
          {"consortium", to_hex(block.consortium)}};
}

object register_json(const RegisterRecord& record) {
  return {{"institution", record.institution}, {"name", record.name},
          {"revision", record.revision},       {"approvals", record.approvals},
          {"issued", record.issued},           {"status_root", to_hex(record.status_root)},
          {"batches", record.batches},         {"batches_root", to_hex(record.batches_root)},
          {"events", record.events},           {"events_root", to_hex(record.events_root)}};
}

object institution_json(const InstitutionProof& shown) {
  array keys;
  for (const Key& key : shown.record.keys) {
    keys.push_back(object{{"public_key", to_hex(key.public_key)},
                          {"uses", key.uses},
                          {"added_at", key.added_at.value},
                          {"invalid_from", key.invalid_from.value}});
  }
  return {{"index", shown.index},
          {"id", shown.record.id},
          {"revision", shown.record.revision},
          {"display_name", shown.record.display_name},
          {"state", static_cast<int>(shown.record.state)},
          {"successor", shown.record.successor},
          {"keys", std::move(keys)},
          {"path", path_json(shown.path)}};
}

object event_json(const Event& event) {
  const Change& change = event.change;
  object out = {{"sequence", event.sequence.value},
                {"leaf_index", event.leaf_index.value},
                {"recorded_at", event.recorded_at.value},
                {"first", change.first.value},
                {"count", change.count},
                {"status", name(change.status)},
                {"reason", reason_name(change.reason)},
                {"effective_at", change.effective_at.value}};
  if (change.replacement) {
    out["replacement"] = object{{"institution", change.replacement->institution},
                                {"register", change.replacement->register_name},
                                {"number", change.replacement->number.value}};
  }
  return out;
}

object statement_json(const EntryProof& entry) {
  object out = {{"index", entry.statement_index.value},
                {"recorded_at", entry.statement.recorded_at.value},
                {"bytes", to_hex(entry.statement.statement.statement)},
                {"path", path_json(entry.statement_path)}};
  array signatures;
  for (const Signature& signature : entry.statement.statement.signatures) {
    signatures.push_back(object{{"key_id", to_hex(signature.key_id)}, {"signature", to_base64(signature.signature)}});
  }
  out["signatures"] = std::move(signatures);
  const auto statement = decode_statement(entry.statement.statement.statement);
  if (!statement || statement->type() != StatementType::issue) return out;
  const auto& issue = std::get<IssueBody>(statement->body);
  out["issue"] = object{{"institution", statement->institution},
                        {"signed_at", statement->signed_at.value},
                        {"register", issue.register_name},
                        {"first", issue.first.value},
                        {"count", issue.count},
                        {"batch_root", to_hex(issue.batch_root)},
                        {"listed", issue.listed}};
  return out;
}

object entry_json(const EntryProof& entry, EntryNumber number) {
  object out = {{"status", name(chunk_status(entry.chunk, number))},
                {"chunk", to_hex(entry.chunk)},
                {"chunk_path", path_json(entry.chunk_path)},
                {"statement", statement_json(entry)}};
  if (entry.institution) out["institution"] = institution_json(*entry.institution);
  if (const auto* final_event = std::get_if<FinalEvent>(&entry.evidence)) {
    out["event"] = event_json(final_event->event);
    out["event_path"] = path_json(final_event->path);
  } else if (const auto* suspending = std::get_if<SuspendingEvents>(&entry.evidence)) {
    array events;
    for (const Event& event : suspending->events) events.push_back(event_json(event));
    out["events_before"] = path_json(suspending->peaks);
    out["events"] = std::move(events);
  }
  if (entry.document) {
    object document = {{"batch_path", path_json(entry.document->path)}};
    if (entry.document->salt) document["salt"] = to_hex(*entry.document->salt);
    out["document"] = std::move(document);
  }
  return out;
}

}  // namespace

std::string proof_to_json(const Proof& proof, std::string_view origin) {
  object out = {{"ledger", to_hex(proof.ledger)},
                {"number", proof.number.value},
                {"head", object{{"checkpoint", encode(Checkpoint{std::string(origin), proof.size, proof.root})},
                                {"epoch", proof.epoch},
                                {"cosignatures", cosignatures_json(proof.cosignatures)},
                                {"previous", cosignatures_json(proof.previous)}}},
                {"block", block_json(proof.block)},
                {"block_path", path_json(proof.block_path)}};
  if (proof.later) {
    object later = block_json(proof.later->record);
    later["index"] = proof.later->index.value;
    later["path"] = path_json(proof.later->path);
    out["later_block"] = std::move(later);
  }
  object record = register_json(proof.record);
  record["index"] = proof.register_index;
  record["path"] = path_json(proof.record_path);
  out["register"] = std::move(record);
  if (proof.entry) out["entry"] = entry_json(*proof.entry, proof.number);
  return boost::json::serialize(out);
}

}  // namespace testamur::tools
