// The words in which stories and their failures speak of nodes and messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "testamur/consensus/core.h"

namespace testamur::consensus {

/// Every kind of message, in the words of stories.
const std::vector<std::string_view>& message_kinds();
std::string_view kind_of(const Message& message);
std::string_view name_of(Role role);
std::string_view name_of(ProposeResult result);
std::string_view name_of(ChangeResult result);
std::string_view name_of(AppendOutcome outcome);
/// "[1,2,3]"; while joint "[1,2,3|1,2]", the voters before last; learners after a "+".
std::string text_of(const Configuration& configuration);
/// The payload's bytes as text; "*" for the entry by which a leader begins its term; the members, of a configuration.
std::string text_of(const Entry& entry);

std::string describe(NodeId node);
/// "3:17", the term and the index.
std::string describe(const EntryId& id);
/// What it says, from whom to whom.
std::string describe(const Message& message);
std::string join(const std::vector<std::string>& words, std::string_view between = " ");

}  // namespace testamur::consensus
